"""Everything in the context: one call reads all documents, truncated in the middle when they do not fit."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

from workbench.method.fitting import merged
from workbench.method.prompts import ANSWER_RULE, Prompt, render_documents, render_question
from workbench.method.protocol import Bench, MethodCard
from workbench.records import Answer, Chunk, Context, Hit, Question

OWN = Prompt("full_context.own", user="{prompt}")  # the benchmark's prompt, filled in
READ = Prompt("full_context.read", user=f"{{context}}\n\n{ANSWER_RULE}\n\nQuestion: {{question}}\nAnswer:")


@dataclass(frozen=True)
class FullContext:
    """The long-context arm. Over the window, LongBench's rule: keep the first and the last half of what fits.

    LongBench (pred.py) cuts the whole prompt, instruction and question included; we cut the documents only, since a
    prompt without its question tests nothing. LaRA and InfiniteBench cut the same way. Dropped tokens are recorded. A
    question that brings its benchmark's own prompt is asked by that, and the whole prompt is cut, as LongBench does.
    """

    card: ClassVar[MethodCard] = MethodCard(
        title="Full context",
        cost="1 call",
        url="https://github.com/THUDM/LongBench",
        year=2023,
        stages="truncate if over the window → read",
    )
    truncate: Literal["middle", "right", "left", "never"] = "middle"

    def build(self, context: Context, bench: Bench) -> None:
        return None

    def answer(self, question: Question, state: None, bench: Bench) -> Answer:
        if question.prompt:
            return self._by_own_prompt(question, bench)
        asked = render_question(question)
        room = bench.room(READ(context="", question=asked), reply_tokens=bench.answer_tokens)
        whole = [Chunk.of(document, 0, len(document.text)) for document in bench.context.documents]
        text = render_documents(whole, bench.context)
        tokens = bench.count(text)
        kept, dropped = whole, 0
        if tokens > room and self.truncate != "never":
            kept = self._fit(whole, max(0, room), bench)
            text = render_documents(kept, bench.context)
            dropped = tokens - bench.count(text)
        hits = [Hit(chunk, 0.0, rank) for rank, chunk in enumerate(kept, 1)]
        return bench.reply(READ(context=text, question=asked), step="read", hits=hits, dropped_tokens=dropped)

    def _by_own_prompt(self, question: Question, bench: Bench) -> Answer:
        """One call with the benchmark's prompt: over the room, its first and its last half."""
        whole = [Chunk.of(document, 0, len(document.text)) for document in bench.context.documents]
        before, _, after = question.prompt.partition("{context}")
        prompt = before + render_documents(whole, bench.context) + after
        room = bench.room(OWN(prompt=""), reply_tokens=bench.answer_tokens)
        tokens = bench.count(prompt)
        head, tail = len(prompt), 0
        target = max(0, room)
        while self.truncate != "never" and bench.count(prompt[:head] + _end(prompt, tail)) > room and target > 0:
            head_room = int(target * _HEAD_SHARE[self.truncate])
            head = _longest(prompt, head_room, bench, from_end=False)
            tail = _longest(prompt, target - head_room, bench, from_end=True)
            target -= 1 + target // 100  # halves that are joined may have a few tokens more
        shown = prompt[:head] + _end(prompt, tail)
        spans = ((0, head), (len(prompt) - tail, len(prompt)))
        kept = merged(_shown(whole, len(before), spans, bench.context))
        hits = [Hit(chunk, 0.0, rank) for rank, chunk in enumerate(kept, 1)]
        return bench.reply(OWN(prompt=shown), step="read", hits=hits, dropped_tokens=tokens - bench.count(shown))

    def _fit(self, chunks: Sequence[Chunk], room: int, bench: Bench) -> list[Chunk]:
        """The chunks cut to `room` tokens as rendered."""
        head_share = _HEAD_SHARE[self.truncate]
        target = room
        while target > 0:
            head_room = int(target * head_share)
            kept = merged(
                [
                    *_take(chunks, head_room, bench, from_end=False),
                    *_take(chunks[::-1], target - head_room, bench, from_end=True)[::-1],
                ]
            )
            over = bench.count(render_documents(kept, bench.context)) - room
            if over <= 0:
                return kept
            target -= over + 1  # titles and joins cost a few tokens more than the pieces
        return []


_HEAD_SHARE = {"middle": 0.5, "right": 1.0, "left": 0.0}


def _end(text: str, characters: int) -> str:
    return text[len(text) - characters :]


def _shown(chunks: Iterable[Chunk], start: int, spans: Iterable[tuple[int, int]], context: Context) -> list[Chunk]:
    """What the spans of a prompt show of the chunks that are rendered in it from `start` on."""
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
    return found


def _take(chunks: Iterable[Chunk], room: int, bench: Bench, *, from_end: bool) -> list[Chunk]:
    taken: list[Chunk] = []
    for chunk in chunks:
        tokens = bench.count(render_documents([chunk], bench.context))
        if tokens <= room:
            taken.append(chunk)
            room -= tokens + 1
            continue
        size = _longest(chunk.text, room, bench, from_end=from_end)
        start, end = (chunk.end - size, chunk.end) if from_end else (chunk.start, chunk.start + size)
        if size:
            taken.append(Chunk(chunk.document_id, start, end, chunk.text[start - chunk.start : end - chunk.start]))
        break
    return taken


def _longest(text: str, room: int, bench: Bench, *, from_end: bool) -> int:
    """How many characters from the start (or the end) fit the room."""
    low, high = 0, min(len(text), max(0, room) * 40)  # no tokenizer packs 40 characters of prose into each token
    while low < high:
        middle = (low + high + 1) // 2
        fits = bench.count(text[-middle:] if from_end else text[:middle]) <= room
        low, high = (middle, high) if fits else (low, middle - 1)
    return low
