"""Truncation of a text that does not fit the window: its beginning is kept, its end, or half of each."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Literal

from workbench.method.fitting import characters_within, merged
from workbench.method.prompts import render_documents
from workbench.method.protocol import Bench
from workbench.records import Chunk, Context

Truncate = Literal["middle", "right", "left", "never"]
_HEAD_SHARE = {"middle": 0.5, "right": 1.0, "left": 0.0}  # what the beginning gets of the room; the end gets the rest


def whole_documents(context: Context) -> list[Chunk]:
    """Each document as one chunk."""
    return [Chunk.of(document, 0, len(document.text)) for document in context.documents]


def truncated_text(text: str, room: int, truncate: Truncate, bench: Bench) -> tuple[int, int]:
    """The characters (start, end) to leave out of a text so that the rest has at most `room` tokens. Nothing is left
    out when the text fits, or when `room` is 0."""
    head = tail = len(text)
    target = room
    while bench.count(text[:head] + text[tail:]) > room and target > 0:
        head_room = int(target * _HEAD_SHARE[truncate])
        head = characters_within(text, head_room, bench)
        tail = len(text) - characters_within(text, target - head_room, bench, from_end=True)
        target -= 1 + target // 100  # joining the two halves can add a few tokens
    return head, tail


def truncated_documents(chunks: Sequence[Chunk], room: int, truncate: Truncate, bench: Bench) -> list[Chunk]:
    """As much of the documents as fits `room` tokens once rendered with their titles; [] without any room."""
    target = room
    while target > 0:
        head_room = int(target * _HEAD_SHARE[truncate])
        head = _leading(chunks, head_room, bench)
        tail = _trailing(chunks, target - head_room, bench)
        kept = merged([*head, *tail])
        over = bench.count(render_documents(kept, bench.context)) - room
        if over <= 0:
            return kept
        target -= over + 1  # titles and joins cost a few tokens more than the pieces
    return []


def _leading(chunks: Sequence[Chunk], room: int, bench: Bench) -> list[Chunk]:
    """The first chunks that fit, and the beginning of the next one."""
    taken, room = _fitting(chunks, room, bench)
    for chunk in chunks[len(taken) : len(taken) + 1]:
        if size := characters_within(chunk.text, room, bench):
            taken.append(Chunk(chunk.document_id, chunk.start, chunk.start + size, chunk.text[:size]))
    return taken


def _trailing(chunks: Sequence[Chunk], room: int, bench: Bench) -> list[Chunk]:
    """The last chunks that fit and the end of the one before them, in the order of the text."""
    taken, room = _fitting(chunks[::-1], room, bench)
    for chunk in chunks[::-1][len(taken) : len(taken) + 1]:
        if size := characters_within(chunk.text, room, bench, from_end=True):
            taken.append(Chunk(chunk.document_id, chunk.end - size, chunk.end, chunk.text[-size:]))
    return taken[::-1]


def _fitting(chunks: Sequence[Chunk], room: int, bench: Bench) -> tuple[list[Chunk], int]:
    """As many chunks from the first on as fit together, and the room that they leave."""
    taken: list[Chunk] = []
    for chunk in chunks:
        tokens = bench.count(render_documents([chunk], bench.context))
        if tokens > room:
            break
        taken.append(chunk)
        room -= tokens + 1
    return taken, room


def in_spans(chunks: Iterable[Chunk], start: int, spans: Iterable[tuple[int, int]], context: Context) -> list[Chunk]:
    """What is visible of some chunks in spans of a prompt. The chunks are rendered in the prompt one after the other,
    from character `start` on."""
    places, at = [], start
    for chunk in chunks:
        rendered = render_documents([chunk], context)
        places.append((at + len(rendered) - len(chunk.text), chunk))  # the title is rendered before the text
        at += len(rendered) + 2
    found = []
    for first, last in spans:
        for place, chunk in places:
            low, high = max(first, place), min(last, place + len(chunk.text))
            if low < high:
                text = chunk.text[low - place : high - place]
                found.append(Chunk(chunk.document_id, chunk.start + low - place, chunk.start + high - place, text))
    return merged(found)
