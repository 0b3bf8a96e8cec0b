"""Making one ranking of several. Rankings are lists of positions, best first; ties keep the lower position first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from workbench.errors import UnknownName
from workbench.retrieval.bounds import within

Ranking = Sequence[int]
Scored = list[tuple[int, float]]
FUSIONS = ("rrf", "weighted", "interleave")


@dataclass(frozen=True, slots=True)
class Fusion:
    """How dense and sparse rankings become one. `rrf`: reciprocal ranks with `k`; `weighted`: the same with
    `dense_weight` for the dense and the rest for the sparse rankings (k 0 and 0.8: Anthropic's contextual retrieval;
    k 1 with ranks from 0 is Graphiti's, our k 0); `interleave`: round robin, dense first (LightRAG)."""

    kind: Literal["rrf", "weighted", "interleave"] = "rrf"
    k: int = 60
    dense_weight: float = 0.5

    def __post_init__(self) -> None:
        """Raises InputError naming the field as `chunk_rag` calls it."""
        if self.kind not in FUSIONS:
            raise UnknownName("fusion", self.kind, list(FUSIONS), field="fusion")
        within("rrf_k", self.k, 0)
        within("dense_weight", self.dense_weight, 0, 1)

    def merge(self, dense: Sequence[Ranking], sparse: Sequence[Ranking]) -> Scored:
        """One ranking of all."""
        if self.kind == "interleave":
            return interleave([*dense, *sparse])
        if self.kind == "rrf" or not dense or not sparse:
            return reciprocal_rank_fusion([*dense, *sparse], self.k)
        weights = [self.dense_weight] * len(dense) + [1 - self.dense_weight] * len(sparse)
        return weighted([*dense, *sparse], weights, self.k)


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
