"""What a model backend is: it counts tokens and completes one request.

Beside the members of `Model`, a backend may have these attributes, which the gateway reads: `max_parallel` (calls at
once that make sense, 1 for a model that computes in this process), `cache_identity` (what the response cache knows it
by, when the name does not say it all, e.g. a version), `chat_overhead` (a `ChatOverhead` measured on the real chat
template), `gives_logprobs` (it can tell the likeliest first tokens), `gives_prompt_logprobs` (and how likely the
prompt's own were), `rpm` and `tpm` (the provider's limits), `first_token_target` (seconds above which a reply's first
token counts as a sign of overload), `aclose` (a
coroutine that closes its connections), and `free` (True where no call costs anything).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol

from workbench.records import Message

# Tokens that a chat format adds to each message, and once to open the reply: the rule of OpenAI's cookbook for chat
# models. Servers with a chat template of their own report the true figure afterwards.
MESSAGE_OVERHEAD = 4
REPLY_OVERHEAD = 3

# The token source of counts that the server itself reports.
SERVER = "server"


@dataclass(frozen=True, slots=True)
class ChatRequest:
    """One request. `sample` numbers repeats of the same request and is part of the cache key; `schema` is a JSON
    schema that the reply must follow; `top_logprobs` asks for that many likeliest first tokens, `prompt_logprobs` for
    the log probabilities of that many last tokens of the prompt (0: for none). Two fields are no part of the request:
    `counted`, the messages' tokens as the gateway has counted them, so that a backend need not count again, and
    `marks`, whether it is worth having a provider keep the messages' shared part."""

    messages: tuple[Message, ...]
    max_tokens: int
    temperature: float = 0.0
    seed: int | None = None
    sample: int = 0
    schema: Mapping[str, Any] | None = None
    top_logprobs: int = 0
    prompt_logprobs: int = 0
    counted: int | None = field(default=None, compare=False)
    marks: bool = field(default=True, compare=False)


def reads_probabilities(request: ChatRequest) -> bool:
    """Whether a request asks for probabilities of tokens, which thoughts before the reply would make meaningless."""
    return bool(request.top_logprobs or request.prompt_logprobs)


class Waste(NamedTuple):
    """Tokens that a failed attempt had used, and its share of the time that the server was at work, in seconds."""

    prompt_tokens: int
    cached_tokens: int
    cache_write_tokens: int
    completion_tokens: int
    busy_s: float
    cache_write_hour_tokens: int = 0
    told_usd: float | None = None


@dataclass(frozen=True, slots=True)
class Completion:
    """A backend's answer. `prompt_tokens` includes cached and cache-write tokens, `completion_tokens` includes
    reasoning tokens; times are seconds of the call itself, `first_token_s` until the first visible token.

    `busy_s` is set by the gateway: the call's share of the time its server was at work for us (a second in which four
    calls were in flight gives each a quarter), which is what a GPU-hour price is charged on. So are `attempts`, the
    number of times it was asked for, and `wasted`, what each failed attempt that used anything had used (see `Waste`).
    `first_token_logprobs`: the likeliest first tokens with their log probabilities (nats), where they were asked for;
    `prompt_logprobs`: those of the prompt's last tokens, in order. `left_out`: the request's parameters that the server
    had refused to know, and that it was sent without.

    `text` is what the reply says to its reader; a backend may leave thoughts in it, which the gateway takes out.
    `thoughts` are the model's, never read by a method and never scored; `reasoning_source` says who counted their
    `reasoning_tokens`: `server`, `estimated` by us, or nobody. `cache_write_hour_tokens` are the part of the written
    tokens that is kept for an hour. `served_model` and `service_tier` are what the server says has served the request,
    `told_usd` what it says it takes, `contradiction` what cannot be true of its figures.
    """

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
    busy_s: float = 0.0
    first_token_logprobs: Mapping[str, float] | None = None
    prompt_logprobs: Sequence[float] | None = None
    attempts: int = 1
    wasted: Sequence[Waste] = ()
    left_out: Sequence[str] = ()
    thoughts: str = ""
    reasoning_source: str = ""
    cache_write_hour_tokens: int = 0
    served_model: str = ""
    service_tier: str = ""
    told_usd: float | None = None
    contradiction: str = ""


class Model(Protocol):
    """A backend. `name` is the provider string, without secrets; see the module for the optional attributes."""

    name: str
    window: int
    max_output_tokens: int
    is_async: bool

    @property
    def token_source(self) -> str:
        """What `count` counts with, as it is recorded."""

    def count(self, text: str) -> int:
        """Tokens of a text."""

    def complete(self, request: ChatRequest) -> Completion:
        """Complete, blocking (backends with `is_async` False)."""

    async def acomplete(self, request: ChatRequest) -> Completion:
        """Complete on the gateway's event loop (backends with `is_async` True)."""


def temperature_of(model: Model, otherwise: float = 0.0) -> float:
    """The temperature of a model's calls: its own, where its entry names one."""
    own: float | None = getattr(model, "temperature", None)
    return otherwise if own is None else own


class Counts(Protocol):
    """Anything that counts tokens."""

    def count(self, text: str) -> int:
        """Tokens of a text."""


@dataclass(frozen=True, slots=True)
class ChatOverhead:
    """What a chat format adds to the messages' contents: `reply` tokens once, and `message` tokens to each message,
    or what `roles` says for its role."""

    message: int = MESSAGE_OVERHEAD
    reply: int = REPLY_OVERHEAD
    roles: Mapping[str, int] = field(default_factory=dict)


DEFAULT_OVERHEAD = ChatOverhead()


def count_messages(model: Counts, messages: Sequence[Message]) -> int:
    """Tokens of rendered messages: their contents plus the chat overhead (the model's own where it was measured)."""
    overhead: ChatOverhead = getattr(model, "chat_overhead", None) or DEFAULT_OVERHEAD
    added = overhead.reply + sum(overhead.roles.get(message.role, overhead.message) for message in messages)
    return added + sum(model.count(message.content) for message in messages)
