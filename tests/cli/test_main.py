"""The command as scripts see it: exit codes, one line for each mistake, nothing written by a wrong file."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from workbench.cli.main import main

GOOD = """
name: small
database: runs/small.duckdb
corpora:
  - world: {tokens: 4000, contexts: 1, questions: 7}
models: [extractive]
pipelines: [full_context, closed_book]
"""

# what is wrong → (what is replaced, by what, what the line must say)
WRONG = {
    "unknown field": ("name:", "nam: x\nname:", "unknown field 'nam'"),
    "unknown pipeline": ("full_context", "full_contex", "did you mean 'full_context'?"),
    "unknown corpus": ("world:", "wrold:", "unknown corpus 'wrold'"),
    "unknown corpus option": ("contexts: 1", "context: 1", "no option 'context'"),
    "unknown pipeline option": ("full_context,", "{chunk_rag: {topk: 3}},", "did you mean 'top_k'?"),
    "wrong type of an option": ("full_context,", "{chunk_rag: {top_k: many}},", "top_k is wrong"),
    "wrong value of an option": ("full_context,", "{chunk_rag: {top_k: 0}},", "top_k"),
    "unknown model": ("extractive", "openia/gpt-4o", "openia"),
    "unknown metric": ("models:", "metrics: [f2]\nmodels:", "unknown metric 'f2'"),
    "unknown baseline": ("models:", "baseline: oracle\nmodels:", "unknown baseline 'oracle'"),
    "negative budget": ("models:", "budget: {usd: -1}\nmodels:", "budget.usd"),
    "unknown budget": ("models:", "budget: {eur: 1}\nmodels:", "'eur'"),
    "missing field": ("models: [extractive]\n", "", "models: is missing"),
    "no pipeline": ("pipelines: [full_context, closed_book]", "pipelines: []", "pipelines"),
    "the same pipeline twice": ("closed_book", "full_context", "appears twice"),
    "bad YAML": ("models: [extractive]", "models: [extractive", "mend the YAML"),
    "no mapping": (GOOD, "- a\n- b\n", "holds no mapping"),
    "missing folder": ("world: {tokens: 4000, contexts: 1, questions: 7}", "files@nowhere", "nowhere"),
    "length out of range": ("tokens: 4000", "tokens: 40", "tokens"),
    "unknown embedder": ("models:", "embedder: word2vec\nmodels:", "word2vec"),
}


def write(folder: Path, text: str) -> Path:
    file = folder / "experiment.yaml"
    file.write_text(text)
    return file


@pytest.mark.parametrize("command", ["run", "plan"])
@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_file_is_one_line_and_exit_code_2(
    name: str, command: str, in_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before, after, expected = WRONG[name]
    assert before in GOOD
    file = write(in_folder, GOOD.replace(before, after, 1))
    assert main([command, str(file)]) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert expected in said
    assert [path.name for path in in_folder.iterdir()] == ["experiment.yaml"]  # nothing written


def test_a_missing_file(in_folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", "none.yaml"]) == 2
    assert "none.yaml: no such experiment file" in capsys.readouterr().err
    assert main(["compare", "none.duckdb"]) == 2


def test_run_compare_and_plan(in_folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = write(in_folder, GOOD)
    assert main(["compare", str(file)]) == 2  # not run yet
    assert main(["plan", str(file), "--format", "json"]) == 0
    planned = json.loads(capsys.readouterr().out)
    assert [row["calls"] for row in planned] == [7, 7]
    assert not (in_folder / "runs").exists()
    assert main(["run", str(file)]) == 0
    printed = capsys.readouterr().out
    assert "14 answered, 0 failed" in printed
    assert str(in_folder / "runs" / "small.duckdb") in printed
    assert main(["compare", str(file), "--experiment", "small"]) == 2  # a file is an experiment already
    assert main(["compare", str(in_folder / "runs" / "small.duckdb"), "--experiment", "small"]) == 0
    assert main(["compare", str(file), "--part", "tasks"]) == 2  # of csv only
    assert main(["compare", str(file), "--part", "tasks", "--format", "csv"]) == 0
    capsys.readouterr()
    for format in ("table", "json", "csv", "md"):
        assert main(["compare", str(file), "--by", "hops", "--format", format]) == 0
        assert "closed_book" in capsys.readouterr().out
    assert main(["compare", str(file), "--by", "colour"]) == 2
    assert main(["compare", str(file), "--baseline", "oracle"]) == 2


def test_a_plan_needs_no_key(
    in_folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    file = write(in_folder, GOOD.replace("extractive", "openai/gpt-4o-mini"))
    assert main(["plan", str(file), "--format", "json"]) == 0
    assert all(row["usd"] > 0 for row in json.loads(capsys.readouterr().out))
    assert main(["run", str(file)]) == 2
    assert "set the environment variable OPENAI_API_KEY" in capsys.readouterr().err


def test_failed_questions_give_exit_code_3(in_folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = GOOD.replace("full_context", "{full_context: {truncate: never}}").replace("tokens: 4000", "tokens: 12000")
    assert main(["run", str(write(in_folder, text)), "--quiet"]) == 3


def test_a_spent_budget_gives_exit_code_4_and_resumes(in_folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = GOOD + "budget: {tokens: 9000}\n"
    assert main(["run", str(write(in_folder, text)), "--quiet"]) == 4
    assert "raise it, and the same command goes on" in capsys.readouterr().err
    assert main(["run", str(write(in_folder, text)), "--quiet"]) == 4
    assert "earlier sessions; the next call takes at least" in capsys.readouterr().err
    assert main(["run", str(write(in_folder, GOOD)), "--quiet"]) == 0


def test_a_budget_on_the_command_line_leaves_the_experiment_the_same(
    in_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = write(in_folder, GOOD.replace("models: [extractive]", "models: [{extractive: {price_as: gpt-4o-mini}}]"))
    assert main(["run", str(file), "--quiet", "--usd", "0.0000001"]) == 4
    assert "14 questions not asked; raise it" in capsys.readouterr().err
    assert main(["run", str(file), "--quiet", "--usd", "1"]) == 0
    assert main(["compare", str(file)]) == 0  # found by the file as it stands
    with pytest.raises(SystemExit):
        main(["run", str(file), "--usd", "0"])


@pytest.mark.parametrize(
    ("content", "told"),
    [(b"", "it is empty"), (b"SQLite format 3\0" * 9, "not a DuckDB database"), (None, "is a folder")],
)
@pytest.mark.parametrize("command", ["compare", "report", "ui"])
def test_a_file_that_is_no_log_is_one_line_and_exit_code_2(
    command: str, content: bytes | None, told: str, in_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = in_folder / "notes.duckdb"
    if content is None:
        path.mkdir()
    else:
        path.write_bytes(content)
        os.utime(path, (1, 1))  # a file that is being made would be waited for
    assert main([command, str(path)]) == 2
    said = capsys.readouterr().err
    assert told in said and said.count("\n") == 1


@pytest.mark.parametrize("catalogue", [["pipelines"], ["models"], ["corpus", "list"], ["corpus", "show", "world"]])
def test_catalogues_speak_json(catalogue: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*catalogue, "--format", "json"]) == 0
    assert json.loads(capsys.readouterr().out)
    assert main(catalogue) == 0


@pytest.mark.timed
def test_help_answers_within_a_second() -> None:
    best = 9.0
    for _ in range(3):
        started = time.perf_counter()
        done = subprocess.run([sys.executable, "-m", "workbench.cli", "--help"], capture_output=True, text=True)
        best = min(best, time.perf_counter() - started)
    assert done.returncode == 0
    assert "compare" in done.stdout
    assert best < 1.0
