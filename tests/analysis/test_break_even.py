"""An index is paid once per context: from how many questions on it has paid for itself."""

from __future__ import annotations

import math
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import workbench as wb
from workbench.analysis.break_even import amortised, break_even
from workbench.analysis.compare import compare

USD = st.floats(0, 10).map(lambda value: round(value, 4))


@given(question=USD, index=USD, other_question=USD, other_index=USD)
def test_it_is_the_first_number_with_lower_cost(
    question: float, index: float, other_question: float, other_index: float
) -> None:
    even = break_even(question, index, other_question, other_index)

    def saving(number: float) -> float:
        return (other_question * number + other_index) - (question * number + index)

    if math.isinf(even):
        assert question >= other_question
    else:
        assert saving(even) > 0
        assert even == 1 or saving(even - 1) <= 1e-6


def table(**costs: tuple[float, float]) -> pd.DataFrame:
    rows = [
        {"pipeline": name, "method": name, "usd_per_question": q, "index_usd_per_context": i, "n": 5}
        for name, (q, i) in costs.items()
    ]
    return pd.DataFrame(rows)


def test_the_share_of_the_index_falls_with_the_questions() -> None:
    frame = amortised(table(raptor=(0.1, 2.0)), (1, 10, 100))
    assert frame["usd_per_question"].tolist() == pytest.approx([2.1, 0.3, 0.12])


def test_the_comparison_tells_where_an_index_pays(tmp_path: Path) -> None:
    given = {
        "name": "even",
        "database": str(tmp_path / "log.duckdb"),
        "corpora": [{"world": {"tokens": 12_000, "contexts": 1, "questions": 4}}],
        "models": [{"extractive": {"price_as": "gpt-4o-mini"}}],
        "pipelines": ["full_context", "raptor", "map_reduce"],
    }
    compared = compare(wb.run(given, progress=False).database)
    rows = compared.table.set_index("pipeline")
    number = rows.loc["raptor", "break_even"]
    assert 1 < number < 1_000
    raptor, full = rows.loc["raptor"], rows.loc["full_context"]
    assert raptor["usd_per_question"] + raptor["index_usd_per_context"] / number < full["usd_per_question"]
    assert rows.loc["map_reduce", "break_even"] == math.inf
    assert f"{number:,.0f} questions per context" in compared.format()


def test_a_model_without_a_price_has_no_costs(tmp_path: Path) -> None:
    from workbench.llm.scripted import ScriptedModel

    given = {
        "name": "unpriced",
        "database": str(tmp_path / "log.duckdb"),
        "corpora": [{"world": {"tokens": 4_000, "contexts": 1, "questions": 2}}],
        "models": ["mine"],
        "pipelines": ["full_context"],
    }
    compared = compare(wb.run(given, progress=False, models={"mine": ScriptedModel("yes")}).database)
    assert compared.table["usd_per_question"].isna().all()
    assert "mine: no price is known, so costs are left out; give it price, price_as or gpu_hour" in compared.notes
    assert "0.000000" not in compared.format()


def test_the_embedded_reader_costs_nothing_and_that_is_known(tmp_path: Path) -> None:
    given = {
        "name": "free",
        "database": str(tmp_path / "log.duckdb"),
        "corpora": [{"world": {"tokens": 4_000, "contexts": 1, "questions": 2}}],
        "models": [{"extractive": {"window": 4_000}}],
        "pipelines": ["full_context"],
        "budget": {"usd": 1.0},
    }
    compared = compare(wb.run(given, progress=False).database)
    assert compared.table["usd_per_question"].tolist() == [0.0]
    assert not any("price" in note for note in compared.notes)
