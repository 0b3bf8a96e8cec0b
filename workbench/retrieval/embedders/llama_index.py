"""Any llama-index embedding object as an embedder."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

from workbench.errors import BadReply
from workbench.llama import embed_with
from workbench.retrieval.embedders.embedder import unit_rows
from workbench.text import combined_hash

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


_PROBE = "The harbour of a small town, in winter."
_MARKS = 16


class LlamaEmbedder:
    """Any llama-index embedding object, passed from Python. Questions go through its query method."""

    def __init__(self, embedding: Any) -> None:
        self._embedding = embedding

    @cached_property
    def name(self) -> str:
        """The class, the model and a fingerprint of the vectors: most classes leave the model's name at "unknown", and
        each stores other settings that change the vectors (folder, instruction, pooling) in its own way.

        Embeds one short text on first access. Raises BadReply when the result is not one vector of finite numbers.
        """
        import numpy as np

        kind = type(self._embedding).__name__
        (vector,) = self._embedded([_PROBE])
        # the order of the largest values survives noise in the last digits
        largest = np.argsort(-np.abs(vector), kind="stable")[:_MARKS]
        mark = combined_hash(str(len(vector)), *(f"{np.sign(vector[place]):.0f}{place}" for place in largest))[:8]
        return f"llama-index/{kind}/{getattr(self._embedding, 'model_name', 'unknown')}-{mark}"

    def _embedded(self, texts: Sequence[str], *, query: bool = False) -> NDArray[np.float32]:
        import numpy as np

        rows = embed_with(self._embedding, texts, query=query)
        kind = f"embeddings of llama-index's {type(self._embedding).__name__}"
        if len(rows) != len(texts):
            raise BadReply(f"{kind}: {len(rows)} vectors for {len(texts)} texts")
        try:
            vectors = np.array(rows, dtype=np.float32).reshape(len(rows), -1 if len(rows) else 1)
        except (TypeError, ValueError) as error:
            raise BadReply(f"{kind}: vectors of different lengths, or of what are no numbers") from error
        if not np.isfinite(vectors).all():
            raise BadReply(f"{kind}: a vector holds values that are no numbers")
        return unit_rows(vectors)

    def fit(self, texts: Sequence[str]) -> LlamaEmbedder:
        """Itself: nothing is fitted."""
        return self

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Unit vectors of texts. Raises BadReply unless there is one per text, of finite numbers and equally long."""
        return self._embedded(texts)

    def embed_queries(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Unit vectors of questions."""
        return self._embedded(texts, query=True)
