"""The pages that say how far the scores can be trusted."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.ui.test_pages import open_page
from workbench.analysis.ranking import battles, bradley_terry
from workbench.conformance.table import conformance
from workbench.importing.predictions import import_predictions
from workbench.judging.running import judge_answers, judge_pairs
from workbench.judging.session import JudgeOptions
from workbench.llm.model import ChatRequest
from workbench.llm.scripted import ScriptedModel
from workbench.runlog.reader import RunLogReader
from workbench.runlog.store import RunLog


def test_conformance_is_shown_without_a_log_and_without_predictions(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WORKBENCH_SHARED_DATA", str(tmp_path / "none"))
    app = open_page("conformance_page", tmp_path / "none.duckdb", monkeypatch)
    assert not app.exception
    compared = [row for row in conformance(None) if row.difference is not None]
    assert [metric.value for metric in app.metric] == [str(len(compared)), str(len(compared)), "0"]
    assert "not on this machine" in app.info[0].value
    assert len(app.dataframe[1].value) == len(conformance(None))


def test_a_log_without_judges_says_how_to_call_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    RunLog(tmp_path / "empty.duckdb").close()
    assert "is empty" in open_page("judges_page", tmp_path / "empty.duckdb", monkeypatch).info[0].value
    _import(tmp_path)
    assert "workbench judge" in open_page("judges_page", tmp_path / "log.duckdb", monkeypatch).info[0].value


def test_verdicts_and_ranking_are_those_of_analysis(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _import(tmp_path)

    def first(request: ChatRequest) -> str:
        code = request.messages[1].content.split("VERDICT ")[-1].split(":")[0]
        return f"VERDICT {code}: {'first' if 'first answer' in request.messages[1].content else 'correct'}"

    options = JudgeOptions(ScriptedModel(first, name="j"), {})
    judge_answers(tmp_path / "log.duckdb", options)
    judge_pairs(tmp_path / "log.duckdb", options)
    app = open_page("judges_page", tmp_path / "log.duckdb", monkeypatch)
    assert not app.exception
    assert list(app.dataframe[0].value["judged"]) == [1.0, 1.0]
    reader = RunLogReader(tmp_path / "log.duckdb")
    expected = bradley_terry(battles(reader.scores(), reader.runs()))
    assert list(app.dataframe[1].value["rating"]) == pytest.approx(list(expected["rating"]))


def _import(folder: Path) -> None:
    for pipeline in ("full", "rag"):
        file = folder / f"{pipeline}.jsonl"
        file.write_text(json.dumps({"question": "Who?", "prediction": pipeline, "ground_truth": "full"}) + "\n")
        import_predictions(file, corpus="names", model="m", pipeline=pipeline, database=folder / "log.duckdb")
