"""All ways to cut a context into chunks, by name: `sentence`, `tokens:cl100k_base`, `window:3`.

Where `sentence` (llama-index's splitter) and `single` strip white space at borders, all others tile: without overlap,
the chunks of a document join to its text exactly. A name may carry an argument after a colon.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from workbench.errors import InputError, UnknownName
from workbench.records import Context
from workbench.retrieval.bounds import within
from workbench.retrieval.chunks.chunk_table import ChunkTable, Span
from workbench.retrieval.chunks.chunking import Count, pack_spans, sentence_chunks
from workbench.retrieval.chunks.definitions import definition_starts, line_starts
from workbench.text import DEFAULT_ENCODING, sentence_spans, token_ids

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Pieces = list[tuple[int, int]]
_PARAGRAPH = re.compile(r"\n[ \t\r]*\n\s*")
_HEADING = re.compile(r"^(?: {0,3}#{1,6}[ \t]+\S.*|[^\s#>*`|-].*\n(?:={3,}|-{3,})[ \t\r]*)$", re.MULTILINE)
_FENCE = re.compile(r"^ {0,3}(`{3,}|~{3,})(.*)$", re.MULTILINE)
_WORD = re.compile(r"\S+")


@dataclass(frozen=True)
class Cut:
    """Chunks that are searched, and, where they differ, the ones that are read in their place."""

    chunks: ChunkTable
    reads: ChunkTable | None = None


@dataclass(frozen=True)
class _Job:
    """What a splitter gets besides the text. `embed` gives unit vectors of sentences of the context."""

    chunk_tokens: int
    overlap: int
    count: Count
    argument: str
    embed: Callable[[Sequence[str]], NDArray[np.float32]]

    def number(self, otherwise: int) -> int:
        """The argument, which `check_splitter` found to be a number."""
        return int(self.argument) if self.argument else otherwise


def check_splitter(splitter: str, chunk_tokens: int, overlap: int = 0) -> None:
    """Raises InputError, of it UnknownName, for a splitter, an argument or sizes that `cut` cannot work with."""
    name, colon, argument = splitter.partition(":")
    if name not in SPLITTERS:
        raise UnknownName("splitter", name, list(SPLITTERS), field="splitter")
    within("chunk_tokens", chunk_tokens, 1)
    if name not in _UNSIZED:
        within("overlap", overlap, 0, chunk_tokens - 1)
    if not colon:
        return
    if name == "tokens":
        _encoding(argument)
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
    """The chunks of a context. `embedder` serves `semantic` only. Raises InputError as `check_splitter` does."""
    check_splitter(splitter, chunk_tokens, overlap)
    name, _, argument = splitter.partition(":")
    chunks: list[Span] = []
    reads: list[Span] = []
    job = _Job(chunk_tokens, overlap, count, argument, _Sentences(context, embedder))
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


class _Sentences:
    """Embeds sentences with the context's embedder, which is fitted once, on all sentences of the context."""

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


def _starts(text: str) -> list[int]:
    return [start for start, _ in sentence_spans(text)]


def _tiles(text: str, borders: Sequence[int], starts: Sequence[int], job: _Job) -> Pieces:
    """Pack the units that begin at `starts`; no chunk crosses a border."""
    found: Pieces = []
    ordered = sorted(starts)
    for begin, end in pairwise(sorted({0, *borders, len(text)})):
        inside = [start - begin for start in ordered[bisect_right(ordered, begin) : bisect_left(ordered, end)]]
        packed = pack_spans(text[begin:end], inside, job.chunk_tokens, job.count, job.overlap)
        found += [(begin + a, begin + b) for a, b in packed]
    return found


def packed(text: str, job: _Job) -> Pieces:
    """Whole sentences, as many as fit."""
    return _tiles(text, [], _starts(text), job)


def _encoding(name: str) -> Any:
    from workbench.text import encoding

    try:
        return encoding(name or DEFAULT_ENCODING)
    except (ValueError, OSError) as error:
        raise InputError(f"encoding {name!r} is not at hand", field="splitter", fix="write tokens") from error


def tokens(text: str, job: _Job) -> Pieces:
    """Exactly `chunk_tokens` tokens each, wherever that cuts (GraphRAG, LightRAG); `tokens:ENCODING` counts in another
    encoding than o200k_base. A character of several tokens stays whole, in the later chunk."""
    coder = _encoding(job.argument)
    ids = token_ids(text, coder.name)
    decoded, offsets = coder.decode_with_offsets(ids)
    if decoded != text:  # half a surrogate pair: no tokenizer gives it back
        return packed(text, replace(job, count=lambda part: len(token_ids(part, coder.name))))
    bounds = [*offsets, len(text)]
    found: Pieces = []
    step = max(1, job.chunk_tokens - job.overlap)
    for first in range(0, len(ids), step):
        last = min(first + job.chunk_tokens, len(ids))
        span = (bounds[first], bounds[last])
        if span[0] < span[1] and span != (found[-1] if found else None):  # a character may have more tokens than a step
            found.append(span)
        if last == len(ids):
            break
    return found


def words(text: str, job: _Job) -> Pieces:
    """`chunk_tokens` words each, words being what white space separates (Self-Route 300, TracLLM 100)."""
    bounds = [0, *(match.start() for match in _WORD.finditer(text))][1:]
    if not bounds:
        return [(0, len(text))] if text else []
    step = max(1, job.chunk_tokens - job.overlap)
    found: Pieces = []
    for first in range(0, len(bounds), step):
        last = first + job.chunk_tokens
        found.append((bounds[first] if first else 0, bounds[last] if last < len(bounds) else len(text)))
        if last >= len(bounds):
            break
    return found


def _paragraph_starts(text: str, job: _Job) -> list[int]:
    """Starts of paragraphs; within one that is longer than a chunk, of its sentences."""
    starts = [0, *(match.end() for match in _PARAGRAPH.finditer(text)), len(text)]
    found: list[int] = []
    for begin, end in pairwise(starts):
        found.append(begin)
        if job.count(text[begin:end]) > job.chunk_tokens:
            found += [begin + start for start in _starts(text[begin:end]) if start]
    return found


def paragraphs(text: str, job: _Job) -> Pieces:
    """Whole paragraphs (blank lines between), as many as fit; a long one is cut at sentences."""
    return _tiles(text, [], _paragraph_starts(text, job), job)


def markdown(text: str, job: _Job) -> Pieces:
    """Sections by heading (`#` and underlined; not inside code fences), each packed by paragraphs. A heading without a
    text of its own goes with the next."""
    fences = _fences(text)
    begins = [start for start, _ in fences]

    def outside(place: int) -> bool:
        before = bisect_right(begins, place) - 1
        return before < 0 or place >= fences[before][1]

    heads = [match.span() for match in _HEADING.finditer(text) if outside(match.start())]
    borders: list[int] = []
    for number, (start, _) in enumerate(heads):
        bare = number > 0 and not text[heads[number - 1][1] : start].strip()
        if not bare:
            borders.append(start)
    return _tiles(text, borders, _paragraph_starts(text, job), job)


def _fences(text: str) -> Pieces:
    """Where code stands in a Markdown text: from a fence to the next of the same mark that is at least as long and
    bare, or to the end of the text (CommonMark 4.5), so that a fence within a longer one closes nothing."""
    found: Pieces = []
    opened: tuple[int, str] | None = None
    for match in _FENCE.finditer(text):
        mark, info = match.groups()
        if opened is None:
            if mark[0] == "~" or "`" not in info:
                opened = (match.start(), mark)
        elif mark[0] == opened[1][0] and len(mark) >= len(opened[1]) and not info.strip():
            found.append((opened[0], match.end()))
            opened = None
    return found if opened is None else [*found, (opened[0], len(text))]


def semantic(text: str, job: _Job) -> Pieces:
    """Cut where the topic turns: where neighbouring sentences (each embedded with the one before and after) differ more
    than the `semantic:95`th percentile of the document's turns (llama-index's SemanticSplitter); at most
    `chunk_tokens`."""
    import numpy as np

    spans = list(sentence_spans(text))
    percentile = job.number(95)
    if len(spans) < 3:
        return _tiles(text, [], _starts(text), job)
    last = len(spans) - 1
    grouped = [text[spans[max(0, i - 1)][0] : spans[min(last, i + 1)][1]] for i in range(len(spans))]
    vectors = job.embed(grouped)
    turns = 1 - np.einsum("ij,ij->i", vectors[:-1], vectors[1:])
    bound = np.percentile(turns, percentile)
    borders = [spans[i + 1][0] for i in np.flatnonzero(turns > bound)]
    return _tiles(text, borders, _starts(text), job)


def code(text: str, job: _Job) -> Pieces:
    """A chunk per function or method, with what decorates it; what is longer is cut at lines. Python by its grammar,
    other languages by the look of the lines that begin definitions (`workbench.retrieval.chunks.definitions`)."""
    return _tiles(text, definition_starts(text), line_starts(text), job)


def window(text: str, job: _Job) -> tuple[Pieces, Pieces]:
    """Single sentences are searched; read are they with the `window:3` before and after."""
    if not text:
        return [], []
    bounds = [0, *_starts(text)[1:], len(text)]
    reach, last = job.number(3), len(bounds) - 1
    small = list(pairwise(bounds))
    wide = [(bounds[max(0, i - reach)], bounds[min(last, i + reach + 1)]) for i in range(len(small))]
    return small, wide


def hierarchical(text: str, job: _Job) -> tuple[Pieces, Pieces]:
    """Children of `hierarchical:128` tokens are searched; read are their parents of `chunk_tokens`, which do not
    overlap: a text that two parents share would be read twice."""
    child = min(job.number(128), job.chunk_tokens)
    small: Pieces = []
    wide: Pieces = []
    for begin, end in packed(text, replace(job, overlap=0)):
        part = text[begin:end]
        inside = pack_spans(part, _starts(part), child, job.count)
        small += [(begin + a, begin + b) for a, b in inside]
        wide += [(begin, end)] * len(inside)
    return small, wide


def single(text: str, job: _Job) -> Pieces:
    """One chunk a sentence, without the white space around it."""
    return list(sentence_spans(text))


_PLAIN: dict[str, Callable[[str, _Job], Pieces]] = {
    "single": single,
    "packed": packed,
    "tokens": tokens,
    "words": words,
    "paragraphs": paragraphs,
    "markdown": markdown,
    "semantic": semantic,
    "code": code,
}
_WIDER: dict[str, Callable[[str, _Job], tuple[Pieces, Pieces]]] = {"window": window, "hierarchical": hierarchical}
SPLITTERS = ("sentence", *_PLAIN, *_WIDER)
_NUMBERED = {  # lowest, highest and usual argument; a child of `hierarchical` has at most its parent's chunk_tokens
    "window": (0, 1_000, 3),
    "hierarchical": (1, 0, 128),
    "semantic": (1, 100, 95),
}
_SELF_COUNTING = ("sentence", "tokens", "words")  # these count in an encoding of their own, or words
_UNSIZED = ("single", "window")  # a sentence is a chunk, however long


def cut_key(splitter: str, chunk_tokens: int, overlap: int, tokenizer: str) -> list[str]:
    """What the chunks of a context depend on, beside its texts: nothing that makes no difference to them."""
    name = splitter.partition(":")[0]
    if name in _UNSIZED:
        return [splitter]
    sizes = [splitter, str(chunk_tokens), "0" if name == "hierarchical" else str(overlap)]
    return sizes if name in _SELF_COUNTING else [*sizes, tokenizer]
