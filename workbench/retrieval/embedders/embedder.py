"""What an embedder is: unit vectors of texts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray


class Embedder(Protocol):
    """`fit` returns an embedder fitted on texts (itself, when nothing is fitted); `embed` gives unit rows.

    Optional methods that the chunk index uses when they are there: `embed_queries(texts)` (models that embed questions
    in another way), `embed_spans(text, spans)` (late chunking), `fit_counts` and `embed_counts` (texts analysed
    already), `arrays` and `of_arrays` (what was fitted, to be kept), `cached_in(directory)` and `speaking(language)`.
    """

    @property
    def name(self) -> str:
        """What tells its vectors from another's: texts and name say which vectors they have."""

    def fit(self, texts: Sequence[str]) -> Embedder:
        """An embedder ready for these texts."""

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Unit vectors, shape (n, d); a text without any known feature gives a zero row."""


def kept_in(embedder: Embedder, directory: Path | None) -> Embedder:
    """The embedder, keeping in a folder what it is paid for, where it is one that is paid and there is a folder."""
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
