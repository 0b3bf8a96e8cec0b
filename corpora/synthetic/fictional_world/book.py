"""One book of a generated world: its facts, the prose that tells them, and questions about it."""

from __future__ import annotations

from collections.abc import Mapping

from corpora.synthetic.fictional_world.model import World, make_world
from corpora.synthetic.fictional_world.prose import Telling, tell
from corpora.synthetic.fictional_world.questions import ask
from workbench.records import Question
from workbench.text import count_tokens


def make_book(seed: int, number: int, tokens: int, wanted: Mapping[str, int]) -> tuple[World, Telling, list[Question]]:
    """One context: the world, the prose about it in `tokens` tokens, and `wanted` questions of each task."""
    name = f"world-{seed}-{number}"
    world = make_world(name, people=max(10, tokens // 450))
    telling = tell(world, f"{name}:prose", tokens, count_tokens)
    return world, telling, ask(world, telling, f"{name}:questions", f"w{number}", wanted)
