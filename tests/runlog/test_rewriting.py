"""Asking and scoring again: what an earlier answer left goes, what is known of a run stays, nothing kills the log."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import workbench as wb
from workbench.analysis.compare import compare
from workbench.llm.scripted import ScriptedModel
from workbench.runlog import writer
from workbench.runlog.connection import connect
from workbench.runlog.reader import RunLogReader
from workbench.runlog.store import RunLog


def experiment(folder: Path, **changes: Any) -> dict[str, Any]:
    return {
        "name": "again",
        "database": str(folder / "log.duckdb"),
        "corpora": [{"world": {"tokens": 4_000, "contexts": 1, "questions": 7}}],
        "models": ["extractive"],
        "pipelines": ["chunk_rag"],
        **changes,
    }


@pytest.mark.parametrize("fresh", [True, False])
def test_other_metrics_take_the_place_of_the_earlier_ones(tmp_path: Path, fresh: bool) -> None:
    wb.run(experiment(tmp_path), progress=False)
    again = wb.run(experiment(tmp_path, metrics=["contains", "rouge_l"]), progress=False, fresh=fresh)
    assert (again.calls > 0) is fresh
    answers = RunLogReader(again.database).answers()
    assert len(answers) == 7 == compare(again.database).table["n"].sum()
    assert set(answers["metric"]) == {"contains"}
    assert compare(again.database, metric="rouge_l").table["n"].sum() == 7


def test_a_lone_surrogate_in_a_reply_is_replaced_and_costs_no_answer(tmp_path: Path) -> None:
    models = {"odd": ScriptedModel(lambda request: "Oak\ud800ford \ud83d\ude00", name="odd", window=16_000)}
    done = wb.run(experiment(tmp_path, models=["odd"]), models=models, progress=False)
    assert (done.answered, done.failed) == (7, 0)
    assert set(RunLogReader(done.database).answers()["text"]) == {"Oak\ufffdford \U0001f600"}


def test_rows_that_could_not_be_inserted_wait_for_the_next_attempt(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer, "FLUSH_EVERY_S", 3_600.0)  # the writer thread stays out of it
    with RunLog(tmp_path / "log.duckdb") as log:
        with monkeypatch.context() as broken:
            broken.setattr(writer, "insert", lambda *_: 1 / 0)
            log.add_experiment(experiment_id="e", name="kept", config={})
            with pytest.raises(ZeroDivisionError):
                log.flush()
        log.flush()
        assert list(RunLogReader(log.path).experiments()["name"]) == ["kept"]


def test_a_fresh_answer_leaves_no_hits_and_calls_of_the_earlier_one(tmp_path: Path) -> None:
    done = wb.run(experiment(tmp_path), progress=False)
    reader = RunLogReader(done.database)
    first = reader.answers()["question_id"].iloc[0]
    run = reader.runs()["run_id"].iloc[0]
    with connect(done.database) as connection:  # what a method that asked and retrieved more has left
        connection.execute("INSERT INTO hits SELECT run_id, question_id, 99, document_id, 0, 1, 0 FROM hits LIMIT 1")
        connection.execute(
            "INSERT INTO calls (call_id, run_id, question_id, phase, step, model, prompt_hash, cost_usd) "
            "VALUES ('old', ?, ?, 'answer', 'x', 'm', 'h', 1), ('judged', ?, ?, 'score', 'x', 'm', 'h', 1)",
            [run, first, run, first],
        )
    wb.run(experiment(tmp_path), fresh=True, progress=False)
    assert reader.hits()["rank"].max() < 99
    assert set(reader.calls()["call_id"]) & {"old", "judged"} == {"judged"}
    assert reader.answers()["calls"].sum() == len(reader.calls()) - 1 - reader.builds()["calls"].sum()


def test_a_rerun_keeps_what_is_known_of_a_run(tmp_path: Path) -> None:
    done = wb.run(experiment(tmp_path), progress=False)
    facts = ["started_at", "finished_at", "wall_s", "questions_planned", "status"]
    before = RunLogReader(done.database).runs()[facts]
    wb.run(experiment(tmp_path), limit=3, progress=False)
    pd.testing.assert_frame_equal(RunLogReader(done.database).runs()[facts], before)
