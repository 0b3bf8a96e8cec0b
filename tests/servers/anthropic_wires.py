"""Anthropic's Messages API, of a model that is told how many tokens it may think and of one that is told an effort."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar

from tests.servers.carriers import Carrier, Hidden, pieces
from tests.servers.script import PER_MESSAGE, Made, Refuses, Situation, text_of, tokens
from tests.servers.server import Answer, Body
from tests.servers.wire import ChatWire

_TAKES = frozenset(
    {"model", "messages", "max_tokens", "system", "temperature", "top_p", "top_k", "stream", "thinking"}
    | {"output_config", "metadata", "stop_sequences", "tools", "tool_choice", "service_tier"}
)
_STOPS = {"stop": "end_turn", "length": "max_tokens"}
_ON = {"thinking": {"type": "enabled", "budget_tokens": 2_048}, "max_tokens": 3_000}


class Blocks(Hidden):
    """Blocks of content of type `thinking`."""

    told = "blocks of content of type `thinking`"
    shows = True

    def __init__(self) -> None:
        """Nothing to set."""


class Claude(ChatWire):
    """A model that thinks when it is told to, in a budget that is part of `max_tokens`."""

    name = "anthropic"
    provider = "anthropic"
    model = "claude-sonnet-4-5"
    served = "claude-sonnet-4-5-20250929"
    takes = _TAKES
    forms: ClassVar[tuple[str, ...]] = ()
    carrier: ClassVar[Carrier] = Blocks()
    thinks_unasked = False
    least_cached: ClassVar[int] = 1_024
    most_reply: ClassVar[int] = 64_000
    found_window: ClassVar[tuple[int, str]] = (200_000, "listed")
    ends: ClassVar[Mapping[str, str]] = {
        "finish:refusal": "refused", "finish:model_context_window_exceeded": "cut", "cut": "broken", "error": "failed",
    }  # fmt: skip
    refuses: ClassVar[tuple[Refuses, ...]] = (
        Refuses("fields that it does not know", {"seed": 3}),
        Refuses("a temperature above 1", {"temperature": 1.5}),
        Refuses("`temperature` and `top_p` together", {"temperature": 0.5, "top_p": 0.9}),
        Refuses("a temperature other than 1 while it thinks", {**_ON, "temperature": 0.0}),
        Refuses("`top_p` below 0.95 while it thinks", {**_ON, "top_p": 0.9}),
        Refuses("a budget below 1,024 tokens", {**_ON, "thinking": {"type": "enabled", "budget_tokens": 512}}),
        Refuses("a budget that is no less than `max_tokens`", {**_ON, "max_tokens": 2_048}),
        Refuses("`thinking.type: adaptive`", {"thinking": {"type": "adaptive"}, "max_tokens": 3_000}),
    )
    told_cached = "`cache_read_input_tokens`, `cache_creation_input_tokens` (beside `input_tokens`)"
    told_window = "the price list"
    odd = ("`ping` events; tokens at the beginning of a stream and again at its end",)

    def __init__(self, situation: Situation | None = None) -> None:
        super().__init__(situation)
        self._kept: set[str] = set()

    @property
    def chat_path(self) -> str:
        """Its own path."""
        return "/v1/messages"

    def key_in(self, headers: Mapping[str, str]) -> str:
        """Its own header, and one for the API's version."""
        return headers.get("x-api-key", "") if headers.get("anthropic-version") == "2023-06-01" else ""

    def prompt_tokens(self, body: Body) -> int:
        """The system prompt is no message."""
        system = tokens(text_of(body["system"])) + PER_MESSAGE if body.get("system") else 0
        return system + super().prompt_tokens(body)

    def error(self, status: int, message: str, **more: Any) -> Answer:
        """Errors have a type of their own."""
        kind = {401: "authentication_error", 429: "rate_limit_error", 529: "overloaded_error"}.get(status)
        return Answer(status, {"type": "error", "error": {"type": kind or "invalid_request_error", "message": message}})

    def unknown(self, names: Sequence[str]) -> Answer:
        """One at a time."""
        return self.error(400, f"{names[0]}: Extra inputs are not permitted")

    def dislikes(self, body: Body) -> Iterator[Answer]:
        """Temperatures and thinking, by the model's version."""
        if body.get("temperature", 1) > 1:
            yield self.error(400, "temperature: range: -1..1")
        limit = self.limit(body)
        if limit > self.most_reply:
            said = f"max_tokens: {limit} > {self.most_reply}, which is the maximum allowed number of output tokens for "
            yield self.error(400, said + self.served)
        yield from self.dislikes_of_version(body, body.get("thinking") or {}, limit)

    def dislikes_of_version(self, body: Body, thinking: Body, limit: int) -> Iterator[Answer]:
        """A budget, and the default temperature while thinking."""
        if "temperature" in body and "top_p" in body:
            said = "`temperature` and `top_p` cannot both be specified for this model. Please use only one."
            yield self.error(400, said)
        if thinking.get("type") == "adaptive":
            yield self.error(400, "adaptive thinking is not supported on this model")
        if thinking.get("type") == "enabled":
            budget = thinking["budget_tokens"]
            if budget < 1_024:
                said = "thinking.enabled.budget_tokens: Input should be greater than or equal to 1024"
                yield self.error(400, said)
            if budget >= limit:
                yield self.error(400, "`max_tokens` must be greater than `thinking.budget_tokens`.")
            if body.get("top_p", 1) < 0.95:
                said = "`top_p` must be greater than or equal to 0.95 or unset when thinking is enabled."
                yield self.error(400, said)
            if body.get("temperature", 1) != 1:
                yield self.error(400, "`temperature` may only be set to 1 when thinking is enabled.")

    def too_long(self, prompt: int, limit: int) -> Answer:
        """Where the prompt fits alone, the words are others."""
        if prompt > self.window:
            return self.error(400, f"prompt is too long: {prompt} tokens > {self.window} maximum")
        said = f"input length and `max_tokens` exceed context limit: {prompt} + {limit} > {self.window}, "
        return self.error(400, f"{said}decrease input length or `max_tokens` and try again")

    def wrong_key(self, key: str) -> Answer:
        """Without the key."""
        return self.error(401, "invalid x-api-key")

    def no_money(self) -> Answer:
        """A bad request by its status."""
        said = "Your credit balance is too low to access the Anthropic API. Please go to Plans & Billing."
        return self.error(400, said)

    def too_many(self, seconds: float) -> Answer:
        """A header says how long."""
        said = "This request would exceed your organization's rate limit of 50 requests per minute."
        return Answer(429, self.error(429, said).value, headers={"retry-after": f"{seconds:g}"})

    def thinks_now(self, body: Body) -> bool:
        """When it is told to."""
        return (body.get("thinking") or {}).get("type") in ("enabled", "adaptive")

    def budget(self, body: Body) -> int | None:
        """The budget it is told."""
        return (body.get("thinking") or {}).get("budget_tokens")

    def make(self, body: Body, prompt: int) -> Made:
        """What is marked is kept, and read where it was kept before."""
        made = super().make(body, prompt)
        marked = "".join(self._marked(body))
        size = tokens(marked)
        if size < self.least_cached:
            return made
        known = marked in self._kept
        self._kept.add(marked)
        return _with_cache(made, size if known else 0, 0 if known else size)

    def _marked(self, body: Body) -> Iterator[str]:
        """The text up to the last mark."""
        begun: list[str] = []
        shown: list[str] = []
        for message in [*([{"content": body["system"]}] if body.get("system") else []), *body["messages"]]:
            content = message["content"]
            for block in [{"text": content}] if isinstance(content, str) else content:
                begun.append(block["text"])
                if block.get("cache_control"):
                    shown = list(begun)
        return iter(shown)

    def usage(self, made: Made) -> dict[str, Any]:
        """The prompt without what the cache has to do with."""
        return {
            "input_tokens": made.prompt - made.cached - made.written,
            "cache_creation_input_tokens": made.written,
            "cache_read_input_tokens": made.cached,
            "cache_creation": {"ephemeral_5m_input_tokens": made.written, "ephemeral_1h_input_tokens": 0},
            "output_tokens": made.completion,
            "service_tier": "standard",
        }

    def thinking_block(self, made: Made) -> dict[str, Any]:
        """The block of thoughts."""
        return {"type": "thinking", "thinking": made.thoughts, "signature": "c2ln"}

    def whole(self, body: Body, made: Made) -> dict[str, Any]:
        """A message of blocks."""
        blocks = [*([self.thinking_block(made)] if made.thoughts else []), {"type": "text", "text": made.text}]
        return {
            **self._message(),
            "content": [block for block in blocks if block.get("text") != ""],
            "stop_reason": _STOPS.get(made.finish, made.finish),
            "usage": self.usage(made),
        }

    def _message(self) -> dict[str, Any]:
        return {"id": "msg_1", "type": "message", "role": "assistant", "model": self.served}

    def events(self, body: Body, made: Made, wants_usage: bool) -> Iterator[Any]:
        """Blocks that begin, go on and end."""
        begins = {
            **self._message(),
            "content": [],
            "stop_reason": None,
            "usage": {**self.usage(made), "output_tokens": 1},
        }
        yield _event("message_start", message=begins)
        yield _event("ping")
        index = 0
        if made.thoughts:
            block = self.thinking_block(made)
            yield _event("content_block_start", index=0, content_block={"type": "thinking", "thinking": ""})
            for piece in pieces(block["thinking"]):
                yield _event("content_block_delta", index=0, delta={"type": "thinking_delta", "thinking": piece})
            yield _event("content_block_delta", index=0, delta={"type": "signature_delta", "signature": "c2ln"})
            yield _event("content_block_stop", index=0)
            index = 1
        if made.text:
            yield _event("content_block_start", index=index, content_block={"type": "text", "text": ""})
            for piece in pieces(made.text):
                yield _event("content_block_delta", index=index, delta={"type": "text_delta", "text": piece})
            yield _event("content_block_stop", index=index)
        reason = _STOPS.get(made.finish, made.finish)
        ends = {"stop_reason": reason, "stop_sequence": None}
        yield _event("message_delta", delta=ends, usage={"output_tokens": made.completion})
        yield _event("message_stop")

    marks_end = False

    def breaks(self) -> Any:
        """An event of its own type."""
        return _event("error", error={"type": "api_error", "message": "Internal server error"})


class ClaudeByEffort(Claude):
    """A later model: it decides itself how much to think, takes no temperature, and shows no thoughts unless asked."""

    name = "anthropic-adaptive"
    model = "claude-opus-4-7"
    served = "claude-opus-4-7"
    least_cached = 4_096
    most_reply = 128_000
    asks_to_think: ClassVar[Body | None] = {"thinking": {"type": "adaptive"}}
    carrier: ClassVar[Carrier] = Hidden(told="blocks of type `thinking`, empty unless asked for")
    found_window = (1_000_000, "listed")
    refuses = (
        Refuses("`temperature`", {"temperature": 0.0}),
        Refuses("`top_p`", {"top_p": 0.9}),
        Refuses("`thinking.type: enabled`", _ON),
    )

    def dislikes_of_version(self, body: Body, thinking: Body, limit: int) -> Iterator[Answer]:
        """Everything but an effort."""
        for name in ("temperature", "top_p"):
            if name in body:
                yield self.error(400, f"`{name}` is deprecated for this model.")
        if thinking.get("type") == "enabled":
            said = '"thinking.type.enabled" is not supported for this model. Use "thinking.type.adaptive" and '
            yield self.error(400, said + '"output_config.effort" to control thinking behavior.')

    def thinking_block(self, made: Made) -> dict[str, Any]:
        """Only the signature."""
        return {"type": "thinking", "thinking": "", "signature": "c2ln"}


def _with_cache(made: Made, cached: int, written: int) -> Made:
    return Made(made.prompt, made.thoughts, made.thinking, made.text, made.visible, made.finish, cached, written)


def _event(kind: str, **more: Any) -> str:
    return f"event: {kind}\ndata: {json.dumps({'type': kind, **more})}\n\n"


WIRES: Sequence[type[ChatWire]] = (Claude, ClaudeByEffort)
