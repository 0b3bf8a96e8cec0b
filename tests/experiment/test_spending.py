"""What a run has paid, retries included: in its answers, in the comparison, and after a replay."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import workbench as wb
from tests.llm.endpoint import Endpoint


def experiment(endpoint: Endpoint, folder: Path, **changes: Any) -> dict[str, Any]:
    model = {"window": 16_000, "tokenizer": "o200k_base", "price": {"input": 10.0, "output": 30.0}}
    return {
        "name": "spending",
        "database": str(folder / "log.duckdb"),
        "corpora": [{"world": {"tokens": 4_000, "contexts": 2, "questions": 6}}],
        "models": [{f"openai/tiny@{endpoint.url}": model}],
        "pipelines": ["full_context"],
        "concurrency": 1,
        **changes,
    }


def test_what_failed_attempts_had_used_is_part_of_the_cost_also_when_it_is_replayed(tmp_path: Path) -> None:
    with Endpoint(script=["cut", "", "500", ""]) as endpoint:
        given = experiment(endpoint, tmp_path)
        assert wb.run(given, progress=False).answered == 6
        again = wb.run({**given, "database": str(tmp_path / "again.duckdb")}, progress=False)
    books = endpoint.books
    assert (books.broken_prompt > 0, again.replayed, again.spent_usd) == (True, 6, 0.0)
    broken = (books.broken_prompt * 10 + books.broken_completion * 30) / 1e6
    billed = (books.billed_prompt * 10 + books.billed_completion * 30) / 1e6
    for name in ("log", "again"):
        log = wb.open(tmp_path / f"{name}.duckdb")
        answers, calls = log.answers(), log.calls()
        assert answers["cost_usd"].sum() == pytest.approx(billed + broken, rel=1e-9)
        assert answers["retry_cost_usd"].sum() == pytest.approx(broken, rel=1e-9)
        assert (answers["retries"].sum(), calls["attempts"].sum()) == (2, 8)
        (row,) = wb.compare(log.path).table.to_dict("records")
        assert row["usd_per_question"] == pytest.approx((billed + broken) / 6, rel=1e-9)
        assert (row["retries"], row["reasks"]) == (2, 0)
        assert row["retry_usd"] == pytest.approx(broken, rel=1e-9)
        assert 0 < row["first_token_p50_s"] <= row["first_token_p95_s"]
        assert row["cached_share"] == 0.0
        assert f"2 (${broken:.4f})" in wb.compare(log.path).format()
