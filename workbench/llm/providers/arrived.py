"""A reply as far as it has arrived, in any wire format; a reply that breaks off is billed by what is in it."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Any


@dataclass(slots=True)
class Arrived:
    """A reply as far as it has arrived.

    `started` and `first_token_s` are seconds (`time.perf_counter`); `parts` is the visible text in pieces; `usage` the
    server's token counts under the field names of `Completion`; `finish` the finish reason in OpenAI's words, None
    until the server has given one; `left_out` the request's parameters that the server does not know; `ended` whether
    the server has marked the end of its stream.
    """

    started: float = field(default_factory=time.perf_counter)
    parts: list[str] = field(default_factory=list)
    usage: dict[str, int] = field(default_factory=dict)
    finish: str | None = None
    first_token_s: float | None = None
    left_out: tuple[str, ...] = ()
    first_token_logprobs: dict[str, float] | None = None
    prompt_logprobs: list[float] | None = None
    ended: bool = False

    def text(self, piece: str) -> None:
        """Add a streamed piece of visible text; the first one that is not empty sets the time to first token."""
        if piece:
            if self.first_token_s is None:
                self.first_token_s = time.perf_counter() - self.started
            self.parts.append(piece)


def token_count(value: Any) -> int | None:
    """A number of tokens as a server reports it; None for a value that cannot be one (text, a list, below zero)."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 1e12:
        return None
    return int(value)
