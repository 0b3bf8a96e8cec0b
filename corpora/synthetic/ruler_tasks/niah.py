"""RULER's eight needle tasks: key-value sentences hidden in repeated noise, in prose, or among other such sentences."""

from __future__ import annotations

import random
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Literal

from corpora.synthetic.haystack import fill, insert
from corpora.synthetic.ruler_tasks.vocabulary import key_words
from corpora.synthetic.sheet import Asked, Span
from corpora.synthetic.sizing import Count, largest

ANSWER_TOKENS = 128
NOISE = "The grass is green. The sky is blue. The sun is yellow. Here we go. There and back again."
_NEEDLE = "One of the special magic {kind} for {key} is: {value}."
_DEPTHS = tuple(round(step * 100 / 39) for step in range(40))  # RULER: linspace(0, 100, 40)


@dataclass(frozen=True)
class Niah:
    """RULER's parameters: kind of haystack, kinds of keys and values, numbers of keys, values per key, queried keys."""

    haystack: Literal["noise", "essay", "needle"]
    keys: Literal["words", "uuids"] = "words"
    values: Literal["numbers", "uuids"] = "numbers"
    key_count: int = 1
    values_a_key: int = 1
    queried: int = 1


TASKS = {
    "niah_single_1": Niah("noise"),
    "niah_single_2": Niah("essay"),
    "niah_single_3": Niah("essay", values="uuids"),
    "niah_multikey_1": Niah("essay", key_count=4),
    "niah_multikey_2": Niah("needle"),
    "niah_multikey_3": Niah("needle", keys="uuids", values="uuids"),
    "niah_multivalue": Niah("essay", values_a_key=4),
    "niah_multiquery": Niah("essay", key_count=4, queried=4),
}


def make(task: str, draw: random.Random, length: int, count: Count, source: Iterator[str]) -> tuple[str, Asked]:
    """A text for one of `TASKS` and its question; with the answer, they have at most `length` tokens."""
    form = TASKS[task]
    words = key_words(draw)
    keys = [next(words) if form.keys == "words" else _uuid(draw) for _ in range(form.key_count)]
    told = {key: [_value(form, draw) for _ in range(form.values_a_key)] for key in keys}
    needles = [(key, _NEEDLE.format(kind=form.values, key=key, value=value)) for key in keys for value in told[key]]
    draw.shuffle(needles)
    queried = draw.sample(keys, form.queried)
    question = _question(form, queried)
    room = length - ANSWER_TOKENS - count(question)
    if form.haystack == "essay":
        depths = sorted(draw.sample(_DEPTHS, len(needles)))
        free = room - sum(count(f" {needle} ") for _, needle in needles)
        text, spans = insert(
            fill(source, free, count), [(d / 100, needle) for d, (_, needle) in zip(depths, needles, strict=True)]
        )
    else:
        text, spans = _among_lines(form, draw, [needle for _, needle in needles], words, room, count)
    evidence = [span for span, (key, _) in zip(spans, needles, strict=True) if key in queried]
    answers = [value for key in queried for value in told[key]]
    labels = {"keys": form.key_count, "values": form.values_a_key, "queried": form.queried, "haystack": form.haystack}
    return text, Asked(question, answers, evidence, task, ("ruler", "contains"), labels=labels)


def _question(form: Niah, queried: Sequence[str]) -> str:
    """The instruction, the query and the beginning of the answer, in the singular when one value is asked for."""
    names = queried[0] if len(queried) == 1 else ", ".join(queried[:-1]) + f", and {queried[-1]}"
    if len(queried) * form.values_a_key == 1:
        kind = form.values.removesuffix("s")
        return (
            f"A special magic {kind} is hidden within the text. Make sure to memorize it. I will quiz you about the "
            f"{kind} afterwards.\nWhat is the special magic {kind} for {names} mentioned in the provided text? "
            f"The special magic {kind} for {names} mentioned in the provided text is"
        )
    kind = form.values
    return (
        f"Some special magic {kind} are hidden within the text. Make sure to memorize it. I will quiz you about the "
        f"{kind} afterwards.\nWhat are all the special magic {kind} for {names} mentioned in the provided text? "
        f"The special magic {kind} for {names} mentioned in the provided text are"
    )


def _uuid(draw: random.Random) -> str:
    return str(uuid.UUID(int=draw.getrandbits(128), version=4))


def _value(form: Niah, draw: random.Random) -> str:
    return str(draw.randint(1_000_000, 9_999_999)) if form.values == "numbers" else _uuid(draw)


def _among_lines(
    form: Niah, draw: random.Random, needles: Sequence[str], words: Iterator[str], room: int, count: Count
) -> tuple[str, list[Span]]:
    """As many lines as fit, of noise or of needles with other keys, and the needles among them."""
    others: list[str] = []

    def distractors() -> Iterator[str]:
        while True:
            key = next(words) if form.keys == "words" else _uuid(draw)
            yield _NEEDLE.format(kind=form.values, key=key, value=_value(form, draw))

    supply = distractors()
    depths = [draw.random() for _ in needles]

    def made(number: int) -> tuple[str, list[Span]]:
        if form.haystack == "noise":
            return between(number * [NOISE], needles, depths)
        others.extend(islice(supply, max(0, number - len(others))))
        return between(others[:number], needles, depths)

    unit = NOISE if form.haystack == "noise" else next(supply)
    return largest(made, lambda text: count(text[0]), room, guess=max(1, room // (count(unit) + 1)))


def between(lines: Sequence[str], needles: Sequence[str], depths: Sequence[float]) -> tuple[str, list[Span]]:
    """The lines with each needle on its own line at its depth (0 to 1), and the needles' spans; needles at the same
    place keep their order."""
    order = sorted(range(len(needles)), key=lambda number: (int(depths[number] * (len(lines) + 1)), number))
    parts: list[str] = []
    places = []
    at = 0
    for number in order:
        place = int(depths[number] * (len(lines) + 1))
        parts += lines[at:place]
        at = place
        places.append(len(parts))
        parts.append(needles[number])
    parts += lines[at:]
    starts, offset = [], 0
    for part in parts:
        starts.append(offset)
        offset += len(part) + 1
    spans = [(0, 0)] * len(needles)
    for number, place in zip(order, places, strict=True):
        spans[number] = (starts[place], starts[place] + len(needles[number]))
    return "\n".join(parts), spans
