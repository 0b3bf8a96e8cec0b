"""Making one ranking of several. Rankings are lists of positions, best first; ties keep the lower position first."""

from __future__ import annotations

from collections.abc import Sequence

Ranking = Sequence[int]
Scored = list[tuple[int, float]]


def reciprocal_rank_fusion(rankings: Sequence[Ranking], k: int = 60) -> Scored:
    """Sum of 1 / (k + rank), ranks from 1 (Cormack, Clarke and Büttcher, SIGIR 2009; k = 60 in the paper).

    >>> [position for position, _ in reciprocal_rank_fusion([[7, 8], [8, 9]])]
    [8, 7, 9]
    """
    return weighted(rankings, [1.0] * len(rankings), k)


def weighted(rankings: Sequence[Ranking], weights: Sequence[float], k: int = 60) -> Scored:
    """Sum of weight / (k + rank). With k 0 this is Anthropic's contextual-retrieval fusion (0.8 dense, 0.2 sparse)."""
    scores: dict[int, float] = {}
    for ranking, weight in zip(rankings, weights, strict=True):
        for rank, position in enumerate(ranking, 1):
            scores[position] = scores.get(position, 0.0) + weight / (k + rank)
    return sorted(scores.items(), key=lambda item: (-item[1], item[0]))


def interleave(rankings: Sequence[Ranking]) -> Scored:
    """Round robin without repeats (LightRAG); the score is 1 / rank in the merged list."""
    merged: list[int] = []
    for depth in range(max(map(len, rankings), default=0)):
        merged += [ranking[depth] for ranking in rankings if depth < len(ranking) and ranking[depth] not in merged]
    merged = list(dict.fromkeys(merged))
    return [(position, 1 / rank) for rank, position in enumerate(merged, 1)]
