"""Fusion: scores as arithmetic."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.errors import UnknownName
from workbench.retrieval.ranking.fusion import (
    Fusion,
    Scored,
    interleave,
    reciprocal_rank_fusion,
    score_fusion,
    weighted,
)

SCORES = st.dictionaries(st.integers(0, 9), st.integers(-8, 40).map(lambda n: n / 4), max_size=8)
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
    fused = Fusion("weighted", k=0, dense_weight=0.8).merge([[(7, 0.9), (8, 0.2)]], [[(8, 3.0)]])
    assert fused == [(7, pytest.approx(0.8 / 1)), (8, pytest.approx(0.8 / 2 + 0.2 / 1))]


def test_interleaving_takes_turns_and_repeats_nothing() -> None:
    assert interleave([[1, 2, 3], [2, 4]]) == [(1, 1.0), (2, 1 / 2), (4, 1 / 3), (3, 1 / 4)]


def test_relative_scores_run_from_the_lowest_to_the_highest_of_their_ranking() -> None:
    dense, sparse = [(1, 0.8), (2, 0.7), (3, 0.4)], [(3, 12.0), (4, 2.0)]
    assert dict(Fusion("relative_score", dense_weight=0.6).merge([dense], [sparse])) == {
        1: pytest.approx(0.6),
        2: pytest.approx(0.6 * (0.7 - 0.4) / (0.8 - 0.4)),
        3: pytest.approx(0.4),
        4: 0.0,
    }


def test_scores_by_distribution_run_over_three_deviations_to_each_side() -> None:
    ranking = [(1, 3.0), (2, 1.0)]  # mean 2, deviation 1: from -1 to 5
    fused = Fusion("dist_based_score").merge([ranking], [])
    assert fused == [(1, pytest.approx((3 + 1) / 6)), (2, pytest.approx((1 + 1) / 6))]


def test_scores_that_are_all_the_same_tell_found_from_not_found() -> None:
    assert score_fusion([[(1, 5.0), (2, 5.0)], []], [0.5, 0.5]) == [(1, 0.5), (2, 0.5)]
    assert score_fusion([[(1, -1.0)]], [1.0]) == [(1, 0.0)]


def test_two_wordings_count_half_each() -> None:
    one, other = [(1, 2.0), (2, 1.0)], [(2, 2.0), (1, 1.0)]
    fused = dict(Fusion("relative_score").merge([one, one], [other, other]))
    assert fused == {1: pytest.approx(0.5), 2: pytest.approx(0.5)}


@given(st.lists(SCORES, min_size=2, max_size=2), st.booleans(), st.sampled_from([0.5, 0.8, 0.0]))
def test_score_fusions_are_llama_indexs(scores: list[dict[int, float]], dist_based: bool, dense_weight: float) -> None:
    from llama_index.core.llms import MockLLM
    from llama_index.core.retrievers import QueryFusionRetriever
    from llama_index.core.schema import NodeWithScore, TextNode

    ranked: list[Scored] = [sorted(s.items(), key=lambda item: (-item[1], item[0])) for s in scores]
    rival = QueryFusionRetriever(
        [None, None],  # type: ignore[list-item]  # not asked: their results are given
        llm=MockLLM(), num_queries=1, retriever_weights=[dense_weight, 1 - dense_weight],
    )  # fmt: skip
    results = {
        ("question", number): [NodeWithScore(node=TextNode(text=str(p)), score=s) for p, s in ranking]
        for number, ranking in enumerate(ranked)
    }
    theirs = {int(n.node.text): n.score for n in rival._relative_score_fusion(results, dist_based=dist_based)}
    mode = "dist_based_score" if dist_based else "relative_score"
    ours = dict(Fusion(mode, dense_weight=dense_weight).merge(ranked[:1], ranked[1:]))
    assert ours == {position: pytest.approx(score, abs=1e-9) for position, score in theirs.items()}


def test_an_unknown_fusion_lists_those_there_are() -> None:
    with pytest.raises(UnknownName, match="interleave"):
        Fusion("borda")  # type: ignore[arg-type]


@given(st.lists(RANKING, max_size=4))
def test_every_fusion_holds_each_position_once_best_first(rankings: list[list[int]]) -> None:
    everything = sorted({p for ranking in rankings for p in ranking})
    for fused in (reciprocal_rank_fusion(rankings), weighted(rankings, [0.5] * len(rankings)), interleave(rankings)):
        assert sorted(p for p, _ in fused) == everything
        assert [s for _, s in fused] == sorted((s for _, s in fused), reverse=True)
