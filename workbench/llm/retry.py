"""When to try again, and how long to wait."""

from __future__ import annotations

import random
import re
from dataclasses import dataclass

from workbench.errors import BadReply, ModelError, ModelTimeout, NoText, RateLimited, RequestRefused

# request ids, times and counters differ between failures that are otherwise the same
_VARYING = re.compile(r"\b[\w-]*\d[\w.-]*")


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """Exponential backoff with full jitter up to `longest_s`; a server's Retry-After is honoured up to `patience_s`,
    and one that is longer (the quota of a day) ends the run.

    `attempts` bounds all tries of a call. `identical` bounds how often the very same failure is met before it is taken
    for deterministic: a 500 that never goes away is no reason to wait for a day. A timeout is met at most twice, since
    each costs the full deadline, and a reply that is none three times; a rate limit passes by itself and is bounded by
    `attempts` only.
    """

    attempts: int = 6
    identical: int = 4
    base_s: float = 0.5
    longest_s: float = 60.0
    patience_s: float = 600.0

    def allowed(self, error: ModelError) -> int:
        """How many failures like this one are met before giving up; 1 gives up at once."""
        if isinstance(error, RequestRefused | NoText):
            return 1
        if isinstance(error, RateLimited):
            return self.attempts
        if isinstance(error, ModelTimeout):
            return min(2, self.identical)
        return min(3, self.identical) if isinstance(error, BadReply) else self.identical

    def wait_s(self, attempt: int, error: ModelError) -> float:
        """Seconds to wait after failed attempt number `attempt` (from 1).

        A Retry-After is never undercut; up to a tenth is added, so that waiting calls do not return all at once.
        """
        if isinstance(error, RateLimited) and error.retry_after is not None:
            return min(error.retry_after, self.patience_s) * random.uniform(1.0, 1.1)
        return random.uniform(0, min(self.longest_s, self.base_s * 2 ** (attempt - 1)))


def failure_kind(error: ModelError) -> str:
    """What failures that are the same have in common."""
    return f"{type(error).__name__}: {_VARYING.sub('#', str(error))}"


class Failures:
    """The failures of one call so far."""

    def __init__(self, policy: RetryPolicy) -> None:
        self._policy = policy
        self._seen: dict[str, int] = {}

    def delay(self, attempt: int, error: ModelError) -> float | None:
        """Seconds to wait before the attempt after failed number `attempt`, or None to give up."""
        kind = failure_kind(error)
        self._seen[kind] = self._seen.get(kind, 0) + 1
        if attempt >= self._policy.attempts or self._seen[kind] >= self._policy.allowed(error):
            return None
        return self._policy.wait_s(attempt, error)
