"""Search over texts that a method produced: summaries, entities, facts, chunks with an added context."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING

from workbench.retrieval.indexes.bm25 import Bm25Index

if TYPE_CHECKING:
    from workbench.retrieval.embedders.embedder import Embedder

Scored = list[tuple[int, float]]


class TextIndex:
    """Texts with unit vectors by an embedder fitted on them, and a BM25 index that is built on first use.

    Positions are those of `texts`. Several threads may search at once.
    """

    def __init__(self, texts: Sequence[str], embedder: Embedder) -> None:
        self.texts = tuple(texts)
        self._embedder = embedder.fit(self.texts) if self.texts else embedder
        self.vectors = self._embedder.embed(self.texts) if self.texts else None

    def __len__(self) -> int:
        return len(self.texts)

    @cached_property
    def _sparse(self) -> Bm25Index:
        return Bm25Index(self.texts)

    def dense(self, query: str, k: int, *, among: Sequence[int] | None = None) -> Scored:
        """The `k` positions with the highest cosines, ties by position; only among the positions `among` when given.

        Empty for a query that embeds to a zero vector.
        """
        if self.vectors is None or k < 1:
            return []
        vector = self._embedder.embed([query])[0]
        if not vector.any():
            return []
        scores = self.vectors @ vector
        positions = range(len(self.texts)) if among is None else among
        return sorted(((p, float(scores[p])) for p in positions), key=lambda item: (-item[1], item[0]))[:k]

    def sparse(self, query: str, k: int) -> Scored:
        """The `k` positions with the highest BM25 scores; texts without any query term are not returned."""
        if not self.texts or k < 1:
            return []
        return self._sparse.search(query, k)
