"""What a model backend is: it counts tokens and completes one request."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from workbench.records import Message

# Tokens that a chat format adds to each message, and once to open the reply: the rule of OpenAI's cookbook for chat
# models. Servers with a chat template of their own report the true figure afterwards.
MESSAGE_OVERHEAD = 4
REPLY_OVERHEAD = 3


@dataclass(frozen=True, slots=True)
class ChatRequest:
    """One request. `sample` numbers repeats of the same request and is part of the cache key; `schema` is a JSON
    schema that the reply must follow."""

    messages: tuple[Message, ...]
    max_tokens: int
    temperature: float = 0.0
    seed: int | None = None
    sample: int = 0
    schema: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Completion:
    """A backend's answer. `prompt_tokens` includes cached and cache-write tokens, `completion_tokens` includes
    reasoning tokens; times are seconds of the call itself."""

    text: str
    prompt_tokens: int
    completion_tokens: int
    cached_tokens: int = 0
    cache_write_tokens: int = 0
    reasoning_tokens: int = 0
    finish_reason: str = "stop"
    token_source: str = ""
    first_token_s: float | None = None
    total_s: float = 0.0


class Model(Protocol):
    """A backend. `name` is the provider string, without secrets. Local models set `max_parallel`."""

    name: str
    window: int
    max_output_tokens: int
    token_source: str
    is_async: bool

    def count(self, text: str) -> int:
        """Tokens of a text."""

    def complete(self, request: ChatRequest) -> Completion:
        """Complete, blocking (backends with `is_async` False)."""

    async def acomplete(self, request: ChatRequest) -> Completion:
        """Complete on the gateway's event loop (backends with `is_async` True)."""


class Counts(Protocol):
    """Anything that counts tokens."""

    def count(self, text: str) -> int:
        """Tokens of a text."""


def count_messages(model: Counts, messages: Sequence[Message]) -> int:
    """Tokens of rendered messages: their contents plus the chat overhead."""
    return REPLY_OVERHEAD + sum(model.count(message.content) + MESSAGE_OVERHEAD for message in messages)
