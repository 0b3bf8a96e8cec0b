"""Embedders that wrap another one: fewer dimensions, a prefix before the text, late chunking."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from workbench.errors import InputError
from workbench.retrieval.embedders.embedder import unit_rows

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class TruncatedEmbedder:
    """The first `dimensions` of another embedder's vectors, scaled to length 1 again (Matryoshka representations,
    Kusupati et al., arXiv 2205.13147). Only good for models trained that way, and for LSA, whose dimensions are sorted.
    """

    def __init__(self, inner: Any, dimensions: int) -> None:
        if dimensions < 1:
            raise InputError(f"an embedding needs at least one dimension, not {dimensions}", field="dimensions")
        self.name = f"{inner.name}#{dimensions}"
        self._inner = inner
        self._dimensions = dimensions

    def fit(self, texts: Sequence[str]) -> TruncatedEmbedder:
        """The same wrapper around the fitted embedder."""
        return TruncatedEmbedder(self._inner.fit(texts), self._dimensions)

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Unit vectors of the first dimensions."""
        return self._cut(self._inner.embed(texts))

    def __getattr__(self, name: str) -> Any:
        """Optional methods and attributes of the inner embedder, where it has them."""
        if name not in ("embed_queries", "embed_spans", "embed_counts", "fit_counts", "of_arrays", "arrays",
                        "cached_in", "speaking", "language", "late"):  # fmt: skip
            raise AttributeError(name)
        inner = getattr(self._inner, name)
        if name in ("fit_counts", "of_arrays", "cached_in", "speaking"):
            return lambda *given: TruncatedEmbedder(inner(*given), self._dimensions)
        if name in ("arrays", "language", "late"):
            return inner
        return lambda *given: self._cut(inner(*given))

    def _cut(self, vectors: NDArray[np.float32]) -> NDArray[np.float32]:
        return unit_rows(vectors[:, : self._dimensions])


class PrefixedEmbedder:
    """Another embedder with a prefix before each question and each text, as many trained models need: E5 "query: " and
    "passage: ", Nomic "search_query: " and "search_document: ", BGE an instruction before questions only. Raises
    InputError for late chunking, where chunks are not embedded as separate texts.
    """

    def __init__(self, inner: Any, query_prefix: str, document_prefix: str) -> None:
        if getattr(inner, "late", False):
            raise InputError(
                "late chunking embeds documents whole: there is no text to set a prefix before",
                field="document_prefix",
                fix="leave the prefixes or `late:` away",
            )
        self.name = f"{inner.name}|{query_prefix}|{document_prefix}"
        self._inner = inner
        self._prefixes = (query_prefix, document_prefix)

    def fit(self, texts: Sequence[str]) -> PrefixedEmbedder:
        """The same wrapper around the fitted embedder."""
        return PrefixedEmbedder(self._inner.fit(self._prefixed(texts)), *self._prefixes)

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Unit vectors of texts with the document prefix."""
        vectors: NDArray[np.float32] = self._inner.embed(self._prefixed(texts))
        return vectors

    def embed_queries(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Unit vectors of questions with the query prefix."""
        embed = getattr(self._inner, "embed_queries", None) or self._inner.embed
        vectors: NDArray[np.float32] = embed([self._prefixes[0] + text for text in texts])
        return vectors

    def _prefixed(self, texts: Sequence[str]) -> list[str]:
        return [self._prefixes[1] + text for text in texts]

    def __getattr__(self, name: str) -> Any:
        """Those optional methods and attributes of the inner embedder that involve no text, where it has them."""
        if name not in ("of_arrays", "arrays", "cached_in", "speaking", "language"):
            raise AttributeError(name)
        inner = getattr(self._inner, name)
        if name in ("arrays", "language"):
            return inner
        return lambda *given: PrefixedEmbedder(inner(*given), *self._prefixes)


class LateEmbedder:
    """Another embedder with late chunking (`embedder: late:minilm`): chunks are embedded within their document,
    questions as usual. Raises InputError for an embedder that gives no token vectors."""

    late = True

    def __init__(self, inner: Any) -> None:
        if not hasattr(inner, "embed_spans"):
            raise InputError(
                f"late chunking needs an embedder that gives vectors of tokens, and {inner.name} does not",
                field="embedder",
                fix="write late:minilm",
            )
        self.name = f"late:{inner.name}"
        self.embed = inner.embed
        self.embed_spans = inner.embed_spans

    def fit(self, texts: Sequence[str]) -> LateEmbedder:
        """Itself: nothing is fitted."""
        return self
