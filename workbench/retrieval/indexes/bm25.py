"""BM25 (Okapi, L and Plus) as defined by rank-bm25, computed ahead for every term and text.

rank-bm25 visits all texts for every term of a query. What a term adds to a text's score does not depend on the query,
so here it is computed once, and a query is a sum of a few columns. Scores equal rank-bm25's to 1e-9 (tested).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from workbench.errors import UnknownName
from workbench.retrieval.analysis import TermCounts, analyser, count_terms
from workbench.retrieval.bounds import within
from workbench.retrieval.top_k import best

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Variant = Literal["okapi", "l", "plus"]
VARIANTS = ("okapi", "l", "plus")


@dataclass(frozen=True, slots=True)
class Bm25Options:
    """rank-bm25's parameters and defaults. `delta` is 0.5 for L and 1 for Plus. `epsilon`: Okapi's idf is negative for
    terms in more than half of the texts, and is replaced there by this share of the mean idf."""

    variant: Variant = "okapi"
    k1: float = 1.5
    b: float = 0.75
    epsilon: float = 0.25
    delta: float | None = None
    language: str = "english"

    def __post_init__(self) -> None:
        """Raises InputError with the field's name among the options of `chunk_rag`."""
        if self.variant not in VARIANTS:
            raise UnknownName("BM25 variant", self.variant, list(VARIANTS), field="bm25")
        within("k1", self.k1, 0)
        within("b", self.b, 0, 1)
        within("epsilon", self.epsilon, 0)
        if self.delta is not None:
            within("delta", self.delta, 0)


class Bm25Index:
    """BM25 over texts. `options` default to Okapi with k1 1.5, b 0.75, epsilon 0.25 and the English analyser."""

    def __init__(
        self, texts: Sequence[str] = (), options: Bm25Options | None = None, *, counts: TermCounts | None = None
    ) -> None:
        self.options = options or Bm25Options()
        counted = counts if counts is not None else count_terms(texts, self.options.language)
        self._columns = {term: column for column, term in enumerate(counted.vocabulary)}
        self._fill(counted)

    def __len__(self) -> int:
        return self._size

    def _fill(self, counts: TermCounts) -> None:
        import numpy as np

        options = self.options
        by_term = counts.matrix.tocsc()
        lengths = counts.lengths.astype(np.float64)
        size = self._size = int(counts.matrix.shape[0])
        total = float(lengths.sum())
        frequency = np.diff(by_term.indptr).astype(np.float64)
        mean = total / size if total else 1.0
        stretch = (1 - options.b + options.b * lengths / mean)[by_term.indices]
        tf = by_term.data.astype(np.float64)
        idf = self._idf(frequency, size)
        if options.variant == "okapi":
            rest = np.zeros_like(idf)
            gain = tf * (options.k1 + 1) / (tf + options.k1 * stretch)
        elif options.variant == "plus":
            delta = 1.0 if options.delta is None else options.delta
            rest = idf * delta
            gain = tf * (options.k1 + 1) / (options.k1 * stretch + tf)  # every text gets delta, so it is in `rest`
        else:
            # rank-bm25 also multiplies by the term's count, unlike the paper on BM25L
            delta = 0.5 if options.delta is None else options.delta
            rest = np.zeros_like(idf)
            turned = tf / stretch + delta
            gain = tf * (options.k1 + 1) * turned / (options.k1 + turned)
        gain *= np.repeat(idf, np.diff(by_term.indptr))
        self._gain: NDArray[np.float64] = gain
        self._rest: NDArray[np.float64] = rest
        self._rows: NDArray[np.int32] = by_term.indices.astype(np.int32, copy=False)
        self._starts: NDArray[np.int64] = by_term.indptr.astype(np.int64)

    def _idf(self, frequency: Any, size: int) -> NDArray[np.float64]:
        import numpy as np

        if self.options.variant == "plus":
            return np.asarray(np.log(size + 1) - np.log(frequency))
        if self.options.variant == "l":
            return np.asarray(np.log(size + 1) - np.log(frequency + 0.5))
        idf = np.log(size - frequency + 0.5) - np.log(frequency + 0.5)
        # as in rank-bm25, the mean is over all terms, including those whose idf is then replaced
        floored: NDArray[np.float64] = np.where(idf < 0, self.options.epsilon * idf.mean(), idf) if len(idf) else idf
        return floored

    def _query(self, query: str) -> list[int]:
        columns = (self._columns.get(term) for term in analyser(self.options.language)(query))
        return [column for column in columns if column is not None]

    def scores(self, query: str) -> NDArray[np.float64]:
        """The score of every text, shape (n,); zeros when no term is known."""
        columns = self._query(query)
        scores = self._gains(columns)
        rest = sum(float(self._rest[column]) for column in columns)
        return scores + rest if rest else scores

    def _gains(self, columns: Sequence[int]) -> NDArray[np.float64]:
        """What the terms add to each text, without the part that every text gets; a repeated term counts each time."""
        import numpy as np

        scores = np.zeros(self._size)
        repeats: dict[int, int] = {}
        for column in columns:
            repeats[column] = repeats.get(column, 0) + 1
        for column, times in repeats.items():
            start, end = self._starts[column], self._starts[column + 1]
            add_column(scores, self._rows[start:end], self._gain[start:end], times)
        return scores

    def search(self, query: str, k: int) -> list[tuple[int, float]]:
        """The `k` best positions with their scores, ties by position. Texts without any query term are not returned."""
        columns = self._query(query)
        if not columns or k < 1:
            return []
        rest = sum(float(self._rest[column]) for column in columns)
        return [(position, score + rest) for position, score in best(self._gains(columns), k)]

    def arrays(self) -> dict[str, NDArray[Any]]:
        """The whole index as arrays to save."""
        from workbench.retrieval.top_k import packed_strings

        text, ends = packed_strings(self._columns)
        return {
            "gain": self._gain, "rest": self._rest, "rows": self._rows, "starts": self._starts,
            "terms": text, "term_ends": ends,
        }  # fmt: skip

    @classmethod
    def of_arrays(cls, arrays: Mapping[str, NDArray[Any]], size: int, options: Bm25Options) -> Bm25Index:
        """The index over `size` texts from saved arrays, which may be memory-mapped."""
        from workbench.retrieval.top_k import unpacked_strings

        index = cls.__new__(cls)
        index.options = options
        index._size = size
        index._columns = {t: i for i, t in enumerate(unpacked_strings(arrays["terms"], arrays["term_ends"]))}
        index._gain, index._rest = arrays["gain"], arrays["rest"]
        index._rows, index._starts = arrays["rows"], arrays["starts"]
        return index


def add_column(
    scores: NDArray[np.float64], rows: NDArray[np.int32], values: NDArray[np.float64], times: float = 1.0
) -> None:
    """Add `times` × `values` to `scores` at `rows`, in place: a column of a sparse matrix times a number."""
    import numpy as np

    try:  # scipy's compiled product reads 32-bit rows as they are; numpy's indexing converts them first (4× slower)
        from scipy.sparse._sparsetools import csc_matvec
    except ImportError:
        scores[rows] += values * times
        return
    ends = np.array([0, len(rows)], dtype=np.int32)
    csc_matvec(len(scores), 1, ends, rows, values, np.array([times]), scores)
