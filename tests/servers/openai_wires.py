"""OpenAI's chat completions, of models that think and of one that does not, and Azure's door to the same."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar

from tests.servers.carriers import Carrier, Hidden
from tests.servers.script import Made, Refuses
from tests.servers.server import Answer, Body
from tests.servers.wire import OPENAI_TAKES, ChatWire

_MOST = 16_384
_ENDS = {"finish:content_filter": "withheld", "refusal": "refused", "cut": "broken", "error": "failed"}


class OpenAi(ChatWire):
    """A model that does not think."""

    name = "openai"
    provider = "openai"
    model = "gpt-4o-mini"
    served = "gpt-4o-mini-2024-07-18"
    takes: ClassVar[frozenset[str] | None] = OPENAI_TAKES | {"prompt_cache_key", "service_tier", "store", "metadata"}
    forms = ("json_schema", "json_object", "tool")
    carrier: ClassVar[Carrier] = Hidden()
    thinks = False
    tells_reasoning = True
    found_window: ClassVar[tuple[int, str]] = (128_000, "listed")
    ends: ClassVar[Mapping[str, str]] = _ENDS
    refuses: ClassVar[tuple[Refuses, ...]] = (
        Refuses("fields that it does not know", {"reasoning_effort": "low"}),
        Refuses("a schema beside `json_object`", {"response_format": {"type": "json_object", "schema": {}}}),
        Refuses(f"more than {_MOST:,} reply tokens (by model)", {"max_completion_tokens": 20_000}),
        Refuses("`stream_options` without a stream", {"stream": False, "stream_options": {"include_usage": True}}),
    )
    told_reasoning = "`completion_tokens_details.reasoning_tokens`"
    told_window = "the price list"
    odd = ("the usage comes last, in an event without a choice",)

    def dislikes(self, body: Body) -> Iterator[Answer]:
        """Limits above the model's own, and options of streams where there is none."""
        if self.limit(body) > _MOST:
            said = f"This model supports at most {_MOST} completion tokens, whereas you provided {self.limit(body)}."
            name = "max_completion_tokens" if "max_completion_tokens" in body else "max_tokens"
            yield self.error(400, f"{name} is too large: {self.limit(body)}. {said}", param=name, code="invalid_value")
        if body.get("stream_options") and not body.get("stream"):
            yield self.error(400, "The 'stream_options' parameter is only allowed when 'stream' is enabled.")

    def bad_form(self, form: str) -> Answer:
        """JSON mode knows no schema."""
        said = "Unknown parameter: 'response_format.schema'."
        return self.error(400, said, param="response_format.schema", code="unknown_parameter")

    def too_long(self, prompt: int, limit: int) -> Answer:
        """The prompt alone is measured."""
        said = f"This model's maximum context length is {self.window} tokens. However, your messages resulted in "
        hint = f"{prompt} tokens. Please reduce the length of the messages."
        return self.error(400, said + hint, param="messages", code="context_length_exceeded")

    def overflow(self, prompt: int, limit: int) -> Answer | None:
        """Whatever the limit, a prompt may fill the window; the reply then has what is left."""
        return self.too_long(prompt, limit) if prompt >= self.window else None

    def wrong_key(self, key: str) -> Answer:
        """The words hold what was sent."""
        said = f"Incorrect API key provided: {key}. You can find your API key at https://platform.openai.com."
        return self.error(401, said, code="invalid_api_key")

    def no_money(self) -> Answer:
        """A rate limit by its status, an empty account by its code."""
        said = "You exceeded your current quota, please check your plan and billing details."
        return self.error(429, said, type="insufficient_quota", code="insufficient_quota")

    def request_too_large(self) -> Answer:
        """A request that is larger than a minute's share."""
        said = f"Request too large for {self.model} in organization org-1 on tokens per min (TPM): Limit 30000, "
        rest = "Requested 51000. The input or output tokens must be reduced in order to run successfully."
        return self.error(429, said + rest, type="tokens", code="rate_limit_exceeded")

    def too_many(self, seconds: float) -> Answer:
        """The wait in words and in headers of its own."""
        said = f"Rate limit reached for {self.model} on requests per min (RPM): Limit 3, Used 3, Requested 1. "
        words = self.error(429, f"{said}Please try again in {seconds * 1000:g}ms.", type="requests").value
        headers = {"retry-after-ms": f"{seconds * 1000:g}", "x-ratelimit-remaining-requests": "0"}
        return Answer(429, words, headers=headers)

    def chunk(self, delta: Mapping[str, Any], finish: str | None = None, **more: Any) -> dict[str, Any]:
        """Every event has a usage of null and letters that hide its length."""
        return super().chunk(delta, finish, usage=None, obfuscation="xY3", service_tier="default", **more)


class OpenAiThinking(OpenAi):
    """A model that always thinks, and keeps its thoughts to itself."""

    name = "openai-thinking"
    model = "gpt-5-mini"
    served = "gpt-5-mini-2025-08-07"
    limit_name = "max_completion_tokens"
    takes = (OpenAi.takes or frozenset()) | {"reasoning_effort", "verbosity"}
    thinks = True
    found_window = (400_000, "listed")
    refuses: ClassVar[tuple[Refuses, ...]] = (
        Refuses("`max_tokens` (it wants `max_completion_tokens`)", {"max_tokens": 9}),
        Refuses("a temperature other than 1", {"temperature": 0.0}),
        Refuses("`top_p`", {"top_p": 0.9}),
        Refuses("`reasoning_effort: none` (`minimal` is its least)", {"reasoning_effort": "none"}),
    )

    def dislikes(self, body: Body) -> Iterator[Answer]:
        """Everything that has to do with sampling."""
        if "max_tokens" in body:
            said = "Unsupported parameter: 'max_tokens' is not supported with this model. "
            hint = "Use 'max_completion_tokens' instead."
            yield self.error(400, said + hint, param="max_tokens", code="unsupported_parameter")
        if body.get("temperature", 1) != 1:
            said = f"Unsupported value: 'temperature' does not support {body['temperature']} with this model. "
            hint = "Only the default (1) value is supported."
            yield self.error(400, said + hint, param="temperature", code="unsupported_value")
        if "top_p" in body:
            said = "Unsupported parameter: 'top_p' is not supported with this model."
            yield self.error(400, said, param="top_p", code="unsupported_parameter")
        if body.get("reasoning_effort", "low") not in ("minimal", "low", "medium", "high"):
            said = f"Unsupported value: 'reasoning_effort' does not support '{body['reasoning_effort']}' with this "
            hint = "model. Supported values are: 'minimal', 'low', 'medium', and 'high'."
            yield self.error(400, said + hint, param="reasoning_effort", code="unsupported_value")

    def too_long(self, prompt: int, limit: int) -> Answer:
        """Newer words; what is kept for the reply has a limit of its own."""
        said = f"Input tokens exceed the configured limit of {self.window} tokens. Your messages resulted in {prompt} "
        said += "tokens. "
        return self.error(400, f"{said}Please reduce the length of the messages.", code="context_length_exceeded")

    def thinks_now(self, body: Body) -> bool:
        """At the least effort it does not."""
        return body.get("reasoning_effort") != "minimal"


class OpenAiUnverified(OpenAiThinking):
    """The same model for an organisation that OpenAI has not verified."""

    name = "openai-unverified"
    refuses_streams = True
    refuses = (Refuses("streams, for organisations that are not verified", {"stream": True}),)
    ends: ClassVar[Mapping[str, str]] = {end: kind for end, kind in _ENDS.items() if end not in ("cut", "error")}

    def dislikes(self, body: Body) -> Iterator[Answer]:
        """Streams, too."""
        if body.get("stream"):
            said = "Your organization must be verified to stream this model. Please go to: "
            hint = "https://platform.openai.com/settings/organization/general and click on Verify Organization."
            yield self.error(400, said + hint, param="stream", code="unsupported_value")
        yield from super().dislikes(body)


class Azure(OpenAiThinking):
    """An address for each deployment, a header of its own for the key, and a filter that says what it found."""

    name = "azure"
    provider = "azure"
    model = "my-deployment"
    base = ""
    found_window = (128_000, "assumed")
    told_window = "nobody tells: give `window`"
    ends: ClassVar[Mapping[str, str]] = {**_ENDS, "filtered": "withheld"}
    odd = ("the first event has no choice, no model and a filter's findings",)

    @property
    def chat_path(self) -> str:
        """With the deployment and the API's version in it."""
        return f"/openai/deployments/{self.model}/chat/completions?api-version=2024-10-21"

    def key_in(self, headers: Mapping[str, str]) -> str:
        """Not where others have it."""
        return headers.get("api-key", "")

    def wrong_key(self, key: str) -> Answer:
        """Its words name no key."""
        said = f"Access denied due to invalid subscription key {key} or wrong API endpoint."
        return Answer(401, {"error": {"code": "401", "message": said}})

    def too_many(self, seconds: float) -> Answer:
        """The wait in words and in a header."""
        said = (
            "Requests to the ChatCompletions_Create Operation under Azure OpenAI API version 2024-10-21 have exceeded "
        )
        rest = "token rate limit of your current OpenAI S0 pricing tier. Please retry after 1 second."
        return Answer(429, {"error": {"code": "429", "message": said + rest}}, headers={"Retry-After": f"{seconds:g}"})

    def filtered(self) -> Answer:
        """The filter has read the prompt."""
        said = (
            "The response was filtered due to the prompt triggering Azure OpenAI's content management policy. Please "
        )
        rest = "modify your prompt and retry."
        found = {"code": "ResponsibleAIPolicyViolation", "content_filter_result": {"hate": {"filtered": True}}}
        return self.error(400, said + rest, param="prompt", code="content_filter", innererror=found)

    def events(self, body: Body, made: Made, wants_usage: bool) -> Iterator[Any]:
        """What the filter says of the prompt comes first."""
        found = {"prompt_index": 0, "content_filter_results": {"hate": {"filtered": False, "severity": "safe"}}}
        yield {"choices": [], "created": 0, "id": "", "model": "", "object": "", "prompt_filter_results": [found]}
        yield from super().events(body, made, wants_usage)


WIRES: Sequence[type[ChatWire]] = (OpenAi, OpenAiThinking, OpenAiUnverified, Azure)
