"""The interface of embedders, which turn texts into unit vectors."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray


class Embedder(Protocol):
    """`fit` returns an embedder fitted on texts (itself, when nothing is fitted); `embed` gives unit rows.

    Optional methods that the chunk index uses where they exist: `embed_queries(texts)` (models that embed questions
    differently), `embed_spans(text, spans)` (late chunking), `fit_counts` and `embed_counts` (from term counts instead
    of texts), `arrays` and `of_arrays` (save and restore what was fitted), `cached_in(directory)` (cache vectors that
    cost money) and `speaking(language)`.
    """

    @property
    def name(self) -> str:
        """Identifies the vectors: the same name and texts always give the same ones."""

    def fit(self, texts: Sequence[str]) -> Embedder:
        """An embedder ready for these texts."""

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Unit vectors, shape (n, d); a text without any known feature gives a zero row."""


def kept_in(embedder: Embedder, directory: Path | None) -> Embedder:
    """The embedder with its vectors cached in a folder, if it supports that and a folder is given."""
    if directory is None or not hasattr(embedder, "cached_in"):
        return embedder
    kept: Embedder = embedder.cached_in(directory)
    return kept


def unit_rows(vectors: Any) -> NDArray[np.float32]:
    """Rows scaled to length 1; zero rows stay zero."""
    import numpy as np

    matrix = np.ascontiguousarray(vectors, dtype=np.float32)
    lengths = np.linalg.norm(matrix, axis=1, keepdims=True)
    scaled: NDArray[np.float32] = np.divide(matrix, lengths, out=np.zeros_like(matrix), where=lengths > 1e-12)
    return scaled
