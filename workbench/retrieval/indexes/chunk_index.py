"""The chunk index: chunks of a context, found by dense vectors, by BM25, or by both.

`building.py` makes one for a context and a configuration; `parts.py` holds its two halves.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from workbench.errors import MethodError
from workbench.records import Chunk, Hit
from workbench.retrieval.chunks.chunk_table import ChunkTable
from workbench.retrieval.embedders.embedder import Embedder
from workbench.retrieval.indexes.bm25 import Bm25Index
from workbench.retrieval.indexes.in_memory import shared
from workbench.retrieval.indexes.parts import IndexOptions, IndexParts
from workbench.retrieval.indexes.vector import DenseIndex
from workbench.retrieval.indexes.widening import widened
from workbench.retrieval.ranking.fusion import Fusion, Scored
from workbench.retrieval.spending import is_dry
from workbench.text import combined_hash

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

CANDIDATES = 50  # how deep each ranking goes into a fusion


class ChunkIndex:
    """Chunks with a dense and a sparse index; each is made (or loaded) when it is first needed, or by `prepare`.

    `reads` are the chunks that hits stand for, position by position, when they differ from those searched (windows,
    parents); `texts` are searched in place of the chunks' own (contextual retrieval).
    """

    def __init__(
        self,
        chunks: Sequence[Chunk],
        embedder: Embedder,
        vectors: NDArray[np.float32] | None = None,
        *,
        reads: Sequence[Chunk] | None = None,
        texts: Sequence[str] | None = None,
        options: IndexOptions | None = None,
        directory: Path | None = None,
        key: str = "",
    ) -> None:
        self.chunks: Sequence[Chunk] = chunks if isinstance(chunks, ChunkTable) else tuple(chunks)
        self.options = options or IndexOptions()
        self._reads = reads
        self._texts = texts
        self._directory = directory if key else None
        self._key = key
        self._parts = IndexParts(self.chunks, texts, embedder, vectors, self.options, self._directory, key)

    def texts(self) -> Sequence[str]:
        """What is searched, chunk by chunk."""
        return self._parts.texts()

    @property
    def directory(self) -> Path | None:
        """The folder in which the index is kept, if it is."""
        return self._directory

    @property
    def unfitted_embedder(self) -> Embedder:
        """The embedder as it was given: asking for it builds nothing."""
        unfitted: Embedder = self._parts.unfitted
        return unfitted

    @property
    def embedder(self) -> Embedder:
        """The embedder fitted on the chunks."""
        return self._parts.dense()[1]

    @property
    def vectors(self) -> NDArray[np.float32]:
        """Unit vectors of the chunks, shape (n, d)."""
        return self.dense.vectors

    @property
    def dense(self) -> DenseIndex:
        """The FAISS index."""
        return self._parts.dense()[0]

    @property
    def dense_facts(self) -> tuple[str, float] | None:
        """The kind of the dense index and its recall@10 against exact search; None while there is none."""
        made = self._parts.made_dense
        return (made.kind, made.recall) if made else None

    @property
    def sparse(self) -> Bm25Index:
        """The BM25 index."""
        return self._parts.sparse()

    def prepare(self, retriever: str = "hybrid") -> ChunkIndex:
        """Make now what a retriever needs, in the time of `build` and not in that of the first question; returns
        itself."""
        if retriever in ("sparse", "hybrid"):
            _ = self.sparse
        if retriever in ("dense", "hybrid"):
            known = self._parts.made_dense is not None
            _ = self.dense
            if known:  # made for another method: what it had cost counts for this one, too
                self._parts.tell_bills(reused=True)
        self._parts.forget_counts()
        return self

    def configured(
        self,
        options: IndexOptions | None = None,
        *,
        embedder: Embedder | None = None,
        texts: Sequence[str] | None = None,
    ) -> ChunkIndex:
        """The same chunks with other options, another embedder or other texts to be searched, kept and shared in the
        same way. Raises MethodError when there is not one text for each chunk."""
        own = self._parts.unfitted
        options, embedder = options or self.options, embedder or own
        texts = self._texts if texts is None else list(texts)
        if texts is not None and len(texts) != len(self.chunks):
            raise MethodError(f"{len(texts)} texts for {len(self.chunks)} chunks")
        if (options, embedder.name, texts) == (self.options, own.name, self._texts):
            return self
        key = combined_hash(self._key, *(texts or ())) if texts is not self._texts else self._key

        def make() -> ChunkIndex:
            return ChunkIndex(
                self.chunks,
                embedder,
                reads=self._reads,
                texts=texts,
                options=options,
                directory=self._directory,
                key=key,
            )

        where = (str(self._directory), str(is_dry()))
        return shared(combined_hash(key, str(options), embedder.name, *where), make) if self._key else make()

    def search(self, query: str, k: int, retriever: str = "hybrid", *, fusion: Fusion | None = None) -> list[Hit]:
        """The `k` best chunks for a query, ranked from 1; fewer when the context has fewer.

        `dense`: by cosine; a query without any word that the embedder knows has no hits. `sparse`: by BM25; chunks
        without any query term are no hits. `hybrid`: reciprocal rank fusion of the two (k = 60, or as `fusion` says),
        each cut at 50, or at `k` if that is more. Raises MethodError for another retriever.
        """
        return self.find([query], k, retriever, fusion=fusion)

    def find(
        self,
        queries: Sequence[str],
        k: int,
        retriever: str = "hybrid",
        *,
        fusion: Fusion | None = None,
        vector: NDArray[np.float32] | None = None,
    ) -> list[Hit]:
        """The `k` best chunks for several wordings of a question at once: every ranking goes into one fusion.

        `vector` stands in for the questions in the dense rankings (HyDE). Raises MethodError as `search` does.
        """
        if retriever not in ("dense", "sparse", "hybrid"):
            raise MethodError(f"unknown retriever {retriever!r}; known: dense, sparse, hybrid")
        if not len(self.chunks) or k < 1 or not queries:
            return []
        fusion = fusion or Fusion()
        rows = None
        if retriever != "sparse":
            rows = self.embed_queries(queries) if vector is None else vector.reshape(1, -1)
        single = retriever != "hybrid" and len(queries) == 1
        depth = k if self._reads is None else k * 4
        while True:
            reach = depth if single else max(depth, CANDIDATES)
            scored = self._scored(queries, rows, reach, retriever, fusion)
            if self._reads is None:
                hits = [(self.chunks[p], score) for p, score in scored[:k]]
                break
            hits, filled = widened(scored, self.chunks, self._reads, k)
            if filled or not scored or reach >= len(self.chunks):
                break
            depth = reach * 4  # many small chunks of the same few reads: look further down
        return [Hit(chunk, score, rank) for rank, (chunk, score) in enumerate(hits, 1)]

    def _scored(
        self, queries: Sequence[str], rows: NDArray[np.float32] | None, depth: int, retriever: str, fusion: Fusion
    ) -> Scored:
        """Positions of chunks with their scores, best first; of each ranking the best `depth` count."""
        dense: list[Scored] = []
        sparse: list[Scored] = []
        if rows is not None:
            # a question without any known word has a zero vector, which is equally near to every chunk: it finds none
            dense = [self.dense.search(row, depth) if row.any() else [] for row in rows]
        if retriever != "dense":
            sparse = [self.sparse.search(query, depth) for query in queries]
        if len(dense) + len(sparse) == 1:
            return (dense + sparse)[0]
        return fusion.merge(dense, sparse)

    def embed_queries(self, queries: Sequence[str]) -> NDArray[np.float32]:
        """Unit vectors of questions, shape (n, d)."""
        embed = getattr(self.embedder, "embed_queries", None) or self.embedder.embed
        vectors: NDArray[np.float32] = embed(list(queries))
        return vectors

    def vectors_of(self, chunks: Sequence[Chunk]) -> NDArray[np.float32]:
        """Unit vectors of chunks, shape (n, d): those of the index where they are in it, else embedded now."""
        positions = None
        if self._reads is None and isinstance(self.chunks, ChunkTable):
            positions = self.chunks.positions(chunks)
        if positions is None:
            return self.embedder.embed([chunk.text for chunk in chunks])
        return self.vectors[positions]
