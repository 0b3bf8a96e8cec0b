"""The part of a language model that retrieval may use: prompts in, replies out, whatever model answers."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

_NUMBERING = re.compile(r"^\s*(?:[-*•]|\(?\d{1,2}[.):]|[Qq]\d?[.:])\s*")
_LONGEST_LINE = 400


class Ask(Protocol):
    """Sends prompts that do not depend on each other. With a `temperature`, equal prompts are sampled separately."""

    def __call__(
        self, prompts: Sequence[str], *, step: str, max_tokens: int, temperature: float | None = None
    ) -> list[str]:
        """The texts of the replies, in the order of the prompts."""


@dataclass(frozen=True)
class Asker:
    """A model as retrieval sees it: `count` gives the tokens of a text, `room(prompt, reply_tokens)` the tokens left in
    the context window beside a prompt and its reply (may be negative)."""

    ask: Ask
    count: Callable[[str], int]
    room: Callable[[str, int], int]
    note: Callable[[str, object], None] = lambda name, value: None  # records what was cut or left out

    def cut(self, text: str, room: int) -> str:
        """The text, cut at the end to at most `room` tokens."""
        if self.count(text) <= room:
            return text
        low, high = 0, min(len(text), max(0, room) * 40)
        while low < high:
            middle = (low + high + 1) // 2
            low, high = (middle, high) if self.count(text[:middle]) <= room else (low, middle - 1)
        return text[:low]


def filled(template: str, **fields: object) -> str:
    """A template with its `{field}`s replaced; other braces stay as they are."""
    return re.sub(r"\{([a-z_]+)\}", lambda match: str(fields.get(match.group(1), match.group())), template)


def lines(reply: str, at_most: int) -> list[str]:
    """The distinct lines of a reply without numbering and bullets, at most `at_most`, each cut at 400 characters.

    >>> lines("1. Who?\\n2) When?\\n\\n- Who?", 5)
    ['Who?', 'When?']
    """
    text = reply.rpartition("</think>")[2]
    found = (_NUMBERING.sub("", line).strip().strip('"')[:_LONGEST_LINE].strip() for line in text.splitlines())
    return list(dict.fromkeys(line for line in found if re.search(r"\w", line)))[:at_most]
