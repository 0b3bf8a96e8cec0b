"""Hosted models that speak OpenAI's format with words and rules of their own: DeepSeek, Moonshot and xAI."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

from tests.servers.carriers import Carrier, Hidden
from tests.servers.script import Made, Refuses
from tests.servers.server import Answer, Body
from tests.servers.wire import ChatWire

_MOST = 65_536
_TICKS = 1e10  # of a dollar


class DeepSeek(ChatWire):
    """Comments keep a stream alive while it waits; the reply's limit has a range."""

    name = "deepseek"
    provider = "deepseek"
    model = "deepseek-chat"
    served = "deepseek-chat"
    forms = ("json_object_schema", "json_object", "tool")
    tells_reasoning = True
    found_window: ClassVar[tuple[int, str]] = (64_000, "listed")
    ends: ClassVar[Mapping[str, str]] = {
        "finish:content_filter": "withheld", "finish:insufficient_system_resource": "broken",
        "cut": "broken", "error": "failed",
    }  # fmt: skip
    refuses: ClassVar[tuple[Refuses, ...]] = (
        Refuses("`json_schema`", {"response_format": {"type": "json_schema", "json_schema": {}}}),
        Refuses(f"more than {_MOST:,} reply tokens (by model)", {"max_tokens": 100_000}),
    )
    told_cached = "`prompt_cache_hit_tokens`"
    told_reasoning = "`completion_tokens_details.reasoning_tokens`"
    told_window = "the price list"
    odd = ("comments between events while it waits", "empty lines before a reply that is not streamed")

    def dislikes(self, body: Body) -> Iterator[Answer]:
        """A limit out of its range."""
        if not 1 <= self.limit(body) <= _MOST:
            said = f"Invalid max_tokens value, the valid range of max_tokens is [1, {_MOST}]"
            yield self.error(400, said, param=None, code="invalid_request_error")

    def bad_form(self, form: str) -> Answer:
        """As if it were for today."""
        return self.error(400, "This response_format type is unavailable now", code="invalid_request_error")

    def too_long(self, prompt: int, limit: int) -> Answer:
        """OpenAI's older words."""
        said = f"This model's maximum context length is {self.window} tokens. However, you requested {prompt + limit} "
        rest = f"tokens ({prompt} in the messages, {limit} in the completion). Please reduce the length of the messages"
        return self.error(400, f"{said}{rest} or completion.", code="invalid_request_error")

    def wrong_key(self, key: str) -> Answer:
        """Its last letters, in a live reply; here all of it."""
        said = f"Authentication Fails, Your api key: {key} is invalid"
        return self.error(401, said, type="authentication_error")

    def thinks_now(self, body: Body) -> bool:
        """A switch."""
        return (body.get("thinking") or {}).get("type") != "disabled"

    def usage(self, made: Made) -> dict[str, Any]:
        """Hits and misses."""
        hit = {"prompt_cache_hit_tokens": made.cached, "prompt_cache_miss_tokens": made.prompt - made.cached}
        report = super().usage(made)
        del report["prompt_tokens_details"]
        return {**report, **hit}

    def events(self, body: Body, made: Made, wants_usage: bool) -> Iterator[Any]:
        """Comments first; usage stands in the last event with a choice."""
        yield ": keep-alive\n\n"
        shown = list(super().events(body, made, False))
        yield from shown[:-1]
        yield {**shown[-1], "usage": self.usage(made)}

    def reply(self, body: Body, made: Made) -> Answer:
        """A reply that is not streamed waits, too."""
        if body.get("stream"):
            return super().reply(body, made)
        return Answer(value="\n\n\n" + json.dumps(self.whole(body, made)))


class Moonshot(ChatWire):
    """Kimi takes one temperature only, another one while it does not think; the usage stands inside of the choice."""

    name = "moonshot"
    provider = "moonshot"
    model = "kimi-k2.5"
    served = "kimi-k2.5"
    forms = ("json_object", "tool")
    found_window: ClassVar[tuple[int, str]] = (32_000, "server")
    ends: ClassVar[Mapping[str, str]] = {
        "finish:content_filter": "withheld", "filtered": "withheld", "cut": "broken", "error": "failed",
    }  # fmt: skip
    refuses: ClassVar[tuple[Refuses, ...]] = (
        Refuses("a temperature other than 1 while it thinks, 0.6 while it does not", {"temperature": 0.0}),
        Refuses("`json_schema`", {"response_format": {"type": "json_schema", "json_schema": {}}}),
    )
    cuts_needed = 2
    of_a_prompt_kept = 0.8
    told_cached = "`cached_tokens`, in the usage of the choice"
    told_window = "`/models`: `context_length`"
    odd = ("the usage of a stream stands inside of its last choice",)

    def tells(self, path: str) -> Any:
        """Its models, with their windows."""
        entry = {"id": self.model, "object": "model", "context_length": self.window, "supports_reasoning": True}
        return {"object": "list", "data": [entry]} if path == "/v1/models" else None

    def dislikes(self, body: Body) -> Iterator[Answer]:
        """Any temperature but its own."""
        own = 1 if self.thinks_now(body) else 0.6
        if body.get("temperature", own) != own:
            yield self.error(400, f"invalid temperature: only {own} is allowed for this model")

    def bad_form(self, form: str) -> Answer:
        """In few words."""
        return self.error(400, "Invalid request: unsupported response format type")

    def too_long(self, prompt: int, limit: int) -> Answer:
        """Only the window."""
        return self.error(400, f"Invalid request: Your request exceeded model token limit: {self.window}")

    def filtered(self) -> Answer:
        """A risk that it does not take."""
        return self.error(400, "The request was rejected because it was considered high risk", type="content_filter")

    def wrong_key(self, key: str) -> Answer:
        """Without the key."""
        return self.error(401, "Invalid Authentication", type="invalid_authentication_error")

    def no_money(self) -> Answer:
        """A rate limit by its status."""
        said = "Your account org-1 is suspended due to insufficient balance, please recharge your account"
        return self.error(429, said, type="exceeded_current_quota_error")

    def thinks_now(self, body: Body) -> bool:
        """A switch."""
        return (body.get("thinking") or {}).get("type") != "disabled"

    def usage(self, made: Made) -> dict[str, Any]:
        """The cached part stands beside the others."""
        report = super().usage(made)
        del report["prompt_tokens_details"]
        return {**report, "cached_tokens": made.cached}

    def events(self, body: Body, made: Made, wants_usage: bool) -> Iterator[Any]:
        """Usage inside of the choice."""
        *shown, last = super().events(body, made, False)
        yield from shown
        choice = {**last["choices"][0], "usage": self.usage(made)}
        yield {**last, "choices": [choice]}


class Xai(ChatWire):
    """Grok: reasoning beside the completion, statuses and errors of its own, and money in tiny parts."""

    name = "xai"
    provider = "xai"
    model = "grok-4"
    served = "grok-4-0709"
    carrier: ClassVar[Carrier] = Hidden()
    can_stop_thinking = False
    tells_reasoning = True
    found_window: ClassVar[tuple[int, str]] = (256_000, "listed")
    ends: ClassVar[Mapping[str, str]] = {
        "refusal": "refused",
        "filtered": "withheld",
        "cut": "broken",
        "error": "failed",
    }
    refuses: ClassVar[tuple[Refuses, ...]] = (Refuses("`reasoning_effort` (most models)", {"reasoning_effort": "low"}),)
    told_reasoning = "`completion_tokens_details.reasoning_tokens`, beside `completion_tokens`"
    told_cost = "`cost_in_usd_ticks`"
    told_window = "the price list"
    odd = ("a wrong key is a bad request (400)",)

    def error(self, status: int, message: str, **more: Any) -> Answer:
        """A code in words."""
        return Answer(status, {"code": "Client specified an invalid argument", "error": message})

    def dislikes(self, body: Body) -> Iterator[Answer]:
        """An effort, in another spelling."""
        if "reasoning_effort" in body:
            yield self.error(400, f"Model {self.served} does not support parameter reasoningEffort.")

    def too_long(self, prompt: int, limit: int) -> Answer:
        """Prompts alone."""
        said = f"This model's maximum prompt length is {self.window} but the request contains {prompt} tokens."
        return self.error(400, said)

    def overflow(self, prompt: int, limit: int) -> Answer | None:
        """The reply has a window of its own."""
        return self.too_long(prompt, limit) if prompt > self.window else None

    def wrong_key(self, key: str) -> Answer:
        """A bad request by its status."""
        said = f"Incorrect API key provided: {key}. You can obtain an API key from https://console.x.ai."
        return self.error(400, said)

    def filtered(self) -> Answer:
        """Forbidden, by its status."""
        said = (
            "Content violates usage guidelines. Team: 1, API key ID: 2, Model: grok-4-0709, Failed check: SAFETY_CHECK"
        )
        return Answer(403, {"code": "The caller does not have permission", "error": said})

    def no_money(self) -> Answer:
        """Forbidden, or a rate limit."""
        said = (
            "Your team has either used all available credits or reached its monthly spending limit. To continue making"
        )
        return Answer(429, {"code": "Some resource has been exhausted", "error": f"{said} API requests, add credits."})

    def thinks_now(self, body: Body) -> bool:
        """Always."""
        return True

    def usage(self, made: Made) -> dict[str, Any]:
        """The reasoning is no part of the completion."""
        report = super().usage(made)
        ticks = round((made.prompt + made.completion) * 1e-6 * _TICKS)
        text = {**report["prompt_tokens_details"], "text_tokens": made.prompt, "image_tokens": 0}
        return {
            **report, "completion_tokens": made.visible, "prompt_tokens_details": text, "num_sources_used": 0,
            "cost_in_usd_ticks": ticks,
        }  # fmt: skip


WIRES: tuple[type[ChatWire], ...] = (DeepSeek, Moonshot, Xai)
