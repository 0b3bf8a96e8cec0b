"""Google's doors to Gemini that speak OpenAI's format: the API's and Vertex's."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar

from tests.servers.carriers import Carrier, Hidden, Marks
from tests.servers.script import Made, Refuses
from tests.servers.server import Answer, Body
from tests.servers.wire import OPENAI_TAKES, ChatWire

_SHOWN = Marks(opens="<thought>\n", closes="</thought>\n")
_HIDDEN = Hidden()
_FILTER = "content_filter: SAFETY"


class Gemini(ChatWire):
    """Thoughts are counted in the total alone, and shown where `include_thoughts` asks for it."""

    name = "gemini"
    provider = "gemini"
    model = "gemini-2.5-flash"
    served = "gemini-2.5-flash"
    base = "/v1beta/openai"
    takes = (OPENAI_TAKES - {"seed", "user", "logprobs", "top_logprobs"}) | {"extra_body", "reasoning_effort"}
    forms = ("json_schema", "json_object", "tool")
    carrier: ClassVar[Carrier] = _SHOWN
    tells_reasoning = True
    found_window: ClassVar[tuple[int, str]] = (1_048_576, "listed")
    ends: ClassVar[Mapping[str, str]] = {f"finish:{_FILTER}": "withheld", "cut": "broken", "error": "failed"}
    refuses: ClassVar[tuple[Refuses, ...]] = (
        Refuses("fields that it does not know, `seed` among them", {"seed": 3}),
        Refuses("a schema beside `json_object`", {"response_format": {"type": "json_object", "schema": {}}}),
        Refuses("efforts other than none, minimal, low, medium and high", {"reasoning_effort": "xhigh"}),
    )
    told_reasoning = "only in `total_tokens`"
    told_window = "the price list"
    odd = ("errors are a list; a reply that is all thoughts has no content",)

    def error(self, status: int, message: str, **more: Any) -> Answer:
        """A list of one error."""
        return Answer(status, [{"error": {"code": status, "message": message, "status": "INVALID_ARGUMENT", **more}}])

    def unknown(self, names: Sequence[str]) -> Answer:
        """All of them in one text."""
        said = "\n".join(f'Invalid JSON payload received. Unknown name "{name}": Cannot find field.' for name in names)
        return self.error(400, said)

    def dislikes(self, body: Body) -> Iterator[Answer]:
        """Efforts that it does not know."""
        if body.get("reasoning_effort", "none") not in ("none", "minimal", "low", "medium", "high"):
            yield self.error(400, f"Invalid value for reasoning_effort: {body['reasoning_effort']}")

    def bad_form(self, form: str) -> Answer:
        """As any other field."""
        return self.error(400, "Invalid JSON payload received. Unknown name \"schema\" at 'response_format'.")

    def too_long(self, prompt: int, limit: int) -> Answer:
        """The prompt alone is measured."""
        said = f"The input token count ({prompt}) exceeds the maximum number of tokens allowed ({self.window})."
        return self.error(400, said)

    def overflow(self, prompt: int, limit: int) -> Answer | None:
        """The reply has a window of its own."""
        return self.too_long(prompt, limit) if prompt > self.window else None

    def wrong_key(self, key: str) -> Answer:
        """A bad request by its status."""
        return self.error(400, "API key not valid. Please pass a valid API key.")

    def too_many(self, seconds: float) -> Answer:
        """The words of an empty account, and in them how long to wait."""
        said = (
            "You exceeded your current quota, please check your plan and billing details. * Quota exceeded for metric: "
        )
        rest = f"generate_content_free_tier_requests, limit: 10\nPlease retry in {seconds:.6f}s."
        detail = {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": f"{seconds:g}s"}
        return Answer(429, [{"error": {"code": 429, "message": said + rest, "details": [detail]}}])

    def thinks_now(self, body: Body) -> bool:
        """Unless the effort or the budget is none."""
        return body.get("reasoning_effort") != "none" and self.budget(body) != 0

    def budget(self, body: Body) -> int | None:
        """The budget it is told."""
        return _config(body).get("thinking_budget")

    def carried(self, body: Body) -> Carrier:
        """Shown only where it is asked for."""
        return _SHOWN if _config(body).get("include_thoughts") else _HIDDEN

    def usage(self, made: Made) -> dict[str, Any]:
        """The total says more than its parts."""
        total = made.prompt + made.completion
        report: dict[str, Any] = {
            "prompt_tokens": made.prompt,
            "completion_tokens": made.visible,
            "total_tokens": total,
        }
        if made.cached:
            report["prompt_tokens_details"] = {"cached_tokens": made.cached}
        return report

    def message(self, body: Body, made: Made) -> dict[str, Any]:
        """Without a content where there is none."""
        message = super().message(body, made)
        return {name: value for name, value in message.items() if value != ""}

    def events(self, body: Body, made: Made, wants_usage: bool) -> Iterator[Any]:
        """Usage in every event, the last with the reason."""
        shown = list(self.deltas(body, made)) or [{"role": "assistant"}]
        for delta in shown[:-1]:
            yield self.chunk({"role": "assistant", **delta})
        usage = {"usage": self.usage(made)} if wants_usage else {}
        yield self.chunk({"role": "assistant", **shown[-1]}, self.finish(made), **usage)

    def breaks(self) -> Any:
        """With Google's names for statuses."""
        return {"error": {"code": 503, "message": "The model is overloaded.", "status": "UNAVAILABLE"}}


class Vertex(Gemini):
    """The same at an address of one's own project, with names that begin with a publisher."""

    name = "vertex"
    provider = "vertex"
    model = "google/gemini-2.5-flash"
    served = "google/gemini-2.5-flash"
    base = "/v1/projects/p/locations/l/endpoints/openapi"
    told_window = "the price list"


def _config(body: Body) -> Mapping[str, Any]:
    config: Mapping[str, Any] = ((body.get("extra_body") or {}).get("google") or {}).get("thinking_config") or {}
    return config


WIRES: Sequence[type[ChatWire]] = (Gemini, Vertex)
