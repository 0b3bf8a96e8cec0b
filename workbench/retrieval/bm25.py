"""Sparse retrieval: rank-bm25's Okapi scores over our analyser."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from workbench.retrieval.analysis import terms

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class Bm25Index:
    """BM25 Okapi (k1 1.5, b 0.75, epsilon 0.25: rank-bm25's defaults) over texts."""

    def __init__(self, texts: Sequence[str]) -> None:
        from rank_bm25 import BM25Okapi

        self._tokens = [terms(text) for text in texts]
        self._bm25 = BM25Okapi(self._tokens) if any(self._tokens) else None

    def scores(self, query: str) -> NDArray[np.float64]:
        """The score of every text, shape (n,); zeros when no term is known."""
        import numpy as np

        if self._bm25 is None:
            return np.zeros(len(self._tokens))
        scored: NDArray[np.float64] = self._bm25.get_scores(terms(query))
        return scored
