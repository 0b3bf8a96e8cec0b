"""Verdicts and notes of comparisons, from frames as the run log's reader gives them."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd
import pytest

import workbench as wb
from workbench.analysis.compare import Comparison, compare, comparison

USD = {"full_context": 10.0, "chunk_rag": 1.0}


def compared(scores: Mapping[str, Sequence[float]], contexts: int) -> Comparison:
    """Methods by their scores; questions are dealt out to the contexts in turn."""
    runs = pd.DataFrame(
        [
            {"run_id": name, "pipeline": name, "method": name, "corpus": "c", "model": "m", "environment": {},
             "baseline": name == "full_context"}
            for name in scores
        ]
    )  # fmt: skip
    answers = pd.DataFrame(
        [
            {"run_id": name, "pipeline": name, "method": name, "corpus": "c", "model": "m", "corpus_fingerprint": "f",
             "question_id": f"q{i}", "context_id": f"c{i % contexts}", "task": "fact", "metadata": {}, "status": "ok",
             "score": value, "cost_usd": USD.get(name, 5.0), "prompt_tokens": 1, "completion_tokens": 1, "calls": 1,
             "truncated_tokens": 0, "critical_path_s": 1.0, "evidence_coverage": None, "replayed": False}
            for name, values in scores.items()
            for i, value in enumerate(values)
        ]
    )  # fmt: skip
    return comparison(runs, answers, pd.DataFrame({"run_id": [], "cost_usd": []}))


def test_a_method_that_is_worse_on_the_same_questions_is_not_within_noise() -> None:
    """Its own interval over contexts reaches the best; the paired difference, -0.1 everywhere, is not near zero."""
    spread = [0.2, 0.8] * 6
    (verdict,) = compared({"full_context": [s + 0.1 for s in spread], "chunk_rag": spread}, 12).verdicts
    assert verdict == "fact: full_context best at 0.60 (n=12)"


def test_a_cheaper_method_that_cannot_be_told_apart_is_named() -> None:
    near = compared({"full_context": [1, 0, 1, 0, 1, 1, 1, 0], "chunk_rag": [0, 1, 1, 0, 1, 1, 0, 0]}, 8).verdicts
    assert near == ("fact: full_context best at 0.62 (n=8); chunk_rag at 0.50 is within noise for 10% of the cost",)


def test_few_contexts_are_said() -> None:
    scores = {"full_context": [1.0] * 12, "chunk_rag": [0.0] * 12}
    (one,) = compared(scores, 1).notes
    assert one == "c · m: one context, so intervals and tests go by question and hold for this context only"
    (three,) = compared(scores, 3).notes
    assert three == "c · m: with 3 contexts no p (Holm) can be below 0.25; 6 or more are needed for 0.05"
    assert compared(scores, 3).table["p"].iloc[1] == 2 / 2**3
    assert compared(scores, 6).notes == ()


@pytest.mark.timed
def test_twenty_runs_of_few_contexts_are_compared_at_once() -> None:
    scores = {f"method {i}": [float((i + j) % 3 > 0) for j in range(14)] for i in range(21)}
    started = time.perf_counter()
    assert len(compared(scores, 2).table) == 21
    assert time.perf_counter() - started < 5  # resampling in a Python loop took 16 s


def test_a_model_with_two_windows_is_two_models(tmp_path: Path) -> None:
    given = {
        "name": "windows",
        "database": str(tmp_path / "log.duckdb"),
        "corpora": [{"world": {"tokens": 4_000, "contexts": 1, "questions": 4}}],
        "models": [{"extractive": {"window": 2_000}}, {"extractive": {"window": 8_000}}],
        "pipelines": ["full_context"],
    }
    table = compare(wb.run(given, progress=False).database).table
    assert list(table["model"]) == ["extractive[window=2000]", "extractive[window=8000]"]
    assert list(table["n"]) == [4, 4]


def test_corpora_stand_in_the_order_of_the_file(tmp_path: Path) -> None:
    sizes = [9_000, 4_000, 12_000, 6_000]
    given = {
        "name": "order",
        "database": str(tmp_path / "log.duckdb"),
        "corpora": [{"world": {"tokens": tokens, "contexts": 1, "questions": 2}} for tokens in sizes],
        "models": ["extractive"],
        "pipelines": ["closed_book"],
    }
    table = compare(wb.run(given, progress=False).database).table
    assert list(table["corpus"]) == ["world-9k", "world-4k", "world-12k", "world-6k"]


def test_where_closed_book_is_right_is_told(tmp_path: Path) -> None:
    given = {
        "name": "closed",
        "database": str(tmp_path / "log.duckdb"),
        "corpora": [{"world": {"tokens": 4_000, "contexts": 1, "questions": 7}}],
        "models": ["extractive"],
        "pipelines": ["closed_book"],
    }
    compared = compare(wb.run(given, progress=False).database)
    told = "1 of the 1 questions that closed_book gets right are those where declining is right"
    assert f"world-4k · extractive: {told}" in compared.notes


def test_many_tests_need_more_contexts() -> None:
    """With six contexts one test can reach 0.03; seven of them, corrected, cannot get below 0.22."""
    methods = {f"method{i}": [1.0, 0.0, 1.0, 1.0, 0.0, 1.0] for i in range(7)} | {"full_context": [0.0] * 6}
    (note,) = (note for note in compared(methods, contexts=6).notes if "contexts" in note)
    assert note == "c · m: with 6 contexts no p (Holm) of 7 tests can be below 0.219; 9 or more are needed for 0.05"
