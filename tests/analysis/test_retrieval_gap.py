"""The gap between retrieved evidence and right answers: cells counted by hand, and from a real run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from workbench.analysis.retrieval_gap import CELLS, gap_of, retrieval_gap

SPAN = {"document_id": "d", "start": 10, "end": 20, "text": "x" * 10}
OTHER = {"document_id": "e", "start": 0, "end": 5, "text": "x" * 5}


def frames(*cases: tuple[list[Any], list[tuple[str, int, int]], float | None, str]) -> tuple[pd.DataFrame, ...]:
    """Answers, hits and questions of cases (evidence, hits, score, status)."""
    answers = [
        {"run_id": "r", "question_id": f"q{i}", "corpus_fingerprint": "c", "corpus": "w", "model": "m",
         "pipeline": "p", "status": status, "score": score}
        for i, (_, _, score, status) in enumerate(cases)
    ]  # fmt: skip
    hits = [
        {"run_id": "r", "question_id": f"q{i}", "rank": rank, "document_id": d, "start": s, "end": e}
        for i, (_, found, _, _) in enumerate(cases)
        for rank, (d, s, e) in enumerate(found, 1)
    ]
    questions = [
        {"corpus_fingerprint": "c", "question_id": f"q{i}", "evidence": case[0]} for i, case in enumerate(cases)
    ]
    columns = ["run_id", "question_id", "rank", "document_id", "start", "end"]
    return pd.DataFrame(answers), pd.DataFrame(hits, columns=columns), pd.DataFrame(questions)


def test_each_answer_is_in_one_cell() -> None:
    table = retrieval_gap(
        *frames(
            ([SPAN], [("d", 15, 30)], 1.0, "ok"),  # overlaps, right
            ([SPAN], [("d", 0, 11)], 0.2, "ok"),  # overlaps by one character, wrong
            ([SPAN], [("d", 0, 10), ("e", 12, 18)], 0.9, "ok"),  # touches only; the other is another document
            ([SPAN], [], 0.0, "ok"),
            ([SPAN], [("d", 15, 30)], None, "failed"),  # found, but the call failed
            ([SPAN, OTHER], [("d", 15, 30)], 1.0, "ok"),  # one of two: missed
            ([], [("d", 15, 30)], 1.0, "ok"),
            ([SPAN], [("d", 15, 30)], None, "ok"),
        )
    )
    (row,) = table.to_dict("records")
    assert {cell: row[cell] for cell in CELLS} == dict(zip(CELLS, (1, 2, 2, 1), strict=True))
    assert (row["n"], row["no_evidence"], row["unscored"]) == (6, 1, 1)
    assert row["evidence_found"] == 3 / 6
    assert row["accuracy_found"] == pytest.approx(1 / 3) and row["accuracy_missed"] == pytest.approx(2 / 3)


def test_bounds_can_be_moved() -> None:
    case = frames(([SPAN, OTHER], [("d", 15, 30)], 0.6, "ok"))
    assert retrieval_gap(*case)["missed_right"].tolist() == [1]
    assert retrieval_gap(*case, found_from=0.5)["found_right"].tolist() == [1]
    assert retrieval_gap(*case, right_from=0.7)["missed_wrong"].tolist() == [1]


def test_a_run_that_reads_no_hit_has_no_row() -> None:
    assert retrieval_gap(*frames(([SPAN], [], 1.0, "ok"))).empty


def test_a_real_log_adds_up(tmp_path: Path) -> None:
    import workbench as wb

    experiment = {
        "name": "gap",
        "database": str(tmp_path / "gap.duckdb"),
        "corpora": [{"world": {"tokens": 4000, "contexts": 1, "questions": 12, "seed": 5}}],
        "models": ["extractive"],
        "pipelines": [{"chunk_rag": {"top_k": 1, "chunk_tokens": 64, "overlap": 0}}, "closed_book"],
    }
    wb.run(experiment, progress=False)
    table = gap_of(tmp_path / "gap.duckdb")
    assert len(table) == 1 and table["pipeline"].iloc[0].startswith("chunk_rag")
    assert table[list(CELLS)].iloc[0].sum() == table["n"].iloc[0]
    assert table["n"].iloc[0] + table["no_evidence"].iloc[0] + table["unscored"].iloc[0] == 12
