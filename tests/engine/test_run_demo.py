"""The whole slice: an experiment file in, a comparison out."""

from __future__ import annotations

from pathlib import Path

import pytest

import workbench as wb

FIVE = ["full_context", "chunk_rag", "graph_rag", "map_reduce", "chain_of_agents"]
CONTROLS = ["closed_book", "oracle", "random_chunks"]


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> wb.RunSummary:
    """All eight pipelines on two small worlds: one inside the reader's window, one four times as long."""
    folder = tmp_path_factory.mktemp("demo")
    return wb.run(
        {
            "name": "small-demo",
            "database": str(folder / "runs.duckdb"),
            "corpora": [
                {"world": {"tokens": 6000, "contexts": 5, "questions": 105, "seed": 3}},
                {"world": {"tokens": 32000, "contexts": 5, "questions": 105, "seed": 4}},
            ],
            "models": [{"extractive": {"price_as": "gpt-4o-mini"}}],
            "pipelines": FIVE + CONTROLS,
            "baseline": "full_context",
        },
        progress=False,
    )


def accuracy(ran: wb.RunSummary) -> dict[tuple[str, int], float]:
    """Mean score over answerable questions by pipeline and context length in thousands of tokens."""
    answers = wb.open(ran.database).answers()
    answers = answers[answers["task"] != "unanswerable"]
    length = [round(metadata["context_tokens"] / 1000) for metadata in answers["metadata"]]
    return {
        (str(p), int(k)): float(v)
        for (p, k), v in answers.groupby([answers["pipeline"], length])["score"].mean().items()
    }


def test_every_question_of_every_run_is_answered(ran: wb.RunSummary) -> None:
    assert (ran.answered, ran.failed, ran.exit_code) == (8 * 210, 0, 0)


def test_the_controls_bound_the_methods(ran: wb.RunSummary) -> None:
    scores = accuracy(ran)
    for length in (6, 32):
        assert scores["closed_book", length] < 0.05
        best = max(scores[pipeline, length] for pipeline in FIVE)
        assert scores["oracle", length] >= best
        assert scores["oracle", length] > 0.8
        assert scores["random_chunks", length] < scores["chunk_rag", length]


def test_full_context_falls_when_the_context_passes_the_window_and_chunk_rag_does_not(ran: wb.RunSummary) -> None:
    scores = accuracy(ran)
    full_fall = scores["full_context", 6] - scores["full_context", 32]
    chunk_fall = scores["chunk_rag", 6] - scores["chunk_rag", 32]
    assert full_fall > 0.5
    assert chunk_fall < 0.15
    table = wb.compare(ran.database).table.set_index(["pipeline", "corpus"])
    assert table.loc[("chunk_rag", "world-32k"), "high"] > table.loc[("chunk_rag", "world-6k"), "low"]  # within noise
    assert table.loc[("full_context", "world-32k"), "high"] < table.loc[("full_context", "world-6k"), "low"]


def test_truncation_and_cost_are_recorded(ran: wb.RunSummary) -> None:
    table = wb.compare(ran.database).table
    shares = table.set_index(["pipeline", "corpus"])["truncated_share"]
    assert shares["full_context", "world-6k"] == 0.0
    assert shares["full_context", "world-32k"] == 1.0
    assert shares["chunk_rag", "world-32k"] == 0.0
    cost = table.set_index(["pipeline", "corpus"])["usd_per_question"]
    assert (cost > 0).all()
    assert cost["full_context", "world-32k"] > 2 * cost["chunk_rag", "world-32k"]


def test_running_again_asks_nothing(tmp_path: Path) -> None:
    experiment = {
        "name": "again",
        "database": str(tmp_path / "runs.duckdb"),
        "corpora": [{"world": {"tokens": 4000, "contexts": 1, "questions": 7}}],
        "models": ["extractive"],
        "pipelines": ["full_context", "map_reduce"],
    }
    first = wb.run(experiment, progress=False, limit=3)
    rest = wb.run(experiment, progress=False)
    again = wb.run(experiment, progress=False)
    assert (first.answered, first.kept) == (6, 0)
    assert (rest.answered, rest.kept) == (8, 6)
    assert (again.answered, again.kept, again.calls, again.replayed) == (0, 14, 0, 0)
    assert len(wb.open(tmp_path / "runs.duckdb").answers()) == 14
