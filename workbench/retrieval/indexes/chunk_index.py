"""The chunk index of a context: built once per context and configuration, kept on disk, shared by all methods."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workbench.errors import MethodError
from workbench.records import Chunk, Context, Hit
from workbench.retrieval.chunks.chunk_table import ChunkTable
from workbench.retrieval.chunks.chunking import Count
from workbench.retrieval.chunks.splitters import Cut, cut, cut_key
from workbench.retrieval.embedders.embedder import Embedder, kept_in
from workbench.retrieval.indexes.bm25 import Bm25Index
from workbench.retrieval.indexes.parts import FORMAT, IndexOptions, IndexParts
from workbench.retrieval.indexes.shelf import load_arrays, save_arrays, shelved
from workbench.retrieval.indexes.vector import DenseIndex
from workbench.retrieval.ranking.fusion import Fusion, Scored
from workbench.retrieval.spending import is_dry
from workbench.text import combined_hash

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

CANDIDATES = 50  # how deep each ranking goes into a fusion
_KEPT_IN_MEMORY = 64


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
        """Make now what a retriever needs (`build` time, not the first question's); returns itself."""
        if retriever in ("sparse", "hybrid"):
            _ = self.sparse
        if retriever in ("dense", "hybrid"):
            known = self._parts.made_dense is not None
            _ = self.dense
            if known:  # made for another method: it stands in this one's books all the same
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
        """The same chunks indexed otherwise, kept and shared in the same way."""
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
        return _shared(combined_hash(key, str(options), embedder.name, *where), make) if self._key else make()

    def search(self, query: str, k: int, retriever: str = "hybrid", *, fusion: Fusion | None = None) -> list[Hit]:
        """The `k` best chunks for a query, ranked from 1; fewer when the context has fewer.

        `dense`: cosine; a query that the embedder knows nothing of has no hits. `sparse`: BM25, chunks without any
        query term are no hits. `hybrid`: reciprocal rank fusion of the two (k = 60, or as `fusion` says), each cut at
        50 or `k` if that is more.
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

        `vector` stands in for the questions in the dense rankings (HyDE).
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
            hits, filled = self._widened(scored, k)
            if filled or not scored or reach >= len(self.chunks):
                break
            depth = reach * 4  # many small chunks of the same few reads: look further down
        return [Hit(chunk, score, rank) for rank, (chunk, score) in enumerate(hits, 1)]

    def _scored(
        self, queries: Sequence[str], rows: NDArray[np.float32] | None, depth: int, retriever: str, fusion: Fusion
    ) -> Scored:
        dense: list[Scored] = []
        sparse: list[Scored] = []
        if rows is not None:
            # a question that the embedder knows nothing of is as near to every chunk: it finds none
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

    def _widened(self, scored: Scored, k: int) -> tuple[list[tuple[Chunk, float]], bool]:
        """What the hits stand for, and whether `k` of them were placed.

        A hit whose own chunk is read already adds nothing. One whose read overlaps others becomes one with them, at the
        best one's rank, and takes a place of the `k` all the same: never more is read than `k` single reads are long.
        """
        found: list[tuple[Chunk, float]] = []
        placed = 0
        for position, score in scored:
            if placed == k:
                break
            own, chunk = self.chunks[position], self._reads[position]  # type: ignore[index]  # callers checked
            if any(other.overlap(own) == own.end - own.start for other, _ in found):
                continue
            placed += 1
            touching = [i for i, (other, _) in enumerate(found) if other.overlap(chunk)]
            if not touching:
                found.append((chunk, score))
                continue
            joined = [found[i][0] for i in touching] + [chunk]
            whole = self._span(chunk, min(c.start for c in joined), max(c.end for c in joined))
            found[touching[0]] = (whole, found[touching[0]][1])
            for i in reversed(touching[1:]):
                del found[i]
        return found, placed == k

    def _span(self, chunk: Chunk, start: int, end: int) -> Chunk:
        if (chunk.start, chunk.end) == (start, end):
            return chunk
        if not isinstance(self._reads, ChunkTable):
            raise MethodError("chunks can only be joined in an index that knows their context")
        return Chunk.of(self._reads.context.document(chunk.document_id), start, end)


_MEMORY: OrderedDict[str, ChunkIndex] = OrderedDict()
_MEMORY_LOCK = threading.Lock()
_BUILDING: dict[str, threading.Lock] = {}


def _shared(key: str, make: Callable[[], ChunkIndex]) -> ChunkIndex:
    """The index of that key: from memory, or made by one thread while the others wait."""
    with _MEMORY_LOCK:
        if key in _MEMORY:
            _MEMORY.move_to_end(key)
            return _MEMORY[key]
        building = _BUILDING.setdefault(key, threading.Lock())
    with building:
        with _MEMORY_LOCK:
            if key in _MEMORY:
                return _MEMORY[key]
        index = make()
        with _MEMORY_LOCK:
            _MEMORY[key] = index
            _BUILDING.pop(key, None)
            while len(_MEMORY) > _KEPT_IN_MEMORY:
                _MEMORY.popitem(last=False)
        return index


def build_index(
    context: Context,
    *,
    chunk_tokens: int,
    overlap: int,
    splitter: str,
    embedder: Embedder,
    count: Count,
    tokenizer: str,
    directory: Path | None,
) -> ChunkIndex:
    """The index of a context for one configuration: from memory, from `directory`, or made and kept there.

    Content-addressed: the same documents and configuration give the same index, whoever asks. Safe for threads and
    processes. A damaged one is made again. `splitter` is one of `workbench.retrieval.chunks.splitters`; `tokenizer`
    names what `count` counts with: models that share a tokenizer share their chunks.
    """
    parts = [FORMAT, context.context_id, *cut_key(splitter, chunk_tokens, overlap, tokenizer)]
    if splitter.startswith("semantic"):
        parts.append(embedder.name)
    key = combined_hash(*parts)

    def make() -> ChunkIndex:
        def chunked() -> Cut:
            sentences = kept_in(embedder, directory)
            return cut(context, splitter, chunk_tokens=chunk_tokens, overlap=overlap, count=count, embedder=sentences)

        def load(folder: Path, facts: Mapping[str, Any]) -> Cut:
            return _load_chunks(folder, context)

        found = shelved(directory, f"chunks-{key}", FORMAT, chunked, _save_chunks, load)
        return ChunkIndex(found.chunks, embedder, reads=found.reads, directory=directory, key=key)

    return _shared(combined_hash(key, embedder.name, str(directory), str(is_dry())), make)


def index_chunks(context: Context, chunks: Sequence[Chunk], embedder: Embedder, directory: Path | None) -> ChunkIndex:
    """The index of chunks that were cut elsewhere."""
    table = ChunkTable.of(context, chunks)
    return ChunkIndex(table, embedder, directory=directory, key=combined_hash(FORMAT, context.context_id, table.key()))


def _save_chunks(found: Cut, folder: Path) -> Mapping[str, Any]:
    arrays = {"chunks": found.chunks.spans}
    if found.reads is not None:
        arrays["reads"] = found.reads.spans
    save_arrays(folder, arrays)
    return {"chunks": len(found.chunks)}


def _load_chunks(folder: Path, context: Context) -> Cut:
    chunks = ChunkTable(context, load_arrays(folder, "chunks")["chunks"])
    if not (folder / "reads.npy").exists():
        return Cut(chunks)
    return Cut(chunks, ChunkTable(context, load_arrays(folder, "reads")["reads"]))
