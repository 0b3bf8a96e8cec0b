"""Fusion: scores as arithmetic."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.errors import UnknownName
from workbench.retrieval.fusion import Fusion, interleave, reciprocal_rank_fusion, weighted

RANKING = st.lists(st.integers(0, 9), unique=True, max_size=8)


def test_reciprocal_ranks_are_summed() -> None:
    assert reciprocal_rank_fusion([[3, 1], [1, 2, 3]]) == [
        (1, 1 / (60 + 2) + 1 / (60 + 1)),
        (3, 1 / (60 + 1) + 1 / (60 + 3)),
        (2, 1 / (60 + 2)),
    ]


def test_equal_scores_stand_in_order_of_position() -> None:
    assert [p for p, _ in reciprocal_rank_fusion([[5, 2], [2, 5]])] == [2, 5]


def test_weights_and_k_zero_are_anthropics_formula() -> None:
    fused = Fusion("weighted", k=0, dense_weight=0.8).merge([[7, 8]], [[8]])
    assert fused == [(7, pytest.approx(0.8 / 1)), (8, pytest.approx(0.8 / 2 + 0.2 / 1))]


def test_interleaving_takes_turns_and_repeats_nothing() -> None:
    assert interleave([[1, 2, 3], [2, 4]]) == [(1, 1.0), (2, 1 / 2), (4, 1 / 3), (3, 1 / 4)]


def test_an_unknown_fusion_lists_those_there_are() -> None:
    with pytest.raises(UnknownName, match="interleave"):
        Fusion("borda")  # type: ignore[arg-type]


@given(st.lists(RANKING, max_size=4))
def test_every_fusion_holds_each_position_once_best_first(rankings: list[list[int]]) -> None:
    everything = sorted({p for ranking in rankings for p in ranking})
    for fused in (reciprocal_rank_fusion(rankings), weighted(rankings, [0.5] * len(rankings)), interleave(rankings)):
        assert sorted(p for p, _ in fused) == everything
        assert [s for _, s in fused] == sorted((s for _, s in fused), reverse=True)
