"""What a server says instead of a reply: read, scrubbed of secrets, and as one of our errors."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping

from workbench.errors import ModelError, ModelTimeout, NoText, QuotaSpent, RateLimited, RequestRefused
from workbench.llm.providers.overflow import is_above_the_rate, says_overflow, window_after

# Keys as providers make them (OpenAI, Anthropic, Groq, Hugging Face, xAI, Google and others), or named as such.
_SECRET = re.compile(
    r"\b(?:(?:sk|pk|rk|key|gsk|hf|xai|r8|tgp|pplx|nvapi|fw|csk)[-_][A-Za-z0-9_\-.*]{6,}|AIza[A-Za-z0-9_\-.*]{6,})"
    r"|\bBearer\s+[^\s\"',]{6,}"
    r"|(?<=[?&](?:key|sig)=)[^&\s\"']+|(?<=[?&]token=)[^&\s\"']+|(?<=[?&]api[-_]key=)[^&\s\"']+"
)
# How providers word "no credit left": OpenAI, Anthropic, DeepSeek, OpenRouter.
_QUOTA = re.compile(
    r"insufficient_quota|exceeded your current quota|billing_hard_limit|billing_not_active|credit balance is too low"
    r"|insufficient[ _](?:credits?|balance|funds)|all available credits|spending limit",
    re.I,
)
# A prompt that a filter has refused: Azure, OpenAI, Moonshot, xAI, DashScope, Zhipu.
_FILTERED = re.compile(
    r"content[_ ](?:filter|management)|considered high risk"
    r"|violat\w+ (?:\S+ )?(?:usage|content|safety) (?:policy|guideline)"
    r"|inappropriate content|data_inspection|敏感",
    re.I,
)
# A wrong key that is said to be a bad request: Google, xAI.
_KEY = re.compile(
    r"(?:incorrect|invalid|wrong|missing|expired)(?: \w+)? api[ _-]?key"
    r"|api[ _-]?key (?:is )?(?:not valid|invalid|expired)",
    re.I,
)
_DURATION = re.compile(r"(\d+(?:\.\d+)?)\s*(ms|mil|s|m|h|d)[a-z]*", re.I)
_UNIT = {"ms": 0.001, "mil": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86_400.0}
# "Please try again in 1m2.5s", "retry after 350 ms", Google's "retryDelay": "33s"
_AGAIN = re.compile(
    r"(?:try again|retry)\s+(?:in|after)\s+((?:\d[\d.]*\s*(?:ms|milli|s|m|h|d)[a-z]*[\s,]*(?:and\s+)?)+)"
    r'|retryDelay"?\s*:\s*"([\d.]+s)',
    re.I,
)


def hide_secrets(text: str) -> str:
    """The text as one line of at most 2,000 characters, with what looks like a key blotted out."""
    return _SECRET.sub("***", " ".join(text.split()))[:2_000]


def looks_secret(text: str) -> bool:
    """Whether a text holds what looks like a key."""
    return _SECRET.search(text) is not None


def wait_in(text: str) -> float | None:
    """The seconds after which a server's words ask to be tried again, if they do."""
    found = _AGAIN.search(text)
    return _seconds(found[1] or found[2]) if found else None


def _seconds(duration: str) -> float:
    return sum(float(number) * _UNIT[unit.lower()] for number, unit in _DURATION.findall(duration))


class HttpRefusal(Exception):
    """An answer other than 200: status, scrubbed body, and the seconds the server wants us to wait."""

    def __init__(self, status: int, body: str, retry_after: float | None = None) -> None:
        super().__init__(f"HTTP {status}: {body}")
        self.status, self.body, self.retry_after = status, body, retry_after

    @property
    def is_overflow(self) -> bool:
        """Whether the server says that the prompt does not fit its window."""
        return says_overflow(self.status, self.body)

    @property
    def is_about_the_request(self) -> bool:
        """Whether something in the request may be what the server objects to: not its key, credit, rate or length."""
        if self.status in (401, 402, 407, 408, 413, 429, 502, 503, 504, 529) or self.retry_after is not None:
            return False
        if self.is_filtered or self.is_about_the_key:
            return False
        return not self.is_overflow and not _QUOTA.search(self.body)

    @property
    def is_filtered(self) -> bool:
        """Whether a filter does not let the prompt through."""
        return self.status in (400, 403, 422, 451) and _FILTERED.search(self.body) is not None

    @property
    def is_about_the_key(self) -> bool:
        """Whether the key is wrong, whatever the status."""
        return self.status == 401 or (self.status in (400, 403) and _KEY.search(self.body) is not None)

    def window(self, ours: int, reply_tokens: int) -> int:
        """The window, in our tokens, that an overflow leaves; see `overflow.window_after`."""
        return window_after(self.body, ours, reply_tokens)

    def as_error(self, name: str) -> ModelError:
        """The error to raise for the model called `name`."""
        line = f"{name}: HTTP {self.status}: {self.body[:300]}"
        if self.retry_after is None and (self.status == 402 or (self.status < 500 and _QUOTA.search(self.body))):
            return QuotaSpent(line, self.status)
        if self.is_filtered:
            return NoText(f"{line} (the provider's filter has withheld the reply)", "withheld")
        if self.status in (413, 429) and is_above_the_rate(self.body):
            return RequestRefused(f"{line} (this request alone is above the limit: no waiting helps)", self.status)
        if self.status == 429 or self.status == 529 or (self.status == 503 and self.retry_after is not None):
            return RateLimited(line, self.retry_after)
        if self.status in (408, 504):
            return ModelTimeout(line)
        if self.status in (409, 425) or self.status >= 500:
            return ModelError(line)
        return RequestRefused(line, 401 if self.is_about_the_key else self.status)


def wait_of(headers: Mapping[str, str]) -> float | None:
    """Seconds that the server asks us to wait: retry-after-ms, Retry-After (seconds or an HTTP date), or OpenAI's reset
    headers."""
    try:
        return max(0.0, float(headers["retry-after-ms"]) / 1000)
    except (KeyError, ValueError):
        pass
    value = headers.get("Retry-After")
    if value:
        try:
            return max(0.0, float(value))
        except ValueError:
            from email.utils import parsedate_to_datetime

            try:
                return max(0.0, parsedate_to_datetime(value).timestamp() - time.time())
            except (TypeError, ValueError):
                return None
    resets = [
        _seconds(headers.get(f"x-ratelimit-reset-{kind}", ""))
        for kind in ("requests", "tokens")
        if headers.get(f"x-ratelimit-remaining-{kind}") == "0"
    ]
    return max(resets, default=None)
