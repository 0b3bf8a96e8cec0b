"""Chunk indexes of a context: from memory, from disk, or cut now and kept in both."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from workbench.records import Chunk, Context
from workbench.retrieval.chunks.chunk_table import ChunkTable
from workbench.retrieval.chunks.chunking import Count
from workbench.retrieval.chunks.splitters import Cut, cut, cut_key
from workbench.retrieval.embedders.embedder import Embedder, kept_in
from workbench.retrieval.indexes.chunk_index import ChunkIndex
from workbench.retrieval.indexes.in_memory import shared
from workbench.retrieval.indexes.parts import FORMAT
from workbench.retrieval.indexes.shelf import load_arrays, save_arrays, shelved
from workbench.retrieval.spending import is_dry
from workbench.text import combined_hash


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
    processes. A damaged one is made again. `splitter` is one of `workbench.retrieval.chunks.splitters`; `chunk_tokens`
    and `overlap` are tokens as `count` counts them. `tokenizer` names what `count` counts with: models that share a
    tokenizer share their chunks. Raises InputError for a splitter or sizes that `cut` cannot work with.
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

    return shared(combined_hash(key, embedder.name, str(directory), str(is_dry())), make)


def index_chunks(context: Context, chunks: Sequence[Chunk], embedder: Embedder, directory: Path | None) -> ChunkIndex:
    """The index of chunks that were cut elsewhere; its parts are kept in `directory`, it itself nowhere."""
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
