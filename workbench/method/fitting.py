"""Helpers that make texts fit the window: room is computed before a call; notes are cut, packed into groups, merged.

Nothing here calls a model. What is cut is noted with the answer.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import TypeVar

from workbench.errors import ContextOverflow
from workbench.method.prompts import Messages, render_documents
from workbench.method.protocol import Bench
from workbench.records import Chunk, Hit, Reply

# A tokenizer may split a text and its template differently once they are joined; a few tokens are kept free for that.
SEAM = 8
T = TypeVar("T")
_LEAST_NOTE = 16  # tokens; a shorter reply cannot state a fact


def room_for(
    prompt: Messages, bench: Bench, *, reply_tokens: int, window: int | None = None, schema: type | None = None
) -> int:
    """The tokens of text that fit beside a prompt, given with its text left empty, and its reply.

    `window` is a smaller window of the method's own. Raises ContextOverflow, before any call, when there is no room.
    """
    limit = min(window or bench.window, bench.window)
    room = bench.room(prompt, reply_tokens=reply_tokens, schema=schema) - SEAM - (bench.window - limit)
    if room < 1:
        raise ContextOverflow(limit - room - reply_tokens, reply_tokens, limit)
    return room


def note_room(
    wanted: int,
    prompt: Messages,
    bench: Bench,
    *,
    held: int = 1,
    window: int | None = None,
    schema: type | None = None,
) -> int:
    """The tokens that a note may have: `wanted`, or fewer in a window so small that notes would take over half of it.

    `held` is the number of notes that a prompt and its reply need room for: 1 for the reply alone, 2 when the prompt
    also holds the last note. Fewer than wanted are noted. Raises ContextOverflow when not even a short note fits.
    """
    free = room_for(prompt, bench, reply_tokens=0, window=window, schema=schema)
    fitting = free // (2 * held)
    if fitting >= wanted:
        return wanted
    if fitting < _LEAST_NOTE:
        raise ContextOverflow(bench.count(prompt), _LEAST_NOTE * held, min(window or bench.window, bench.window))
    bench.note("note_tokens_reduced_to", fitting)
    return fitting


def reduced(wanted: int, most: int, bench: Bench, name: str = "chunk_tokens") -> int:
    """The tokens that a part may have, at least 1: `wanted`, or `most`, the room there is, noted as
    `{name}_reduced_to`. It is noted because smaller parts are another configuration than the one asked for."""
    if most >= wanted:
        return wanted
    bench.note(f"{name}_reduced_to", max(1, most))
    return max(1, most)


def cut(text: str, room: int, bench: Bench, *, noted: bool = True) -> str:
    """The text, or its longest beginning of at most `room` tokens. The cut is noted as `cut_characters`, unless `noted`
    is False."""
    if bench.count(text) <= room:
        return text
    size = characters_within(text, room, bench)
    if noted:
        bench.note("cut_characters", len(text) - size)
    return text[:size]


def characters_within(text: str, room: int, bench: Bench, *, from_end: bool = False) -> int:
    """How many characters of a text, from its beginning or its end, have at most `room` tokens."""
    low, high = 0, min(len(text), max(0, room) * 40)  # no tokenizer packs 40 characters of prose into each token
    while low < high:
        middle = (low + high + 1) // 2
        fits = bench.count(text[-middle:] if from_end else text[:middle]) <= room
        low, high = (middle, high) if fits else (low, middle - 1)
    return low


def note_number(name: str, number: int, bench: Bench) -> None:
    """Note how many replies took a fallback, unless none did."""
    if number:
        bench.note(name, number)


def unparsable(replies: Sequence[Reply]) -> int:
    """How many structured replies could not be parsed, even after asking again."""
    return sum(reply.parsed is None for reply in replies)


def labelled(notes: Sequence[str], label: str = "Notes") -> str:
    """Notes as paragraphs, each under its number, from 1."""
    return "\n\n".join(f"{label} {number}:\n{note}" for number, note in enumerate(notes, 1))


def from_the_start(hits: Sequence[Hit], chunks: Sequence[Chunk], number: int, bench: Bench) -> list[Hit]:
    """The hits of a search or, when it found nothing, the first `number` chunks of the text, noted. A reader that was
    shown nothing would be scored as if the text held no answer."""
    if hits or not len(chunks):
        return list(hits)
    bench.note("nothing_found", f"read the first {min(number, len(chunks))} chunks")
    return [Hit(chunk, 0.0, rank) for rank, chunk in enumerate(chunks[:number], 1)]


def hits_text(hits: Sequence[Hit], bench: Bench) -> str:
    """The chunks of hits as prompt text, in the order of the hits."""
    return render_documents([hit.chunk for hit in hits], bench.context)


def fitting_hits(
    hits: Sequence[Hit], room: int, bench: Bench, render: Callable[[Sequence[Hit]], str] | None = None
) -> tuple[list[Hit], int]:
    """As many hits from the first on as fit `room` tokens when rendered (by `hits_text` unless told otherwise), and the
    tokens left out. When not even the first one fits, its beginning is kept, noted."""
    render = render or partial(hits_text, bench=bench)
    kept = leading(hits, room, bench, render)
    dropped = sum(bench.count(hit.chunk.text) for hit in hits[len(kept) :])
    if kept or not hits:
        return kept, dropped
    whole = hits[0].chunk
    text = cut(whole.text, room - (bench.count(render(hits[:1])) - bench.count(whole.text)) - SEAM, bench)
    if not text:
        return [], dropped
    first = Hit(Chunk(whole.document_id, whole.start, whole.start + len(text), text), hits[0].score, hits[0].rank)
    return [first], dropped - bench.count(text)


Render = Callable[[Sequence[str]], str]


def packed(items: Sequence[str], room: int, bench: Bench, render: Render = labelled) -> list[list[str]]:
    """Consecutive items in groups that each fit `room` tokens when rendered, filled greedily. An item that is too long
    alone is cut. Without items there are no groups."""
    groups: list[list[str]] = []
    for item in items:
        over = bench.count(render([item])) - room
        if over > 0:
            item = cut(item, max(1, bench.count(item) - over - SEAM), bench)
        if not groups or bench.count(render([*groups[-1], item])) > room:
            groups.append([])
        groups[-1].append(item)
    return groups


def shortened(items: Sequence[str], room: int, bench: Bench, render: Render = labelled) -> list[str]:
    """Items that together fit `room` tokens: the longest is halved, noted, until they do."""
    kept = list(items)
    while kept and bench.count(render(kept)) > room:
        longest = max(range(len(kept)), key=lambda i: len(kept[i]))
        bench.note("cut_characters", len(kept[longest]) - len(kept[longest]) // 2)
        kept[longest] = kept[longest][: len(kept[longest]) // 2]
        kept = [item for item in kept if item]
    return kept


def leading(items: Sequence[T], room: int, bench: Bench, render: Callable[[Sequence[T]], str]) -> list[T]:
    """As many items from the first on as fit `room` tokens together as rendered: a ranking cut where it overflows."""
    if bench.count(render(items)) <= room:
        return list(items)
    low, high = 0, len(items) - 1
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if bench.count(render(items[:middle])) <= room else (low, middle - 1)
    return list(items[:low])


def folded(
    items: Sequence[str],
    merge: Callable[[list[list[str]]], Sequence[str]],
    bench: Bench,
    *,
    room: int,
    merge_room: int,
    levels: int,
    render: Render = labelled,
) -> list[str]:
    """Items merged, level by level, until they fit `room`; `merge` gets groups of at most `merge_room` tokens.

    Merging ends after `levels` levels, or with a level that does not shrink the items. What is still too long is then
    cut, noted.
    """
    kept = list(items)
    for _ in range(levels):
        size = bench.count(render(kept))
        if size <= room or len(kept) < 2:
            break
        kept = list(merge(packed(kept, merge_room, bench, render)))
        if bench.count(render(kept)) >= size:
            bench.note("fold_stuck", len(kept))
            break
    return shortened(kept, room, bench, render)


def passages(bench: Bench, tokens: int) -> list[Chunk]:
    """The whole context in order, in passages of at most `tokens` tokens: whole sentences of one document."""
    return [chunk for portion in bench.split(room=tokens) for chunk in portion.chunks]


def numbered(chunks: Sequence[Chunk], bench: Bench, label: str = "Passage") -> str:
    """Passages under their numbers, from 1, and with the titles of their documents when there are several documents."""
    titled = len(bench.context.documents) > 1
    parts = []
    for number, chunk in enumerate(chunks, 1):
        title = bench.context.document(chunk.document_id).title if titled else ""
        parts.append(f"{label} {number}{f' ({title})' if title else ''}:\n{chunk.text.strip()}")
    return "\n\n".join(parts)


def both_ends(
    chunks: Sequence[Chunk], room: int, bench: Bench, render: Callable[[Sequence[Chunk]], str]
) -> tuple[list[Chunk], int]:
    """The chunks, or as many from the beginning and the end as fit `room` as rendered, and the tokens left out."""
    low, high = 0, len(chunks)
    if bench.count(render(chunks)) <= room:
        return list(chunks), 0
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if bench.count(render(_ends(chunks, middle))) <= room else (low, middle - 1)
    left_out = chunks[(low + 1) // 2 : len(chunks) - low // 2]
    return _ends(chunks, low), sum(bench.count(chunk.text) for chunk in left_out)


def _ends(chunks: Sequence[Chunk], number: int) -> list[Chunk]:
    return [*chunks[: (number + 1) // 2], *chunks[len(chunks) - number // 2 :]]


def merged(chunks: Sequence[Chunk]) -> list[Chunk]:
    """The chunks in order, with neighbouring or overlapping spans of the same document joined into one."""
    done: list[Chunk] = []
    for chunk in chunks:
        last = done[-1] if done else None
        if last and last.document_id == chunk.document_id and last.start <= chunk.start <= last.end:
            if chunk.end > last.end:
                text = last.text + chunk.text[last.end - chunk.start :]
                done[-1] = Chunk(last.document_id, last.start, chunk.end, text)
        else:
            done.append(chunk)
    return done
