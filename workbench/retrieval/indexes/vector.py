"""Dense retrieval over unit vectors by FAISS: exact, a navigable graph, or quantised lists, chosen by size.

Whatever the index, the candidates that it proposes are scored with the vectors themselves, so that a score is always
the cosine. How many of the exact ten best an approximate index finds is measured when it is built (`recall`).
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
HNSW_UP_TO = 300_000  # a graph takes about 2 ms a vector to build, lists a tenth of that
_NEIGHBOURS = 24
_BUILD_DEPTH = 80
_LEAST_FOR_LISTS = 1_000  # fewer vectors cannot train 256 codes a part
_REFINED = 10  # lists propose this many times k, and at least _PROPOSED
_PROPOSED = 2_000  # neighbours that are nearly alike are told apart by the vectors only: codes alone find half of them
_MEASURED = 200  # queries for the recall
_TIES = 16


def chosen_kind(kind: str, vectors: int) -> str:
    """The index that `auto` stands for at this size; others as they are, but for lists that cannot be trained.

    Raises UnknownName.
    """
    if kind not in KINDS:
        raise UnknownName("dense index", kind, list(KINDS), field="dense")
    if kind == "auto":
        kind = "flat" if vectors <= FLAT_UP_TO else "hnsw" if vectors <= HNSW_UP_TO else "ivfpq"
    return "flat" if kind == "ivfpq" and vectors < _LEAST_FOR_LISTS else kind


class DenseIndex:
    """Nearest unit vectors; the inner product is the cosine. `kind` is what was chosen, `recall` recall@10 against
    exact search (1 for flat), over vectors of the index searched for without themselves."""

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
        # one order of summation for all kinds of index, so that equal texts have equal scores and ties are by position
        scores = np.einsum("ij,j->i", self.vectors[positions], row[0])
        order = np.lexsort((positions, -scores))[:k]
        return [(int(positions[i]), float(scores[i])) for i in order]

    def _nearest(self, rows: NDArray[np.float32], k: int) -> NDArray[np.int64]:
        import faiss

        # the kernel of IndexFlatIP, on the vectors where they are: an index would hold a second copy of them
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
        """Share of the exact ten nearest that `search` finds, over evenly spaced vectors, each without itself."""
        import numpy as np

        picked = np.unique(np.linspace(0, len(self.vectors) - 1, _MEASURED, dtype=np.int64))
        exact = self._nearest(np.ascontiguousarray(self.vectors[picked]), min(11, len(self.vectors)))
        found = 0
        wanted = 0
        for own, true in zip(picked.tolist(), exact.tolist(), strict=True):
            right = [p for p in true if p != own][:10]
            if not right:
                continue
            # equal vectors may stand for each other: compared is the cosine that is reached
            floor = float(self.vectors[right[-1]] @ self.vectors[own]) - 1e-6
            reached = [s for p, s in self.search(self.vectors[own], 11) if p != own and s >= floor]
            found += min(len(reached), len(right))
            wanted += len(right)
        return found / wanted if wanted else 1.0

    def write(self, path: Path) -> None:
        """Keep the approximate index in a file; flat needs none. Raises OSError."""
        import faiss

        if self._index is None:
            return
        try:
            faiss.write_index(self._index, str(path))
        except RuntimeError as error:  # with the system's reason in brackets at the end
            reason = re.search(r"\(([^()]+)\)\s*$", str(error))
            raise OSError(reason.group(1) if reason else str(error)) from error

    @classmethod
    def read(cls, path: Path, vectors: NDArray[np.float32], kind: str, recall: float) -> DenseIndex:
        """The index that `write` kept; its lists are memory-mapped. Raises RuntimeError for a file that is none."""
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
    """Lists around √n centres times two, and codes of a byte for about 4 dimensions."""
    import faiss
    import numpy as np

    number, width = vectors.shape
    lists = max(1, min(int(2 * math.sqrt(number)), number // 40))
    parts = next(p for p in range(max(1, min(64, width // 4)), 0, -1) if width % p == 0)
    index = faiss.IndexIVFPQ(faiss.IndexFlatIP(width), width, lists, parts, 8, faiss.METRIC_INNER_PRODUCT)
    index.cp.niter = index.pq.cp.niter = 8  # a third of faiss's default; candidates are scored exactly anyway
    sample = np.ascontiguousarray(vectors[:: max(1, number // max(lists * 40, 20_000))])
    index.train(sample)
    for start in range(0, number, 50_000):
        index.add(np.ascontiguousarray(vectors[start : start + 50_000]))
    index.nprobe = _probes(lists)
    return index


def _probes(lists: int) -> int:
    return max(8, lists // 32)
