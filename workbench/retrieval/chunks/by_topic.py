"""The splitter by topic: cut where neighbouring sentences differ most."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from workbench.records import Context
from workbench.retrieval.chunks.splitter_job import Job, Pieces, sentence_starts, tiles
from workbench.text import sentence_spans

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class SentenceVectors:
    """Unit vectors of sentences by an embedder fitted once on all sentences of the context (LSA by default)."""

    def __init__(self, context: Context, embedder: Any) -> None:
        self._context = context
        self._embedder = embedder
        self._fitted: Any = None

    def __call__(self, texts: Sequence[str]) -> NDArray[np.float32]:
        if self._fitted is None:
            if self._embedder is None:
                from workbench.retrieval.embedders.lsa import LsaEmbedder

                self._embedder = LsaEmbedder()
            everything = [d.text[s:e] for d in self._context.documents for s, e in sentence_spans(d.text)]
            self._fitted = self._embedder.fit(everything)
        vectors: NDArray[np.float32] = self._fitted.embed(texts)
        return vectors


def semantic(text: str, job: Job) -> Pieces:
    """Cut where the topic turns (llama-index's SemanticSplitter): where the cosine distance of neighbouring sentences,
    each embedded with the one before and after it, is above the document's 95th percentile (`semantic:95`). Chunks have
    at most `chunk_tokens`."""
    import numpy as np

    spans = list(sentence_spans(text))
    percentile = job.number(95)
    if len(spans) < 3:
        return tiles(text, [], sentence_starts(text), job)
    last = len(spans) - 1
    grouped = [text[spans[max(0, i - 1)][0] : spans[min(last, i + 1)][1]] for i in range(len(spans))]
    vectors = job.embed(grouped)
    turns = 1 - np.einsum("ij,ij->i", vectors[:-1], vectors[1:])
    bound = np.percentile(turns, percentile)
    borders = [spans[i + 1][0] for i in np.flatnonzero(turns > bound)]
    return tiles(text, borders, sentence_starts(text), job)
