"""A reply as far as it has arrived, in any wire format; a reply that breaks off is billed by what is in it."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Any

from workbench.llm.thoughts import may_be_thinking

_MARK_ENDS = (">", "]", "▷", "|", "final")


@dataclass(slots=True)
class Arrived:
    """A reply as far as it has arrived.

    `started` and `first_token_s` are seconds (`time.perf_counter`); `parts` is the text in pieces, `thoughts` that of
    fields for thoughts; `usage` the server's token counts under the names of `usage.figures`; `told_usd` what the
    server takes for the reply; `finish` the finish reason in the server's words, None until it has given one; `served`
    the name of the model that the server says has replied, `tier` its service tier; `left_out` the request's parameters
    that the server does not take; `ended` whether the server has marked the end of its stream.
    """

    started: float = field(default_factory=time.perf_counter)
    parts: list[str] = field(default_factory=list)
    thoughts: list[str] = field(default_factory=list)
    usage: dict[str, int] = field(default_factory=dict)
    told_usd: float | None = None
    finish: str | None = None
    served: str = ""
    tier: str = ""
    first_token_s: float | None = None
    left_out: tuple[str, ...] = ()
    first_token_logprobs: dict[str, float] | None = None
    prompt_logprobs: list[float] | None = None
    ended: bool = False

    def text(self, piece: str) -> None:
        """Add a streamed piece of text; the first one that shows something to a reader, and is no thought, sets the
        time to first token."""
        if not piece:
            return
        self.parts.append(piece)
        # a thought is looked at again only where it may have ended: doing so at every piece would cost its square
        may_end = len(self.parts) < 9 or len(self.parts) % 16 == 0 or any(mark in piece for mark in _MARK_ENDS)
        if self.first_token_s is None and may_end:
            self._look()

    def _look(self) -> None:
        if not may_be_thinking("".join(self.parts)):
            self.first_token_s = time.perf_counter() - self.started


def token_count(value: Any) -> int | None:
    """A number of tokens as a server reports it; None for a value that cannot be one (text, a list, below zero)."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 1e12:
        return None
    return int(value)
