"""Latent semantic analysis (LSA), the default embedder: it needs no download, no torch and no server."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from workbench.retrieval.analysis import TermCounts, analyser, count_terms

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_TERMS = 50_000  # at most, the most frequent ones
_FITTED = 20_000  # chunks that the SVD is computed on; more hardly change it and cost minutes
_EXACT = 512  # up to this many chunks the SVD is exact
_PASSES = 1  # over the texts; more approximate the truncated SVD better but retrieve worse (docs/retrieval.md)
_SPARE = 10  # extra directions computed beside those kept (oversampling)
_ROWS = 20_000  # texts projected at once


class LsaEmbedder:
    """TF-IDF (sublinear, smooth idf) and a truncated SVD, fitted on the chunks of the context (Deerwester 1990).

    Deterministic. With fewer chunks than dimensions nothing is lost: there are then as many dimensions as chunks. Above
    20,000 chunks, the SVD is computed on that many, evenly spaced; document frequencies always count all chunks.
    """

    def __init__(self, dimensions: int = 256, *, language: str = "english", fitted: _Fitted | None = None) -> None:
        self.name = f"lsa-{dimensions}" + ("" if language == "english" else f"-{language}")
        self.language = language
        self._dimensions = dimensions
        self._fitted = fitted

    def speaking(self, language: str) -> LsaEmbedder:
        """The same embedder, unfitted, with another language's analyser."""
        return LsaEmbedder(self._dimensions, language=language)

    def fit(self, texts: Sequence[str]) -> LsaEmbedder:
        """The embedder fitted on texts."""
        return self.fit_counts(count_terms(texts, self.language))

    def fit_counts(self, counts: TermCounts) -> LsaEmbedder:
        """The embedder fitted on the term counts of texts."""
        fitted = _Fitted.on(counts, self._dimensions)
        return LsaEmbedder(self._dimensions, language=self.language, fitted=fitted)

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Unit vectors; an unfitted embedder is fitted on the texts themselves."""
        if self._fitted is None:
            counts = count_terms(texts, self.language)
            return self.fit_counts(counts).embed_counts(counts)
        if len(texts) > 1:
            return self.embed_counts(count_terms(texts, self.language))
        return self._fitted.embed_rows([analyser(self.language)(text) for text in texts])

    def embed_counts(self, counts: TermCounts) -> NDArray[np.float32]:
        """Unit vectors from the term counts of texts."""
        fitted = self._fitted or _Fitted.on(counts, self._dimensions)
        return fitted.embed_counts(counts)

    def arrays(self) -> dict[str, NDArray[Any]]:
        """What was fitted, as arrays to save; empty when nothing was."""
        return self._fitted.arrays() if self._fitted else {}

    def of_arrays(self, arrays: Mapping[str, NDArray[Any]]) -> LsaEmbedder:
        """The fitted embedder restored from `arrays`."""
        return LsaEmbedder(self._dimensions, language=self.language, fitted=_Fitted.of_arrays(arrays))


class _Fitted:
    """idf of the kept terms, and their LSA vectors (terms × dimensions); `space` is None when there are too few chunks
    or terms, and the TF-IDF vectors are used as they are."""

    def __init__(self, terms: Sequence[str], idf: NDArray[Any], space: NDArray[np.float32] | None) -> None:
        self.terms = list(terms)
        self.columns = dict(zip(self.terms, range(len(self.terms)), strict=True))
        self.idf = idf
        self.space = space

    @classmethod
    def on(cls, counts: TermCounts, dimensions: int) -> _Fitted:
        import numpy as np

        matrix = counts.matrix
        number = matrix.shape[0]
        terms: Sequence[str] = counts.vocabulary
        if len(terms) > _TERMS:
            often = np.asarray(matrix.sum(axis=0)).ravel()
            kept = np.sort(np.argsort(-often, kind="stable")[:_TERMS])
            terms, matrix = [terms[i] for i in kept], matrix[:, kept]
        frequency = np.bincount(matrix.indices, minlength=len(terms))
        idf = np.log((1 + number) / (1 + frequency)) + 1
        # The approximation needs one dimension less than there are terms; exactly, that could leave one of a few
        # dissimilar chunks without a vector.
        size = min(dimensions, number, len(terms) - (number > _EXACT))
        if size < 2 or min(number, len(terms)) < 3:
            return cls(terms, idf, None)
        picked = matrix if number <= _FITTED else matrix[np.linspace(0, number - 1, _FITTED, dtype=np.int64)]
        from threadpoolctl import threadpool_limits

        # BLAS threads that spin while another process uses their core make this fifty times slower
        with threadpool_limits(1, "blas"):
            return cls(terms, idf, _directions(_weighted(picked, idf), size))

    def embed_counts(self, counts: TermCounts) -> NDArray[np.float32]:
        import numpy as np

        matrix = counts.matrix
        if list(counts.vocabulary) != self.terms:
            place = np.array([self.columns.get(term, -1) for term in counts.vocabulary], dtype=np.int64)
            known = np.flatnonzero(place >= 0)
            matrix = matrix[:, known]
            matrix.indices = place[known].astype(matrix.indices.dtype)[matrix.indices]
            shape = (matrix.shape[0], len(self.terms))
            matrix = type(matrix)((matrix.data, matrix.indices, matrix.indptr), shape=shape)
        width = len(self.terms) if self.space is None else self.space.shape[1]
        out = np.zeros((matrix.shape[0], max(1, width)), dtype=np.float32)
        for start in range(0, matrix.shape[0], _ROWS):
            rows = _weighted(matrix[start : start + _ROWS], self.idf)
            projected = rows.toarray() if self.space is None else rows.astype(np.float32) @ self.space
            if self.terms:
                out[start : start + _ROWS] = projected
        return _unit(out)

    def embed_rows(self, texts: Sequence[Sequence[str]]) -> NDArray[np.float32]:
        """The same vectors from lists of terms without a sparse matrix: a hundred times less overhead for a query."""
        import numpy as np

        out = np.zeros((len(texts), max(1, len(self.terms) if self.space is None else self.space.shape[1])), np.float32)
        for row, words in enumerate(texts):
            counted: dict[int, int] = {}
            for word in words:
                if (column := self.columns.get(word)) is not None:
                    counted[column] = counted.get(column, 0) + 1
            if not counted:
                continue
            columns = np.fromiter(counted, dtype=np.int64)
            weights = (1 + np.log(np.fromiter(counted.values(), dtype=np.float64))) * self.idf[columns]
            weights = (weights / np.linalg.norm(weights)).astype(np.float32)
            if self.space is None:
                out[row, columns] = weights
            else:
                out[row] = weights @ self.space[columns]
        return _unit(out)

    def arrays(self) -> dict[str, NDArray[Any]]:
        import numpy as np

        from workbench.retrieval.top_k import packed_strings

        text, ends = packed_strings(self.terms)
        space = np.zeros((0, 0), np.float32) if self.space is None else self.space
        return {"lsa_terms": text, "lsa_ends": ends, "lsa_idf": self.idf, "lsa_space": space}

    @classmethod
    def of_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> _Fitted:
        from workbench.retrieval.top_k import unpacked_strings

        space = arrays["lsa_space"]
        terms = unpacked_strings(arrays["lsa_terms"], arrays["lsa_ends"])
        return cls(terms, arrays["lsa_idf"], space if space.size else None)


def _directions(matrix: Any, size: int) -> NDArray[np.float32]:
    """The right singular vectors of the largest singular values, terms × size; zeros beyond the matrix's rank."""
    import numpy as np

    if matrix.shape[0] > _EXACT:
        return _approximate_directions(matrix.astype(np.float32), size)
    # few texts: exact, from the eigenvectors of their inner products, in milliseconds
    squares, left = np.linalg.eigh((matrix @ matrix.T).toarray())
    squares, left = squares[::-1][:size], left[:, ::-1][:, :size]
    return np.ascontiguousarray((matrix.T @ left) * _inverse(squares, 1e-10), dtype=np.float32)


def _approximate_directions(matrix: Any, size: int) -> NDArray[np.float32]:
    """The same by randomised subspace iteration (Halko, Martinsson and Tropp, SIAM Review 53(2), 2011, algorithm 4.4).

    With as many passes it finds what sklearn's randomised TruncatedSVD finds, ten times as fast: dense matrices have a
    row per text, not per term; QR in single precision orthonormalises well enough; and the last step takes the
    eigenvectors of a small matrix instead of the singular vectors of a wide one.
    """
    import numpy as np
    from scipy.linalg import qr

    turned = matrix.T.tocsr()
    columns = min(size + _SPARE, matrix.shape[0])
    basis = np.random.RandomState(0).standard_normal((matrix.shape[0], columns)).astype(np.float32)
    for _ in range(_PASSES):
        basis = qr(matrix @ (turned @ basis), mode="economic", overwrite_a=True, check_finite=False)[0]
        basis = np.ascontiguousarray(basis)  # sparse products read it row by row
    spread = turned @ basis
    squares, within = np.linalg.eigh((spread.T @ spread).astype(np.float64))
    squares, within = squares[::-1][:size], within[:, ::-1][:, :size]
    # in single precision, a zero square comes out as up to a millionth of the largest
    kept = (within * _inverse(squares, 1e-6)).astype(np.float32)
    return np.ascontiguousarray(turned @ (basis @ kept))


def _inverse(squares: NDArray[np.float64], least: float) -> NDArray[np.float64]:
    """1 / √square; 0 for squares below `least` times the largest, which are rounding errors."""
    import numpy as np

    floor = least * max(float(squares[0]), 1e-300)
    return np.where(squares > floor, 1 / np.sqrt(np.maximum(squares, floor)), 0.0)


def _weighted(counts: Any, idf: NDArray[Any]) -> Any:
    """(1 + ln tf) × idf with rows of length 1, float64."""
    import numpy as np

    data = (1 + np.log(counts.data)) * idf[counts.indices]
    rows = np.repeat(np.arange(counts.shape[0]), np.diff(counts.indptr))
    data /= np.sqrt(np.bincount(rows, weights=data * data, minlength=counts.shape[0]))[rows]
    return type(counts)((data, counts.indices, counts.indptr), shape=counts.shape)


def _unit(vectors: Any) -> NDArray[np.float32]:
    from workbench.retrieval.embedders.embedder import unit_rows

    return unit_rows(vectors)
