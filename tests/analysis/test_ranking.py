"""Bradley-Terry: closed forms, simulated tournaments, and what a ranking must not depend on."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workbench.analysis.ranking import bradley_terry, expected_score
from workbench.errors import InputError


def battles(rows: list[tuple[str, str, float | None]]) -> pd.DataFrame:
    return pd.DataFrame(
        [(a, b, s, f"q{i}") for i, (a, b, s) in enumerate(rows)], columns=["a", "b", "score", "question_id"]
    )


def test_two_competitors_have_the_odds_of_their_wins() -> None:
    table = bradley_terry(battles([("x", "y", 1.0)] * 30 + [("x", "y", 0.0)] * 10), prior=0.0, draws=50)
    gap = table["rating"].iloc[0] - table["rating"].iloc[1]
    assert gap == pytest.approx(400 * math.log10(30 / 10), abs=1e-3)
    assert expected_score(table["rating"].iloc[0], table["rating"].iloc[1]) == pytest.approx(0.75, abs=1e-6)
    assert list(table["name"]) == ["x", "y"]
    assert list(table["win_rate"]) == [0.75, 0.25]


def test_a_tie_is_half_a_win_for_each() -> None:
    tied = bradley_terry(battles([("x", "y", 0.5)] * 8), draws=50)
    assert list(tied["rating"]) == pytest.approx([1000, 1000])
    assert list(tied["ties"]) == [8, 8]


def test_strengths_are_found_again_and_lie_in_their_intervals() -> None:
    generator = np.random.default_rng(5)
    true = {"a": 1150.0, "b": 1050.0, "c": 950.0, "d": 850.0}
    rows: list[tuple[str, str, float | None]] = []
    for _ in range(300):
        for i, one in enumerate(true):
            for other in list(true)[i + 1 :]:
                rows.append((one, other, float(generator.random() < expected_score(true[one], true[other]))))
    table = bradley_terry(battles(rows), prior=0.0, draws=400)
    assert list(table["name"]) == list(true)
    for _, row in table.iterrows():
        assert abs(row["rating"] - true[row["name"]]) < 25
        assert row["low"] <= true[row["name"]] <= row["high"]
        assert row["rank_best"] <= row["rank"] <= row["rank_worst"]


def test_the_undefeated_and_groups_that_never_met_have_finite_ratings() -> None:
    table = bradley_terry(battles([("x", "y", 1.0)] * 5 + [("u", "v", 1.0)] * 5), draws=50)
    assert np.isfinite(table[["rating", "low", "high"]].to_numpy()).all()
    assert set(table["name"].iloc[:2]) == {"x", "u"}


def test_battles_over_one_question_are_resampled_together() -> None:
    rows: list[tuple[str, str, float | None]] = [("x", "y", float(i % 3 > 0)) for i in range(60)]
    apart = bradley_terry(battles(rows), draws=400)
    # every question holds two wins and a loss, so that it does not matter which questions are drawn
    together = bradley_terry(battles(rows).assign(question_id=[f"q{i // 3}" for i in range(60)]), draws=400)
    assert together["high"].iloc[0] - together["low"].iloc[0] == pytest.approx(0, abs=1e-3)
    assert apart["high"].iloc[0] - apart["low"].iloc[0] > 50


@given(
    st.lists(st.tuples(st.sampled_from("abcd"), st.sampled_from("abcd"), st.sampled_from([0.0, 0.5, 1.0])), min_size=1)
)
@settings(max_examples=60, deadline=None)
def test_neither_order_of_battles_nor_of_sides_matters(rows: list[tuple[str, str, float]]) -> None:
    fought = [(a, b, s) for a, b, s in rows if a != b]
    if not fought:
        with pytest.raises(InputError):
            bradley_terry(battles(list(rows)), draws=2)
        return
    turned = [(b, a, 1 - s) for a, b, s in reversed(fought)]
    one, other = bradley_terry(battles(list(fought)), draws=2), bradley_terry(battles(list(turned)), draws=2)
    left, right = (t.set_index("name")["rating"].sort_index() for t in (one, other))
    assert np.allclose(left, right, atol=1e-4)
    assert left.mean() == pytest.approx(1000)


def test_rows_without_verdict_are_left_out_and_none_at_all_is_an_error() -> None:
    table = bradley_terry(battles([("x", "y", 1.0), ("x", "y", None)]), draws=10)
    assert list(table["battles"]) == [1, 1]
    with pytest.raises(InputError, match="no pair has a verdict"):
        bradley_terry(battles([("x", "y", None)]))
    with pytest.raises(InputError, match="no column score"):
        bradley_terry(battles([("x", "y", 1.0)]).drop(columns="score"))
