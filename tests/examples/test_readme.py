"""What README prints works as printed."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest
import yaml

from tests.conftest import ROOT
from workbench.cli.main import main

README = (ROOT / "README.md").read_text(encoding="utf-8")


def block(kind: str) -> str:
    """The first code block of its kind."""
    found = re.search(rf"```{kind}\n(.*?)```", README, re.DOTALL)
    assert found, f"README has no {kind} block"
    return found.group(1)


def test_the_experiment_file_is_planned(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("OPENAI_API_KEY", "not-a-key")
    shutil.copytree(ROOT / "examples" / "documents", tmp_path / "contracts")
    file = tmp_path / "mine.yaml"
    file.write_text(block("yaml"))
    assert main(["plan", str(file)]) == 0
    assert "nothing was called" in capsys.readouterr().out


def test_the_question_has_fields_that_are_known(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    question = json.loads(block("json"))
    folder = tmp_path / "documents"
    folder.mkdir()
    (folder / "lease.txt").write_text("The rent is 900 pounds a month. a sentence, verbatim")
    question |= {"question": "What is the rent?", "answers": ["900 pounds"], "document_ids": ["lease.txt"]}
    (folder / "questions.jsonl").write_text(json.dumps(question) + "\n")
    assert main(["corpus", "show", f"files@{folder}"]) == 0
    assert "1" in capsys.readouterr().out


def test_the_commands_are_taken(capsys: pytest.CaptureFixture[str]) -> None:
    commands = [line.partition("#")[0].split() for line in re.findall(r"^workbench .*$", README, re.MULTILINE)]
    assert len(commands) >= 5
    for command in commands:
        with pytest.raises(SystemExit) as ended:
            main([*command[1:], "--help"])
        assert ended.value.code == 0
    for option in ("--by", "-o"):
        assert any(option in command for command in commands)


def test_the_python_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    shutil.copytree(ROOT / "examples", tmp_path / "examples")
    demo = tmp_path / "examples" / "demo.yaml"
    smaller = yaml.safe_load(demo.read_text())
    smaller["corpora"] = [{"world": {"tokens": 4_000, "contexts": 1, "questions": 7}}]
    demo.write_text(yaml.safe_dump(smaller))
    monkeypatch.chdir(tmp_path)
    variables: dict[str, object] = {}
    exec(block("python"), variables)
    assert "accuracy [95 %]" in capsys.readouterr().out
    assert len(variables["answers"]) == 8 * 7  # type: ignore[arg-type]


def test_the_models_of_the_table_are_opened(monkeypatch: pytest.MonkeyPatch) -> None:
    from workbench.llm.providers.opening import open_model

    rows = re.findall(r"^\| (?:OpenAI|Anthropic|Ollama|vLLM|anything[^|]*) \| `([^`]+)`", README, re.MULTILINE)
    assert len(rows) == 5
    for key in ("OPENAI_API_KEY", "ANTHROPIC_API_KEY"):
        monkeypatch.setenv(key, "not-a-key")
    for name in rows:
        assert open_model(name).name
