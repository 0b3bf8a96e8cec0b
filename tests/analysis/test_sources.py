"""Experiments and logs side by side, and labels as they are grouped and read."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import workbench as wb
from tests.analysis.test_compare import compared
from workbench.analysis.compare import compare
from workbench.analysis.labels import in_order, with_label
from workbench.analysis.verdicts import failures
from workbench.errors import InputError, UnknownName


def run(database: Path, name: str, *pipelines: Any) -> str:
    """A small experiment; returns its id."""
    given = {
        "name": name, "database": str(database), "models": ["extractive"], "pipelines": list(pipelines),
        "corpora": [{"world": {"tokens": 4_000, "contexts": 2, "questions": 14}}],
    }  # fmt: skip
    return wb.run(given, progress=False).experiment_id


@pytest.fixture(scope="module")
def logs(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Two logs: the first holds two experiments that share a run, the second repeats it beside a sweep."""
    folder = tmp_path_factory.mktemp("logs")
    one, other = folder / "one.duckdb", folder / "other.duckdb"
    run(one, "first", "full_context", "chunk_rag")
    run(one, "second", "full_context", {"chunk_rag": {"top_k": 1}})
    run(other, "elsewhere", "full_context", "closed_book")
    return one, other


def test_two_experiments_of_a_log_share_their_runs(logs: tuple[Path, Path]) -> None:
    made = compare([logs[0], logs[0]], experiment=["first", "second"])
    assert list(made.table["pipeline"]) == ["full_context", "chunk_rag", "chunk_rag[top_k=1]"]
    assert made.baseline == "full_context"
    assert list(made.table["n"]) == [14, 14, 14]
    assert made.table["p"].isna().tolist() == [True, False, False]


def test_runs_of_one_name_in_two_logs_are_told_apart(logs: tuple[Path, Path]) -> None:
    made = compare([*logs], experiment=["first", None])
    assert list(made.table["pipeline"]) == [
        "full_context (first)", "chunk_rag", "full_context (elsewhere)", "closed_book",
    ]  # fmt: skip
    once, again = (made.table[made.table["pipeline"].str.startswith("full_context")]["accuracy"]).tolist()
    assert once == again  # the same configuration, run twice
    assert made.table["difference"].iloc[2] == 0
    alone = compare(logs[1]).table.set_index("pipeline")
    assert made.table.set_index("pipeline").loc["closed_book", "accuracy"] == alone.loc["closed_book", "accuracy"]


def test_the_newest_experiment_says_that_there_are_others(logs: tuple[Path, Path]) -> None:
    made = compare(logs[0])
    assert list(made.table["pipeline"]) == ["full_context", "chunk_rag[top_k=1]"]
    assert "this is the newest of 2 experiments in the log; others by their name: second, first" in made.notes
    assert not any("newest" in note for note in compare(logs[0], experiment="first").notes)
    with pytest.raises(UnknownName, match="unknown experiment in this log 'third'"):
        compare(logs[0], experiment="third")


def test_a_method_that_was_edited_and_run_again_stands_there_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import workbench.experiment.sweeps as sweeps

    log = tmp_path / "log.duckdb"
    run(log, "edited", "full_context", "closed_book")
    before = compare(log)
    monkeypatch.setattr(sweeps, "code_hash", lambda method: f"edited {method}")
    run(log, "edited", "full_context", "closed_book")
    made = compare(log)
    assert list(made.table["pipeline"]) == ["full_context", "closed_book"]
    assert set(made.table["run_id"]).isdisjoint(before.table["run_id"])
    assert "2 runs of earlier code or prompts are left out; the log keeps them" in made.notes


def test_numbers_of_many_values_become_ranges(logs: tuple[Path, Path]) -> None:
    lengths = [1_000 + 100 * i for i in range(12)]
    answers = pd.DataFrame(
        {"question_id": [f"q{i}" for i in range(13)], "corpus_fingerprint": "f",
         "metadata": [*({"context_tokens": n} for n in lengths), {"context_tokens": None}]}
    )  # fmt: skip
    answers = pd.concat([answers, answers], ignore_index=True)  # two pipelines
    labels = with_label(answers, "context_tokens")["label"]
    # quartiles of twelve values: three questions each
    assert dict(labels.value_counts()) == {
        "1,000 to 1,200": 6, "1,300 to 1,500": 6, "1,600 to 1,800": 6, "1,900 to 2,100": 6, "(none)": 2,
    }  # fmt: skip
    assert in_order(labels)[-1] == "(none)"
    few = with_label(answers[answers["question_id"].isin(["q0", "q1"])], "context_tokens")["label"]
    assert in_order(few) == ["1000", "1100"]


def test_labels_stand_by_size() -> None:
    assert in_order(["16384", "4096", "(none)", "80-100 %", "0-20 %", "b", "a"]) == [
        "0-20 %", "80-100 %", "4096", "16384", "a", "b", "(none)",
    ]  # fmt: skip


def test_what_failed_most_is_told_with_its_number() -> None:
    answers = pd.DataFrame(
        {"model": ["m", "m", "m", "k"], "status": ["failed", "failed", "truncated_failed", "ok"],
         "error": ["ServerGone: nobody", "ServerGone: nobody", "ContextOverflow: long", None]}
    )  # fmt: skip
    assert failures(answers) == [
        "m: 3 answers failed and count as 0: ServerGone: nobody (2 times); 1 more for another reason"
    ]


def test_methods_that_cannot_be_told_apart_are_counted() -> None:
    same = [1, 0, 1, 0, 1, 1, 1, 0]
    (verdict,) = compared({"full_context": same, "graph_rag": same, "map_reduce": same}, 8).verdicts
    assert verdict == (
        "fact: full_context best at 0.62 (n=8); graph_rag at 0.62 is within noise for 50% of the cost, as is 1 more"
    )


def test_the_tables_for_scripts_know_no_nan(logs: tuple[Path, Path]) -> None:
    made = compare(logs[0], experiment="first", by="hops")
    told = json.loads(made.format("json"), parse_constant=lambda name: pytest.fail(f"{name} is no JSON"))
    assert told["by"] == "hops"
    assert {row["break_even"] for row in told["table"]} <= {None, "inf", 1.0}
    assert [row["accuracy"] for row in told["table"]] == made.table["accuracy"].tolist()  # every digit
    assert made.format("csv", "tasks").splitlines()[0] == ",".join(made.tasks.columns)
    assert "nan" not in made.format("csv").lower().replace("unanswerable", "")
    with pytest.raises(InputError, match="unknown part of a comparison 'rows'"):
        made.format("csv", "rows")
