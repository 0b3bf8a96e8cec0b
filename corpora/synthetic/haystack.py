"""Text that says nothing which a question could ask for: the haystack around needles."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence

from corpora.synthetic.fictional_world.prose import Scenery
from workbench.text import sentences

Count = Callable[[str], int]
_PARAGRAPH = 6  # sentences


def prose(seed: str) -> Iterator[str]:
    """Endless sentences of markets, weather and trifles; no person, town or number in them is named."""
    draw = random.Random(seed)
    scene = Scenery(draw)
    while True:
        yield scene.sentence("any")


def cycled(text: str) -> Iterator[str]:
    """The sentences of a text, from the start again when it ends."""
    found = [sentence for sentence in sentences(text) if sentence.strip()]
    while found:
        yield from found


def fill(source: Iterator[str], tokens: int, count: Count) -> list[str]:
    """Paragraphs of sentences from `source` that together have at most `tokens` tokens, and nearly as many."""
    paragraphs: list[str] = []
    used = 0
    while True:
        taken = [next(source) for _ in range(_PARAGRAPH)]
        size = count("\n\n" + " ".join(taken))
        while taken and used + size > tokens:
            taken.pop()
            size = count("\n\n" + " ".join(taken))
        if taken:
            paragraphs.append(" ".join(taken))
            used += size
        if len(taken) < _PARAGRAPH:
            return paragraphs


def insert(paragraphs: Sequence[str], needles: Sequence[tuple[float, str]]) -> tuple[str, list[tuple[int, int]]]:
    """The joined text with each needle put between two sentences at its depth (0 the start, 1 the end), and the
    needles' spans in the order given. Needles of one depth keep their order."""
    text = "\n\n".join(paragraphs)
    ends = [at + 1 for at, sign in enumerate(text[:-1]) if sign in ".!?" and text[at + 1] in " \n"]
    places = [0, *ends, len(text)]
    wanted = [min(places, key=lambda place: abs(place - depth * len(text))) for depth, _ in needles]
    order = sorted(range(len(needles)), key=lambda number: (wanted[number], number))
    spans = [(0, 0)] * len(needles)
    made, at = "", 0
    for number in order:
        made += text[at : wanted[number]]
        at = wanted[number]
        if made and not made[-1].isspace():
            made += " "
        spans[number] = (len(made), len(made) + len(needles[number][1]))
        made += needles[number][1]
        if at == 0:
            made += " "
    return made + text[at:], spans
