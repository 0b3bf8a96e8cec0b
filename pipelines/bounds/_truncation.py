"""What is kept of a text that does not fit the window: its beginning, its end, or half of each."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Literal

from workbench.method.fitting import characters_within, merged
from workbench.method.prompts import render_documents
from workbench.method.protocol import Bench
from workbench.records import Chunk, Context

Truncate = Literal["middle", "right", "left", "never"]
_HEAD_SHARE = {"middle": 0.5, "right": 1.0, "left": 0.0}  # of the room, for the beginning; the end has the rest


def whole_documents(context: Context) -> list[Chunk]:
    """Every document as one chunk."""
    return [Chunk.of(document, 0, len(document.text)) for document in context.documents]


def truncated_text(text: str, room: int, truncate: Truncate, bench: Bench) -> tuple[int, int]:
    """The characters between which a text has to be left out, so that what stays has at most `room` tokens."""
    head = tail = len(text)
    target = room
    while bench.count(text[:head] + text[tail:]) > room and target > 0:
        head_room = int(target * _HEAD_SHARE[truncate])
        head = characters_within(text, head_room, bench)
        tail = len(text) - characters_within(text, target - head_room, bench, from_end=True)
        target -= 1 + target // 100  # halves that are joined may have a few tokens more
    return head, tail


def truncated_documents(chunks: Sequence[Chunk], room: int, truncate: Truncate, bench: Bench) -> list[Chunk]:
    """Of documents as much as has at most `room` tokens as rendered, titles included; nothing where no room is."""
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
    """The first chunks that fit, and the beginning of the next."""
    taken, room = _fitting(chunks, room, bench)
    for chunk in chunks[len(taken) : len(taken) + 1]:
        if size := characters_within(chunk.text, room, bench):
            taken.append(Chunk(chunk.document_id, chunk.start, chunk.start + size, chunk.text[:size]))
    return taken


def _trailing(chunks: Sequence[Chunk], room: int, bench: Bench) -> list[Chunk]:
    """The last chunks that fit, and the end of the one before, in the order of the text."""
    taken, room = _fitting(chunks[::-1], room, bench)
    for chunk in chunks[::-1][len(taken) : len(taken) + 1]:
        if size := characters_within(chunk.text, room, bench, from_end=True):
            taken.append(Chunk(chunk.document_id, chunk.end - size, chunk.end, chunk.text[-size:]))
    return taken[::-1]


def _fitting(chunks: Sequence[Chunk], room: int, bench: Bench) -> tuple[list[Chunk], int]:
    """The chunks that fit one after the other, and the room that is left."""
    taken: list[Chunk] = []
    for chunk in chunks:
        tokens = bench.count(render_documents([chunk], bench.context))
        if tokens > room:
            break
        taken.append(chunk)
        room -= tokens + 1
    return taken, room


def in_spans(chunks: Iterable[Chunk], start: int, spans: Iterable[tuple[int, int]], context: Context) -> list[Chunk]:
    """What spans of a prompt show of the chunks that are rendered in it from character `start` on."""
    places, at = [], start
    for chunk in chunks:
        rendered = render_documents([chunk], context)
        places.append((at + len(rendered) - len(chunk.text), chunk))  # its title stands before it
        at += len(rendered) + 2
    found = []
    for first, last in spans:
        for place, chunk in places:
            low, high = max(first, place), min(last, place + len(chunk.text))
            if low < high:
                text = chunk.text[low - place : high - place]
                found.append(Chunk(chunk.document_id, chunk.start + low - place, chunk.start + high - place, text))
    return merged(found)
