"""What the model at an imitated server does, and how the server counts it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from tests.servers.server import Answer, Body

PER_TOKEN = 3.6  # characters; fewer than in our own tokenizer's tokens, so that servers count more than we do
PER_MESSAGE = 4


def tokens(text: str) -> int:
    """Tokens of a text by the servers' count."""
    return math.ceil(len(text) / PER_TOKEN)


def thoughts_of(count: int) -> str:
    """A text of so many tokens that a model might think."""
    length = math.floor(count * PER_TOKEN)
    return ("The user asks for a capital; which one can be meant by that? " * (length // 50 + 1))[:length]


@dataclass(frozen=True, slots=True)
class Situation:
    """What the model at the server does: it `thinks` so many tokens where it is let, and `says` a text. `cached` tokens
    of the prompt are in the provider's cache. `first` is what the first requests meet instead.

    `ends` names another end of the reply: `finish:REASON` after half of it, `refusal`, `cut` (the connection breaks),
    `error` (an event of the stream), `filtered` (the prompt is refused for what it says).
    """

    says: str = "The capital is Oslo."
    thinks: int = 0
    cached: int = 0
    ends: str = ""
    first: Sequence[Answer] = ()


@dataclass(frozen=True, slots=True)
class Made:
    """A reply, counted: `thinking` and `visible` tokens of the reply, and what of the prompt a cache served or took."""

    prompt: int
    thoughts: str
    thinking: int
    text: str
    visible: int
    finish: str
    cached: int = 0
    written: int = 0

    @property
    def completion(self) -> int:
        """All tokens of the reply."""
        return self.thinking + self.visible


@dataclass(frozen=True, slots=True)
class Refuses:
    """Something that a wire is known to refuse: in words, and a request's fields that show it."""

    what: str
    fields: Body = field(default_factory=dict)


def text_of(content: Any) -> str:
    """The text of a message, sent as a text or in blocks."""
    return content if isinstance(content, str) else "".join(str(block["text"]) for block in content)


def form_of(body: Body) -> str:
    """The form in which a request brings its schema; `prompt` for none."""
    if "guided_json" in body:
        return "guided_json"
    if body.get("tools"):
        return "tool"
    wanted = body.get("response_format") or {}
    if wanted.get("type") == "json_object":
        return "json_object_schema" if "schema" in wanted else "json_object"
    return str(wanted.get("type") or "prompt")
