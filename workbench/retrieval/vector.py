"""Dense retrieval: exact inner products over unit vectors, by FAISS."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class DenseIndex:
    """A FAISS IndexFlatIP; on unit vectors the inner product is the cosine."""

    def __init__(self, vectors: NDArray[np.float32]) -> None:
        import faiss

        self.vectors = vectors
        self._index = faiss.IndexFlatIP(vectors.shape[1])
        self._index.add(vectors)

    def search(self, query: NDArray[np.float32], k: int) -> list[tuple[int, float]]:
        """The `k` nearest positions with their cosines, best first; ties by position."""
        k = min(k, self._index.ntotal)
        if k == 0:
            return []
        scores, positions = self._index.search(query.reshape(1, -1), k)
        found = [(int(p), float(s)) for p, s in zip(positions[0], scores[0], strict=True) if p >= 0]
        return sorted(found, key=lambda item: (-item[1], item[0]))
