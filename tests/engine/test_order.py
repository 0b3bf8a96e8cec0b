"""The order of asking changes when calls are made, never what is answered."""

from __future__ import annotations

from itertools import groupby
from pathlib import Path
from typing import Any

import workbench as wb


def run(folder: Path, order: str) -> Any:
    experiment = {
        "name": "order",
        "database": str(folder / f"{order}.duckdb"),
        "corpora": [{"world": {"tokens": 4_000, "contexts": 3, "questions": 12}}],
        "models": ["extractive"],
        "pipelines": ["full_context", {"chunk_rag": {"top_k": [2, 4]}}],
        "order": order,
    }
    summary = wb.run(experiment, progress=False)
    assert (summary.answered, summary.failed) == (36, 0)
    return wb.open(summary.database)


def test_all_orders_answer_alike(tmp_path: Path) -> None:
    logs = {order: run(tmp_path / order, order) for order in ("prefix", "context", "random")}
    frames = {order: log.answers()[["pipeline", "question_id", "text", "score"]] for order, log in logs.items()}
    for order in ("context", "random"):
        for frame in frames.values():
            frame.sort_values(["pipeline", "question_id"], inplace=True, ignore_index=True)
        assert frames[order].equals(frames["prefix"])
    runs = logs["context"].runs()
    assert set(runs["status"]) == {"complete"} and (runs["wall_s"] > 0).all()


def test_by_context_all_runs_are_through_with_one_before_the_next(tmp_path: Path) -> None:
    calls = run(tmp_path / "a", "context").calls().sort_values("started_at")
    asked = [context for context, _ in groupby(calls["context_id"])]
    assert len(asked) <= 3 + 2  # contexts follow each other; the next one's first call may overtake a last one
    by_run = run(tmp_path / "b", "prefix").calls().sort_values("started_at")
    assert [pipeline for pipeline, _ in groupby(by_run["pipeline"])] == list(dict.fromkeys(by_run["pipeline"]))
