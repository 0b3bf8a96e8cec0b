"""All ways to cut a context into chunks, by name: `sentence`, `tokens:cl100k_base`, `window:3`.

`sentence` (llama-index's splitter) and `single` strip white space at borders; all others tile: without overlap, the
chunks of a document join to its text exactly. A name may carry an argument after a colon. The splitters themselves are
in `by_sentence.py`, `by_count.py`, `by_structure.py` and `by_topic.py`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from workbench.errors import InputError, UnknownName
from workbench.records import Context
from workbench.retrieval.bounds import within
from workbench.retrieval.chunks.by_count import encoding_called, tokens, words
from workbench.retrieval.chunks.by_sentence import hierarchical, packed, single, window
from workbench.retrieval.chunks.by_structure import code, markdown, paragraphs
from workbench.retrieval.chunks.by_topic import SentenceVectors, semantic
from workbench.retrieval.chunks.chunk_table import ChunkTable, Span
from workbench.retrieval.chunks.chunking import Count, sentence_chunks
from workbench.retrieval.chunks.splitter_job import Job, Pieces

_PLAIN: dict[str, Callable[[str, Job], Pieces]] = {
    "single": single,
    "packed": packed,
    "tokens": tokens,
    "words": words,
    "paragraphs": paragraphs,
    "markdown": markdown,
    "semantic": semantic,
    "code": code,
}
_WIDER: dict[str, Callable[[str, Job], tuple[Pieces, Pieces]]] = {"window": window, "hierarchical": hierarchical}
SPLITTERS = ("sentence", *_PLAIN, *_WIDER)
_NUMBERED = {  # lowest, highest and usual argument; a child of `hierarchical` has at most its parent's chunk_tokens
    "window": (0, 1_000, 3),
    "hierarchical": (1, 0, 128),
    "semantic": (1, 100, 95),
}
_SELF_COUNTING = ("sentence", "tokens", "words")  # these count in an encoding of their own, or words
_UNSIZED = ("single", "window")  # a sentence is a chunk, however long


@dataclass(frozen=True)
class Cut:
    """Chunks that are searched, and, where they differ, the ones that are read in their place."""

    chunks: ChunkTable
    reads: ChunkTable | None = None


def check_splitter(splitter: str, chunk_tokens: int, overlap: int = 0) -> None:
    """Check the arguments of `cut` before anything runs. Raises UnknownName for an unknown splitter, InputError for an
    argument after the colon or for sizes that it cannot work with."""
    name, colon, argument = splitter.partition(":")
    if name not in SPLITTERS:
        raise UnknownName("splitter", name, list(SPLITTERS), field="splitter")
    within("chunk_tokens", chunk_tokens, 1)
    if name not in _UNSIZED:
        within("overlap", overlap, 0, chunk_tokens - 1)
    if not colon:
        return
    if name == "tokens":
        encoding_called(argument)
    elif name not in _NUMBERED:
        raise InputError(f"{name} takes nothing after a colon", field="splitter", fix=f"write {name}")
    else:
        lowest, highest, usual = _NUMBERED[name]
        highest = chunk_tokens if name == "hierarchical" else highest
        number = int(argument) if argument.isascii() and argument.isdigit() else -1
        if not lowest <= number <= highest:
            raise InputError(
                f"{argument!r} is no number from {lowest} to {highest:,}",
                field="splitter",
                fix=f"write {name}:{min(usual, highest)}",
            )


def cut(
    context: Context,
    splitter: str = "sentence",
    *,
    chunk_tokens: int = 512,
    overlap: int = 0,
    count: Count,
    embedder: Any = None,
) -> Cut:
    """The chunks of a context, document by document.

    `chunk_tokens` and `overlap` are tokens as `count` counts them; `sentence` and `tokens` count in an encoding of
    their own, `words` counts words. `embedder` serves `semantic` only. Raises what `check_splitter` raises.
    """
    check_splitter(splitter, chunk_tokens, overlap)
    name, _, argument = splitter.partition(":")
    chunks: list[Span] = []
    reads: list[Span] = []
    job = Job(chunk_tokens, overlap, count, argument, SentenceVectors(context, embedder))
    for number, document in enumerate(context.documents):
        if name == "sentence":
            found = [(chunk.start, chunk.end) for chunk in sentence_chunks(document, chunk_tokens, overlap)]
            wider: Pieces = []
        elif name in _WIDER:
            found, wider = _WIDER[name](document.text, job)
        else:
            found, wider = _PLAIN[name](document.text, job), []
        chunks += [(number, *span) for span in found]
        reads += [(number, *span) for span in wider]
    return Cut(ChunkTable(context, chunks), ChunkTable(context, reads) if name in _WIDER else None)


def cut_key(splitter: str, chunk_tokens: int, overlap: int, tokenizer: str) -> list[str]:
    """What the chunks of a context depend on besides its texts, without what makes no difference to them; the parts of
    an index's address."""
    name = splitter.partition(":")[0]
    if name in _UNSIZED:
        return [splitter]
    sizes = [splitter, str(chunk_tokens), "0" if name == "hierarchical" else str(overlap)]
    return sizes if name in _SELF_COUNTING else [*sizes, tokenizer]
