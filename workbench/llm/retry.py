"""When to try again, and how long to wait."""

from __future__ import annotations

import random
from dataclasses import dataclass

from workbench.errors import BadReply, ModelError, ModelTimeout, RateLimited, RequestRefused, ServerGone


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """Exponential backoff with full jitter; a server's Retry-After is honoured up to `longest_s`.

    `attempts` bounds all tries of a call; `identical` bounds how often the very same failure is met before it is taken
    for deterministic (a 500 that never goes away is no reason to wait for a day).
    """

    attempts: int = 6
    identical: int = 4
    base_s: float = 0.5
    longest_s: float = 60.0

    def retries(self, error: ModelError) -> bool:
        """Whether this kind of failure can pass."""
        return not isinstance(error, RequestRefused)

    def allowed(self, error: ModelError) -> int:
        """How many identical failures of this kind are met before giving up."""
        if isinstance(error, RateLimited):
            return self.attempts
        if isinstance(error, ModelTimeout):
            return min(2, self.identical)
        if isinstance(error, BadReply | ServerGone):
            return min(3, self.identical) if isinstance(error, BadReply) else self.identical
        return self.identical

    def wait_s(self, attempt: int, error: ModelError) -> float:
        """Seconds to wait after failed attempt number `attempt` (from 1)."""
        if isinstance(error, RateLimited) and error.retry_after is not None:
            return min(error.retry_after, self.longest_s)
        return random.uniform(0, min(self.longest_s, self.base_s * 2 ** (attempt - 1)))
