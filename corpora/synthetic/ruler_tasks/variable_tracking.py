"""RULER's variable tracking: a value is passed from variable to variable in assignments hidden in repeated noise."""

from __future__ import annotations

import random
import string
from collections.abc import Sequence

from corpora.synthetic.ruler_tasks.niah import NOISE, between
from corpora.synthetic.sheet import Asked, Span
from corpora.synthetic.sizing import Count, largest

ANSWER_TOKENS = 30
HOPS = 4
_EXAMPLE_BLOCKS = 5
_TASK = "Memorize and track the chain(s) of variable assignment hidden in the text."
_QUESTION = (
    "Question: Find all variables that are assigned the value {value} in the text above. Answer: According to the "
    "chain(s) of variable assignment in the text above, {number} variables are assigned the value {value}, they are:"
)


def make(draw: random.Random, length: int, count: Count) -> tuple[str, Asked]:
    """A text with a chain of five variables, and a question for all of them that includes a solved example."""
    question_text = f"{_TASK} For example:\n{_example(draw)}\n\n"
    names, value = _names(draw, 5), str(draw.randint(10_000, 99_998))
    question_text += f"{_TASK}\n" + _QUESTION.format(value=value, number=len(names))
    links = _links(names, value)
    depths = sorted(draw.random() for _ in links)
    room = length - ANSWER_TOKENS - count(question_text)

    def made(blocks: int) -> tuple[str, list[Span]]:
        return between(blocks * [NOISE], links, depths)

    text, spans = largest(made, lambda text: count(text[0]), room, guess=max(1, room // (count(NOISE) + 1)))
    labels = {"hops": HOPS, "chains": 1}
    return text, Asked(question_text, names, spans, "vt", ("ruler", "contains"), labels=labels)


def _names(draw: random.Random, letters: int) -> list[str]:
    names: dict[str, None] = {}
    while len(names) < HOPS + 1:
        names["".join(draw.choices(string.ascii_uppercase, k=letters))] = None
    return list(names)


def _links(names: Sequence[str], value: str) -> list[str]:
    return [f"VAR {name} = {value if not at else f'VAR {names[at - 1]}'}." for at, name in enumerate(names)]


def _example(draw: random.Random) -> str:
    """A small solved task; its names have three letters, so that they differ from the task's five-letter names."""
    names, value = _names(draw, 3), str(draw.randint(10_000, 99_998))
    links = _links(names, value)
    text, _ = between(_EXAMPLE_BLOCKS * [NOISE], links, sorted(draw.random() for _ in links))
    return f"{text}\n{_QUESTION.format(value=value, number=len(names))} {' '.join(names)}"
