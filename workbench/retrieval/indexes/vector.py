"""Dense retrieval over unit vectors with FAISS: exact search, an HNSW graph, or quantised inverted lists, by size.

Every index only proposes candidates, which are then scored with the full vectors, so that a score is always the cosine.
When an approximate index is built, its recall@10 against exact search is measured (`recall`).
"""

from __future__ import annotations

import math
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from workbench.errors import UnknownName

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Kind = Literal["auto", "flat", "hnsw", "ivfpq"]
KINDS = ("auto", "flat", "hnsw", "ivfpq")
FLAT_UP_TO = 50_000  # exact search reads every vector: 50 MB take 5 ms on an idle core
HNSW_UP_TO = 300_000  # a graph takes about 2 ms per vector to build, inverted lists a tenth of that
_NEIGHBOURS = 24
_BUILD_DEPTH = 80
_LEAST_FOR_LISTS = 1_000  # fewer vectors cannot train 256 codes for each part of a vector
_REFINED = 10  # inverted lists propose this many times k candidates, and at least _PROPOSED
_PROPOSED = 2_000  # codes cannot tell nearly equal neighbours apart (they find half of them), so many are rescored
_MEASURED = 200  # queries to measure the recall
_TIES = 16


def chosen_kind(kind: str, vectors: int) -> str:
    """The index kind to use for this many vectors: what `auto` stands for, and flat where `ivfpq` cannot be trained.

    Raises UnknownName.
    """
    if kind not in KINDS:
        raise UnknownName("dense index", kind, list(KINDS), field="dense")
    if kind == "auto":
        kind = "flat" if vectors <= FLAT_UP_TO else "hnsw" if vectors <= HNSW_UP_TO else "ivfpq"
    return "flat" if kind == "ivfpq" and vectors < _LEAST_FOR_LISTS else kind


class DenseIndex:
    """Nearest unit vectors by inner product, which is their cosine. `kind` is the kind that was chosen. `recall` is
    recall@10 against exact search (1 for flat), with vectors of the index as queries, each without itself."""

    def __init__(self, vectors: NDArray[np.float32], kind: str = "flat", *, built: Any = None, recall: float = 1.0):
        self.vectors = vectors
        self.kind = chosen_kind(kind, len(vectors))
        self.recall = recall
        self._index = built
        if self.kind != "flat" and built is None:
            self._index = _hnsw(vectors) if self.kind == "hnsw" else _ivfpq(vectors)
            self.recall = self._measured()

    def __len__(self) -> int:
        return len(self.vectors)

    def search(self, query: NDArray[np.float32], k: int) -> list[tuple[int, float]]:
        """The `k` nearest positions with their cosines, best first; ties by position."""
        import numpy as np

        k = min(k, len(self.vectors))
        if k == 0:
            return []
        row = np.ascontiguousarray(query, dtype=np.float32).reshape(1, -1)
        if self._index is None:
            positions = self._nearest(row, min(k + _TIES, len(self.vectors)))[0]
        else:
            wanted = k + _TIES if self.kind == "hnsw" else max(k * _REFINED, _PROPOSED)
            positions = self._proposed(row, min(wanted, len(self.vectors)))[0]
        positions = positions[positions >= 0]
        # the same order of summation for every kind of index: equal texts get equal scores, and ties go by position
        scores = np.einsum("ij,j->i", self.vectors[positions], row[0])
        order = np.lexsort((positions, -scores))[:k]
        return [(int(positions[i]), float(scores[i])) for i in order]

    def _nearest(self, rows: NDArray[np.float32], k: int) -> NDArray[np.int64]:
        import faiss

        # the kernel of IndexFlatIP applied to the vectors in place: an index would hold a copy of them
        positions: NDArray[np.int64] = faiss.knn(rows, self.vectors, k, metric=faiss.METRIC_INNER_PRODUCT)[1]
        return positions

    def _proposed(self, rows: NDArray[np.float32], k: int) -> NDArray[np.int64]:
        import faiss

        options = None
        if self.kind == "hnsw":
            options = faiss.SearchParametersHNSW(efSearch=max(4 * k, 128))  # type: ignore[attr-defined]  # by SWIG
        positions: NDArray[np.int64] = self._index.search(rows, k, params=options)[1]
        return positions

    def _measured(self) -> float:
        """Share of the exact ten nearest that `search` finds, with evenly spaced vectors as queries, each without
        itself."""
        import numpy as np

        picked = np.unique(np.linspace(0, len(self.vectors) - 1, _MEASURED, dtype=np.int64))
        exact = self._nearest(np.ascontiguousarray(self.vectors[picked]), min(11, len(self.vectors)))
        found = 0
        wanted = 0
        for own, true in zip(picked.tolist(), exact.tolist(), strict=True):
            right = [p for p in true if p != own][:10]
            if not right:
                continue
            # equally near vectors may replace each other, so cosines are compared, not positions
            floor = float(self.vectors[right[-1]] @ self.vectors[own]) - 1e-6
            reached = [s for p, s in self.search(self.vectors[own], 11) if p != own and s >= floor]
            found += min(len(reached), len(right))
            wanted += len(right)
        return found / wanted if wanted else 1.0

    def write(self, path: Path) -> None:
        """Write an approximate index to a file; a flat one needs none. Raises OSError."""
        import faiss

        if self._index is None:
            return
        try:
            faiss.write_index(self._index, str(path))
        except RuntimeError as error:  # ends with the system's reason in brackets
            reason = re.search(r"\(([^()]+)\)\s*$", str(error))
            raise OSError(reason.group(1) if reason else str(error)) from error

    @classmethod
    def read(cls, path: Path, vectors: NDArray[np.float32], kind: str, recall: float) -> DenseIndex:
        """The index that `write` wrote, its inverted lists memory-mapped. Raises RuntimeError for an invalid file."""
        import faiss

        built: Any = None
        if kind != "flat":
            built = faiss.read_index(str(path), faiss.IO_FLAG_MMAP if kind == "ivfpq" else 0)
            if kind == "ivfpq":
                built.nprobe = _probes(built.nlist)
        return cls(vectors, kind, built=built, recall=recall)


def _hnsw(vectors: NDArray[np.float32]) -> Any:
    import faiss

    index = faiss.IndexHNSWFlat(vectors.shape[1], _NEIGHBOURS, faiss.METRIC_INNER_PRODUCT)
    index.hnsw.efConstruction = _BUILD_DEPTH
    index.add(vectors)
    return index


def _ivfpq(vectors: NDArray[np.float32]) -> Any:
    """Inverted lists around about 2√n centres, with product codes of one byte per 4 dimensions or more."""
    import faiss
    import numpy as np

    number, width = vectors.shape
    lists = max(1, min(int(2 * math.sqrt(number)), number // 40))
    parts = next(p for p in range(max(1, min(64, width // 4)), 0, -1) if width % p == 0)
    index = faiss.IndexIVFPQ(faiss.IndexFlatIP(width), width, lists, parts, 8, faiss.METRIC_INNER_PRODUCT)
    index.cp.niter = index.pq.cp.niter = 8  # a third of faiss's default: candidates are scored exactly anyway
    sample = np.ascontiguousarray(vectors[:: max(1, number // max(lists * 40, 20_000))])
    index.train(sample)
    for start in range(0, number, 50_000):
        index.add(np.ascontiguousarray(vectors[start : start + 50_000]))
    index.nprobe = _probes(lists)
    return index


def _probes(lists: int) -> int:
    return max(8, lists // 32)
