"""The chunk index of a context: built once per context and configuration, kept on disk, shared by all methods."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
import threading
from collections import OrderedDict
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workbench.errors import MethodError
from workbench.records import Chunk, Context, Hit
from workbench.retrieval.bm25 import Bm25Index
from workbench.retrieval.chunking import Count, pack, sentence_chunks
from workbench.retrieval.embedding import Embedder
from workbench.retrieval.fusion import reciprocal_rank_fusion
from workbench.retrieval.vector import DenseIndex
from workbench.text import combined_hash, sentence_spans

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

FORMAT = "3"  # part of the content address: a changed layout or analyser is a new index
CANDIDATES = 50  # how deep each ranking goes into a fusion


class ChunkIndex:
    """Chunks with a dense and a sparse index; built lazily, since many questions need one of them only."""

    def __init__(self, chunks: Sequence[Chunk], embedder: Embedder, vectors: NDArray[np.float32] | None = None) -> None:
        self.chunks = tuple(chunks)
        self._unfitted = embedder
        self._vectors = vectors
        self._lock = threading.RLock()
        self._made: dict[str, Any] = {}

    def _once(self, name: str, make: Any) -> Any:
        with self._lock:
            if name not in self._made:
                self._made[name] = make()
            return self._made[name]

    @property
    def embedder(self) -> Embedder:
        """The embedder fitted on the chunks."""
        fitted: Embedder = self._once("embedder", lambda: self._unfitted.fit([chunk.text for chunk in self.chunks]))
        return fitted

    @property
    def vectors(self) -> NDArray[np.float32]:
        """Unit vectors of the chunks, shape (n, d)."""
        made: NDArray[np.float32] = self._once("vectors", self._embed)
        return made

    def _embed(self) -> Any:
        if self._vectors is not None:
            return self._vectors
        return self.embedder.embed([chunk.text for chunk in self.chunks])

    @property
    def dense(self) -> DenseIndex:
        """The FAISS index."""
        made: DenseIndex = self._once("dense", lambda: DenseIndex(self.vectors))
        return made

    @property
    def sparse(self) -> Bm25Index:
        """The BM25 index."""
        made: Bm25Index = self._once("sparse", lambda: Bm25Index([chunk.text for chunk in self.chunks]))
        return made

    def search(self, query: str, k: int, retriever: str = "hybrid") -> list[Hit]:
        """The `k` best chunks for a query, ranked from 1; fewer when the context has fewer.

        `dense`: cosine. `sparse`: BM25, chunks without any query term are no hits. `hybrid`: reciprocal rank fusion of
        the two (k = 60), each cut at 50 or `k` if that is more.
        """
        if not self.chunks or k < 1:
            return []
        if retriever == "dense":
            scored = self._dense(query, k)
        elif retriever == "sparse":
            scored = self._sparse(query, k)
        elif retriever == "hybrid":
            depth = max(k, CANDIDATES)
            rankings = [[p for p, _ in self._dense(query, depth)], [p for p, _ in self._sparse(query, depth)]]
            scored = reciprocal_rank_fusion(rankings)
        else:
            raise MethodError(f"unknown retriever {retriever!r}; known: dense, sparse, hybrid")
        return [Hit(self.chunks[p], score, rank) for rank, (p, score) in enumerate(scored[:k], 1)]

    def _dense(self, query: str, k: int) -> list[tuple[int, float]]:
        return self.dense.search(self.embedder.embed([query])[0], k)

    def _sparse(self, query: str, k: int) -> list[tuple[int, float]]:
        return self.sparse.search(query, k)


_MEMORY: OrderedDict[str, ChunkIndex] = OrderedDict()
_MEMORY_LOCK = threading.Lock()
_BUILDING: dict[str, threading.Lock] = {}


def build_index(
    context: Context,
    *,
    chunk_tokens: int,
    overlap: int,
    splitter: str,
    embedder: Embedder,
    count: Count,
    directory: Path | None,
) -> ChunkIndex:
    """The index of a context for one configuration: from memory, from `directory`, or built and kept there.

    Content-addressed: the same documents and configuration give the same index, whoever asks. Safe for threads and
    processes: an index is written to a temporary folder and renamed. A damaged one is rebuilt.
    """
    key = combined_hash(FORMAT, context.context_id, str(chunk_tokens), str(overlap), splitter, embedder.name)
    with _MEMORY_LOCK:
        if key in _MEMORY:
            _MEMORY.move_to_end(key)
            return _MEMORY[key]
        building = _BUILDING.setdefault(key, threading.Lock())
    with building:
        with _MEMORY_LOCK:
            if key in _MEMORY:
                return _MEMORY[key]
        index = _load(directory / key, context, embedder) if directory else None
        if index is None:
            index = ChunkIndex(_chunks(context, chunk_tokens, overlap, splitter, count), embedder)
            if directory:
                _save(directory / key, index)
        with _MEMORY_LOCK:
            _MEMORY[key] = index
            while len(_MEMORY) > 64:
                _MEMORY.popitem(last=False)
        return index


def _chunks(context: Context, chunk_tokens: int, overlap: int, splitter: str, count: Count) -> list[Chunk]:
    if splitter == "sentence":
        return [c for document in context.documents for c in sentence_chunks(document, chunk_tokens, overlap)]
    if splitter == "packed":
        return [c for document in context.documents for c in pack(document, chunk_tokens, count, overlap=overlap)]
    if splitter == "single":
        return [Chunk.of(d, start, end) for d in context.documents for start, end in sentence_spans(d.text)]
    raise MethodError(f"unknown splitter {splitter!r}; known: sentence, packed, single")


def _save(folder: Path, index: ChunkIndex) -> None:
    import numpy as np

    if folder.exists():
        shutil.rmtree(folder, ignore_errors=True)  # it was damaged
    folder.parent.mkdir(parents=True, exist_ok=True)
    temporary = Path(tempfile.mkdtemp(prefix=".building-", dir=folder.parent))
    try:
        spans = [[chunk.document_id, chunk.start, chunk.end] for chunk in index.chunks]
        (temporary / "chunks.json").write_text(json.dumps(spans), encoding="utf-8")
        np.save(temporary / "vectors.npy", index.vectors if index.chunks else np.zeros((0, 1), np.float32))
        sums = {name: _checksum(temporary / name) for name in ("chunks.json", "vectors.npy")}
        (temporary / "manifest.json").write_text(json.dumps({"format": FORMAT, "sha256": sums}), encoding="utf-8")
        try:
            temporary.rename(folder)
        except OSError:  # another process was first; both built the same
            shutil.rmtree(temporary, ignore_errors=True)
    except BaseException:
        shutil.rmtree(temporary, ignore_errors=True)
        raise


def _load(folder: Path, context: Context, embedder: Embedder) -> ChunkIndex | None:
    """The index in `folder`, or None when there is none or it is damaged."""
    import numpy as np

    try:
        manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
        if manifest["format"] != FORMAT or any(_checksum(folder / n) != s for n, s in manifest["sha256"].items()):
            return None
        spans = json.loads((folder / "chunks.json").read_text(encoding="utf-8"))
        chunks = [Chunk.of(context.document(d), start, end) for d, start, end in spans]
        vectors = np.load(folder / "vectors.npy", allow_pickle=False)
    except (OSError, ValueError, KeyError):
        return None
    if len(vectors) != len(chunks):
        return None
    return ChunkIndex(chunks, embedder, vectors)


def _checksum(path: Path) -> str:
    with Path(os.fspath(path)).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
