"""Merging several rankings into one. Rankings are lists of positions, best first; in ties the lower position wins."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean, pstdev
from typing import Literal

from workbench.errors import UnknownName
from workbench.retrieval.bounds import within

Ranking = Sequence[int]
Scored = list[tuple[int, float]]
Kind = Literal["rrf", "weighted", "interleave", "relative_score", "dist_based_score"]
FUSIONS = ("rrf", "weighted", "interleave", "relative_score", "dist_based_score")


@dataclass(frozen=True, slots=True)
class Fusion:
    """How dense and sparse rankings are merged.

    `rrf`: reciprocal ranks with `k`. `weighted`: the same with weight `dense_weight` for dense and 1 − `dense_weight`
    for sparse rankings (k = 0 and 0.8 is Anthropic's contextual retrieval; k = 0 is also Graphiti's formula, which
    writes it as k = 1 with ranks from 0). `interleave`: round robin, dense first (LightRAG). `relative_score` and
    `dist_based_score`: the scores themselves, scaled and summed with the weights of `weighted`.
    """

    kind: Kind = "rrf"
    k: int = 60
    dense_weight: float = 0.5

    def __post_init__(self) -> None:
        """Raises InputError with the field's name among the options of `chunk_rag`."""
        if self.kind not in FUSIONS:
            raise UnknownName("fusion", self.kind, list(FUSIONS), field="fusion")
        within("rrf_k", self.k, 0)
        within("dense_weight", self.dense_weight, 0, 1)

    def merge(self, dense: Sequence[Scored], sparse: Sequence[Scored]) -> Scored:
        """One ranking from all; if there are only dense or only sparse ones, all weigh the same."""
        both = bool(dense and sparse)
        weights = [self.dense_weight if both else 1.0] * len(dense)
        weights += [1 - self.dense_weight if both else 1.0] * len(sparse)
        if self.kind in ("relative_score", "dist_based_score"):
            shares = [weight / max(len(dense), len(sparse)) for weight in weights]
            return score_fusion([*dense, *sparse], shares, dist_based=self.kind == "dist_based_score")
        rankings = [[position for position, _ in scored] for scored in (*dense, *sparse)]
        if self.kind == "interleave":
            return interleave(rankings)
        return reciprocal_rank_fusion(rankings, self.k) if self.kind == "rrf" else weighted(rankings, weights, self.k)


def reciprocal_rank_fusion(rankings: Sequence[Ranking], k: int = 60) -> Scored:
    """Sum of 1 / (k + rank), ranks from 1 (Cormack, Clarke and Büttcher, SIGIR 2009; k = 60 in the paper).

    >>> [position for position, _ in reciprocal_rank_fusion([[7, 8], [8, 9]])]
    [8, 7, 9]
    """
    return weighted(rankings, [1.0] * len(rankings), k)


def weighted(rankings: Sequence[Ranking], weights: Sequence[float], k: int = 60) -> Scored:
    """Sum of weight / (k + rank), ranks from 1."""
    scores: dict[int, float] = {}
    for ranking, weight in zip(rankings, weights, strict=True):
        for rank, position in enumerate(ranking, 1):
            scores[position] = scores.get(position, 0.0) + weight / (k + rank)
    return sorted(scores.items(), key=lambda item: (-item[1], item[0]))


def score_fusion(scored: Sequence[Scored], weights: Sequence[float], *, dist_based: bool = False) -> Scored:
    """Sum of weight × scaled score, each ranking being scaled by itself.

    The lowest score becomes 0 and the highest 1 (relative score fusion), or the mean − 3 standard deviations becomes 0
    and the mean + 3 becomes 1 (`dist_based`: Mazzeschi 2023), which depends less on a single outlier. Scores that are
    all the same become 1, or 0 when they are not positive. The same as llama-index's QueryFusionRetriever (modes
    `relative_score` and `dist_based_score`); a ranking is scaled by the scores of its own results only.

    >>> score_fusion([[(7, 0.9), (8, 0.5)], [(8, 12.0), (9, 4.0), (7, 2.0)]], [0.5, 0.5])
    [(7, 0.5), (8, 0.5), (9, 0.1)]
    """
    sums: dict[int, float] = {}
    for ranking, weight in zip(scored, weights, strict=True):
        values = [score for _, score in ranking]
        low, high = min(values, default=0.0), max(values, default=0.0)
        if low == high:
            low, high = (low - 1, high) if high > 0 else (low, high + 1)
        elif dist_based:
            mean, deviation = fmean(values), pstdev(values)
            low, high = mean - 3 * deviation, mean + 3 * deviation
        for position, score in ranking:
            sums[position] = sums.get(position, 0.0) + weight * (score - low) / ((high - low) or 1.0)
    return sorted(sums.items(), key=lambda item: (-item[1], item[0]))


def interleave(rankings: Sequence[Ranking]) -> Scored:
    """Round robin without repeats (LightRAG); the score is 1 / rank in the merged list.

    >>> [position for position, _ in interleave([[7, 8], [8, 9]])]
    [7, 8, 9]
    """
    merged: dict[int, None] = {}
    for depth in range(max(map(len, rankings), default=0)):
        for ranking in rankings:
            if depth < len(ranking):
                merged.setdefault(ranking[depth])
    return [(position, 1 / rank) for rank, position in enumerate(merged, 1)]
