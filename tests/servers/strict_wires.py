"""Mistral and Groq: OpenAI's format with strict lists of the fields they know."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar

from tests.servers.carriers import Carrier, Field, Marks, Parts
from tests.servers.script import Made, Refuses
from tests.servers.server import Answer, Body
from tests.servers.wire import OPENAI_TAKES, ChatWire

_TAG = Marks()
_PARSED = Field("reasoning")


class Mistral(ChatWire):
    """Thoughts are parts of the content. The seed is called `random_seed`."""

    name = "mistral"
    provider = "mistral"
    model = "mistral-small-latest"
    served = "mistral-small-latest"
    takes = (OPENAI_TAKES - {"seed", "stream_options", "max_completion_tokens", "user", "logprobs", "top_logprobs"}) | {
        "random_seed", "reasoning_effort", "prompt_mode", "safe_prompt",
    }  # fmt: skip
    forms = ("json_schema", "json_object", "tool")
    carrier: ClassVar[Carrier] = Parts()
    thinks_unasked = False
    asks_to_think: ClassVar[Body | None] = {"reasoning_effort": "high"}
    tells_cached = False
    found_window: ClassVar[tuple[int, str]] = (32_000, "server")
    ends: ClassVar[Mapping[str, str]] = {
        "finish:model_length": "cut", "finish:error": "broken", "cut": "broken", "error": "failed",
    }  # fmt: skip
    refuses: ClassVar[tuple[Refuses, ...]] = (
        Refuses("fields that it does not know: `seed`, `stream_options`, `max_completion_tokens`", {"seed": 3}),
        Refuses("`prompt_mode`", {"prompt_mode": "reasoning"}),
        Refuses("efforts other than high and none", {"reasoning_effort": "low"}),
        Refuses("a schema beside `json_object`", {"response_format": {"type": "json_object", "schema": {}}}),
    )
    told_cached = "nothing"
    told_window = "`/models`: `max_context_length`"
    odd = ("the usage stands in the last event with a choice, asked for or not",)

    def tells(self, path: str) -> Any:
        """Its models, with their windows."""
        entry = {"id": self.model, "object": "model", "max_context_length": self.window, "capabilities": {}}
        return {"object": "list", "data": [entry]} if path == "/v1/models" else None

    def error(self, status: int, message: str, **more: Any) -> Answer:
        """A code in figures."""
        value = {"object": "error", "message": message, "type": "invalid_request_error", "code": "3051", **more}
        return Answer(status, value)

    def unknown(self, names: Sequence[str]) -> Answer:
        """pydantic's list."""
        return self._forbidden([["body", name] for name in names])

    def _forbidden(self, places: Sequence[Sequence[str]]) -> Answer:
        found = [{"type": "extra_forbidden", "loc": place, "msg": "Extra inputs are not permitted"} for place in places]
        value = {"object": "error", "message": {"detail": found}, "type": "invalid_request_error", "code": None}
        return Answer(422, value)

    def bad_form(self, form: str) -> Answer:
        """As any other field."""
        return self._forbidden([["body", "response_format", "schema"]])

    def dislikes(self, body: Body) -> Iterator[Answer]:
        """Efforts, and a mode of its other API."""
        if "prompt_mode" in body:
            yield self.error(400, "Reasoning prompt mode is not enabled for this model")
        if body.get("reasoning_effort", "none") not in ("high", "none"):
            found = [{"type": "enum", "loc": ["body", "reasoning_effort"], "msg": "Input should be 'high' or 'none'"}]
            yield Answer(422, {"object": "error", "message": {"detail": found}, "type": "invalid_request_error"})

    def too_long(self, prompt: int, limit: int) -> Answer:
        """With draft tokens."""
        said = f"Prompt contains {prompt} tokens and 0 draft tokens, too large for model with {self.window} maximum "
        return self.error(400, f"{said}context length", type="invalid_request_prompt_too_large")

    def overflow(self, prompt: int, limit: int) -> Answer | None:
        """The prompt alone is measured."""
        return self.too_long(prompt, limit) if prompt >= self.window else None

    def wrong_key(self, key: str) -> Answer:
        """One word."""
        return Answer(401, {"detail": "Unauthorized"})

    def too_many(self, seconds: float) -> Answer:
        """Without a wait."""
        return Answer(429, {"object": "error", "message": "Requests rate limit exceeded", "type": "rate_limited"})

    def thinks_now(self, body: Body) -> bool:
        """By an effort."""
        return body.get("reasoning_effort") == "high"

    def events(self, body: Body, made: Made, wants_usage: bool) -> Iterator[Any]:
        """The last choice has the usage beside it."""
        *shown, last = super().events(body, made, False)
        yield from shown
        yield {**last, "usage": self.usage(made)}


class Groq(ChatWire):
    """What a stream used stands in an extension of its own; thoughts stand in the text unless asked for elsewhere."""

    name = "groq"
    provider = "groq"
    model = "qwen/qwen3-32b"
    served = "qwen/qwen3-32b"
    base = "/openai/v1"
    takes = OPENAI_TAKES | {"reasoning_effort", "reasoning_format", "service_tier"}
    forms = ("json_object", "tool")
    carrier: ClassVar[Carrier] = _PARSED
    tells_cached = False
    found_window: ClassVar[tuple[int, str]] = (32_000, "server")
    ends: ClassVar[Mapping[str, str]] = {"cut": "broken", "error": "failed"}
    refuses: ClassVar[tuple[Refuses, ...]] = (
        Refuses("fields that it does not know", {"chat_template_kwargs": {}}),
        Refuses("`json_schema` (most models)", {"response_format": {"type": "json_schema", "json_schema": {}}}),
        Refuses("a schema beside `json_object`", {"response_format": {"type": "json_object", "schema": {}}}),
        Refuses("efforts of other models (Qwen knows none and default)", {"reasoning_effort": "low"}),
    )
    told_cached = "nothing, for most models"
    told_window = "`/models`: `context_window`"
    odd = ("the usage of a stream stands in `x_groq` of its last event",)

    def tells(self, path: str) -> Any:
        """Its models, with their windows."""
        entry = {"id": self.model, "object": "model", "active": True, "context_window": self.window}
        return {"object": "list", "data": [entry]} if path == "/openai/v1/models" else None

    def unknown(self, names: Sequence[str]) -> Answer:
        """One at a time."""
        return self.error(400, f"property '{names[0]}' is unsupported")

    def bad_form(self, form: str) -> Answer:
        """By model, or by field."""
        if form == "json_schema":
            said = "This model does not support response format `json_schema`. See supported models at "
            return self.error(400, f"{said}https://console.groq.com/docs/structured-outputs#supported-models")
        return self.error(400, "'response_format' : property 'schema' is unsupported")

    def dislikes(self, body: Body) -> Iterator[Answer]:
        """Another family's efforts."""
        if body.get("reasoning_effort", "none") not in ("none", "default"):
            yield self.error(400, "`reasoning_effort` must be one of `none` or `default`")

    def too_long(self, prompt: int, limit: int) -> Answer:
        """Of the prompt alone."""
        said = "Please reduce the length of the messages or completion. Current length is "
        rest = f"{prompt} while limit is {self.window}"
        return self.error(400, said + rest, param="messages", code="context_length_exceeded")

    def overflow(self, prompt: int, limit: int) -> Answer | None:
        """The prompt alone is measured."""
        return self.too_long(prompt, limit) if prompt >= self.window else None

    def wrong_key(self, key: str) -> Answer:
        """Without the key."""
        return self.error(401, "Invalid API Key", code="invalid_api_key")

    def request_too_large(self) -> Answer:
        """A request that is larger than a minute's share, by a status of its own."""
        said = f"Request too large for model `{self.model}` in organization `org_1` service tier `on_demand` on tokens "
        rest = "per minute (TPM): Limit 6000, Requested 9012, please reduce your message size and try again."
        return self.error(413, said + rest, type="tokens", code="rate_limit_exceeded")

    def carried(self, body: Body) -> Carrier:
        """In a field, where the request says so."""
        return _PARSED if body.get("reasoning_format") == "parsed" else _TAG

    def thinks_now(self, body: Body) -> bool:
        """By an effort."""
        return body.get("reasoning_effort") != "none"

    def usage(self, made: Made) -> dict[str, Any]:
        """With times."""
        return {
            **super().usage(made),
            "queue_time": 0.01,
            "prompt_time": 0.1,
            "completion_time": 0.2,
            "total_time": 0.3,
        }

    def events(self, body: Body, made: Made, wants_usage: bool) -> Iterator[Any]:
        """An extension first and last."""
        *shown, last = super().events(body, made, False)
        yield {**shown[0], "x_groq": {"id": "req_1"}}
        yield from shown[1:]
        yield {**last, "x_groq": {"id": "req_1", "usage": self.usage(made)}}


WIRES: Sequence[type[ChatWire]] = (Mistral, Groq)
