"""Cutting documents into chunks. Every chunk knows its document and character span."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

from workbench.records import Chunk, Document
from workbench.text import sentence_spans

Count = Callable[[str], int]
Piece = tuple[int, int, int]  # start, end, tokens


def sentence_chunks(document: Document, chunk_tokens: int, overlap: int) -> list[Chunk]:
    """Chunks of llama-index's SentenceSplitter, `chunk_tokens` long with `overlap` tokens shared, offsets restored.

    The splitter strips white space at chunk borders and gives texts without positions; each text is found again from
    the previous chunk's start on, which is unique because chunks advance.
    """
    from workbench.llama import split_sentences

    chunks: list[Chunk] = []
    at = 0
    for text in split_sentences(document.text, chunk_tokens, overlap):
        body = text.strip()
        if not body:
            continue
        start = document.text.find(body, at)
        if start < 0:
            start, end = _find_spaced(document.text, body, at)
        else:
            end = start + len(body)
        chunks.append(Chunk.of(document, start, end))
        at = start + 1
    return chunks


def _find_spaced(text: str, body: str, at: int) -> tuple[int, int]:
    """Where `body` stands in `text` when white space between its words was changed."""
    import re

    match = re.compile(r"\s*".join(map(re.escape, body.split()))).search(text, at)
    if match is None:
        raise ValueError("the splitter returned a text that is not in the document")
    return match.span()


def pack(document: Document, room: int, count: Count, *, overlap: int = 0) -> list[Chunk]:
    """Greedy sentence packing: chunks of at most `room` tokens that re-join to the document when `overlap` is 0.

    Each piece runs to the start of the next sentence, so white space is kept. A sentence longer than the room is cut
    at words, and a word longer than the room at characters. With `overlap`, a chunk begins with the last whole
    sentences of the one before, at most `overlap` tokens of them.
    """
    text = document.text
    if not text:
        return []
    starts = [start for start, _ in sentence_spans(text)] or [0]
    starts[0] = 0
    bounds = [*starts, len(text)]
    pieces: list[Piece] = []
    for start, end in pairwise(bounds):
        tokens = count(text[start:end])
        if tokens <= room:
            pieces.append((start, end, tokens))
        else:
            pieces.extend(_cut(text, start, end, room, count))
    chunks: list[Chunk] = []
    held: list[Piece] = []
    for piece in pieces:
        if held and sum(tokens for _, _, tokens in held) + piece[2] > room:
            held = _close(document, held, chunks, room, count, min(overlap, room - piece[2]))
        held.append(piece)
    while held:
        held = _close(document, held, chunks, room, count, 0)
    return chunks


def _close(
    document: Document, held: list[Piece], chunks: list[Chunk], room: int, count: Count, overlap: int
) -> list[Piece]:
    """Make a chunk of the held pieces; returns what the next chunk starts with.

    The tokens of a joined text can differ from the sum by a little, so the chunk is counted once more as a whole.
    """
    kept = len(held)
    while kept > 1 and count(document.text[held[0][0] : held[kept - 1][1]]) > room:
        kept -= 1
    chunks.append(Chunk.of(document, held[0][0], held[kept - 1][1]))
    return held[kept:] if kept < len(held) else _tail(held, overlap)


def _tail(pieces: list[Piece], tokens: int) -> list[Piece]:
    kept: list[Piece] = []
    for piece in reversed(pieces[1:]):
        if sum(t for _, _, t in kept) + piece[2] > tokens:
            break
        kept.insert(0, piece)
    return kept


def _cut(text: str, start: int, end: int, room: int, count: Count) -> list[Piece]:
    """Cut an over-long sentence into pieces of at most `room` tokens, at white space where there is some."""
    pieces = []
    while start < end:
        low, high = 1, end - start
        while low < high:  # the longest prefix that fits; token counts grow with length but for a token or two
            middle = (low + high + 1) // 2
            low, high = (middle, high) if count(text[start : start + middle]) <= room else (low, middle - 1)
        stop = start + low
        if stop < end:
            space = max(text.rfind(" ", start + 1, stop), text.rfind("\n", start + 1, stop))
            stop = space + 1 if space > start else stop
        pieces.append((start, stop, count(text[start:stop])))
        start = stop
    return pieces
