"""Gateways to other people's models: OpenRouter, and LiteLLM's proxy in front of Claude and of a model of one's own."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar

from tests.servers.anthropic_wires import Claude
from tests.servers.carriers import Carrier, Delta, Details, pieces
from tests.servers.script import Made, Refuses
from tests.servers.server import Answer, Body
from tests.servers.wire import OPENAI_TAKES, ChatWire

_DOLLARS = 1e-6  # for a token
_BUDGETS = {"none": 0, "minimal": 1_024, "low": 1_024, "medium": 2_048, "high": 4_096}  # LiteLLM's, in tokens


class OpenRouter(ChatWire):
    """Comments keep its streams alive, and what a reply costs comes with it."""

    name = "openrouter"
    provider = "openrouter"
    model = "qwen/qwen3-32b"
    served = "qwen/qwen3-32b-04-28"
    base = "/api/v1"
    forms = ("json_object_schema", "json_object", "tool")
    carrier: ClassVar[Carrier] = Details()
    tells_reasoning = True
    found_window: ClassVar[tuple[int, str]] = (32_000, "server")
    ends: ClassVar[Mapping[str, str]] = {
        "finish:content_filter": "withheld", "finish:error": "broken", "cut": "broken", "error": "failed",
    }  # fmt: skip
    refuses: ClassVar[tuple[Refuses, ...]] = (
        Refuses("`json_schema`, where no provider behind it has it (404)",
                {"response_format": {"type": "json_schema", "json_schema": {}}}),
    )  # fmt: skip
    told_reasoning = "`completion_tokens_details.reasoning_tokens`"
    told_cost = "`usage.cost`"
    told_window = "`/models`: `context_length`"
    odd = ("comments between events; `native_finish_reason`; an error has a choice beside it",)

    def tells(self, path: str) -> Any:
        """All models, each with the names it goes by."""
        entry = {"id": self.model, "canonical_slug": self.served, "context_length": self.window}
        other = {"id": "qwen/qwen3-8b", "context_length": 128_000, "top_provider": {"context_length": 64_000}}
        return {"data": [other, entry]} if path == "/api/v1/models" else None

    def error(self, status: int, message: str, **more: Any) -> Answer:
        """An HTTP status for a code."""
        return Answer(status, {"error": {"message": message, "code": status}, "user_id": "user_1"})

    def bad_form(self, form: str) -> Answer:
        """None of the providers behind it has it."""
        said = "No endpoints found that can handle the requested parameters. To learn more about provider routing, "
        return self.error(404, f"{said}visit: https://openrouter.ai/docs/provider-routing")

    def too_long(self, prompt: int, limit: int) -> Answer:
        """Prompt, and reply, and a way to compress."""
        said = f"This endpoint's maximum context length is {self.window} tokens. However, you requested about "
        rest = f"{prompt + limit} tokens ({prompt} of text input, {limit} in the output). Please reduce the length of "
        hint = 'either one, or use the "middle-out" transform to compress your prompt automatically.'
        return self.error(400, said + rest + hint)

    def no_money(self) -> Answer:
        """Its words."""
        said = "Insufficient credits. Add more using https://openrouter.ai/settings/credits"
        return self.error(402, said)

    def thinks_now(self, body: Body) -> bool:
        """`reasoning` has it all."""
        told = body.get("reasoning") or {}
        return bool(told.get("enabled", True)) and told.get("effort") != "none"

    def budget(self, body: Body) -> int | None:
        """Its own name for a budget."""
        return (body.get("reasoning") or {}).get("max_tokens")

    def usage(self, made: Made) -> dict[str, Any]:
        """With the money it takes."""
        cost = (made.prompt + made.completion) * _DOLLARS
        return {
            **super().usage(made),
            "cost": cost,
            "is_byok": False,
            "cost_details": {"upstream_inference_cost": None},
        }

    def events(self, body: Body, made: Made, wants_usage: bool) -> Iterator[Any]:
        """Comments, then events; the reason stands twice."""
        yield ": OPENROUTER PROCESSING\n\n: OPENROUTER PROCESSING\n\n"
        for event in super().events(body, made, True):
            for choice in event["choices"]:
                choice["native_finish_reason"] = choice["finish_reason"] and "STOP"
            yield {"provider": "SomeProvider", **event}

    def breaks(self) -> Any:
        """An error and a choice that ends in it."""
        error = {"code": "server_error", "message": "Provider disconnected unexpectedly"}
        return {**self.chunk({"content": ""}, "error"), "error": error}


class _Blocks(Details):
    """LiteLLM: the text in `reasoning_content`, and again in `thinking_blocks`."""

    told = "fields `reasoning_content` and `thinking_blocks`"

    def __init__(self) -> None:
        """Nothing to set."""

    def message(self, thoughts: str, text: str) -> Delta:
        """All of it."""
        return {"content": text, **(self._shown(thoughts) if thoughts else {})}

    def deltas(self, thoughts: str, text: str) -> Iterator[Delta]:
        """One after the other."""
        for piece in pieces(thoughts):
            yield {"content": "", **self._shown(piece)}
        for piece in pieces(text):
            yield {"content": piece}

    def _shown(self, piece: str) -> Delta:
        return {"reasoning_content": piece, "thinking_blocks": [{"type": "thinking", "thinking": piece}]}


class LiteLlm(Claude):
    """LiteLLM's proxy in front of Claude: OpenAI's format outside, Anthropic's rules and counts inside."""

    name = "litellm"
    provider = "litellm"
    model = "claude"  # as the proxy's own file calls it
    served = "claude-sonnet-4-5"
    takes = (OPENAI_TAKES - {"seed", "response_format"}) | {"thinking", "reasoning_effort"}
    forms = ("tool",)
    carrier: ClassVar[Carrier] = _Blocks()
    tells_reasoning = True
    asks_to_think = None
    found_window: ClassVar[tuple[int, str]] = (8_192, "assumed")
    ends: ClassVar[Mapping[str, str]] = {"finish:content_filter": "withheld", "cut": "broken", "error": "failed"}
    refuses: ClassVar[tuple[Refuses, ...]] = (
        Refuses("what the model behind it has no word for: `seed`, `response_format`", {"seed": 3}),
        Refuses("efforts that it has no budget for", {"reasoning_effort": "xhigh"}),
    )
    told_cached = "`cache_read_input_tokens`, `cache_creation_input_tokens` (inside of `prompt_tokens`)"
    told_reasoning = "`completion_tokens_details.reasoning_tokens`"
    told_cost = "`usage.cost`, where the proxy is set to tell it"
    told_window = "nobody tells: give `window`"
    odd = ("the words of the provider behind it, as text inside its own",)
    marks_end = True
    line_end = "\n"

    @property
    def chat_path(self) -> str:
        """OpenAI's."""
        return "/v1/chat/completions"

    def tells(self, path: str) -> Any:
        """Names, and no more."""
        return {"object": "list", "data": [{"id": self.model, "object": "model"}]} if path == "/v1/models" else None

    def key_in(self, headers: Mapping[str, str]) -> str:
        """The proxy's own key."""
        return ChatWire.key_in(self, headers)

    def wrong_key(self, key: str) -> Answer:
        """With the key in it."""
        said = f"Authentication Error, Invalid proxy server token passed. Received API Key = {key}"
        return Answer(401, {"error": {"message": said, "type": "token_not_found_in_db", "param": "key", "code": "401"}})

    def error(self, status: int, message: str, **more: Any) -> Answer:
        """Anthropic's error as text inside one of LiteLLM's."""
        inner = json.dumps(super().error(status, message).value)
        kind = "ContextWindowExceededError: litellm.BadRequestError" if "too long" in message else "BadRequestError"
        said = f"litellm.{kind}: AnthropicException - {inner}. Received Model Group=claude\nAvailable Model Group "
        words = {"message": f"{said}Fallbacks=None", "type": "None", "param": "None", "code": str(status)}
        return Answer(status, {"error": words})

    def unknown(self, names: Sequence[str]) -> Answer:
        """All of them, and how to have them dropped."""
        said = f"litellm.UnsupportedParamsError: anthropic does not support parameters: {sorted(names)}, for model="
        hint = f"{self.served}. To drop these, set `litellm.drop_params=True` or for proxy: `litellm_settings:` "
        return Answer(400, {"error": {"message": said + hint, "type": "None", "param": "None", "code": "400"}})

    def dislikes(self, body: Body) -> Iterator[Answer]:
        """An effort becomes a budget, and the rest is Anthropic's to say."""
        if body.get("reasoning_effort", "none") not in _BUDGETS:
            said = f"litellm.APIConnectionError: Unmapped reasoning effort: {body['reasoning_effort']}"
            yield Answer(500, {"error": {"message": said, "type": None, "param": None, "code": "500"}})
        yield from super().dislikes(_with_budget(body))

    def thinks_now(self, body: Body) -> bool:
        """By an effort, too."""
        return super().thinks_now(_with_budget(body))

    def budget(self, body: Body) -> int | None:
        """By an effort, too."""
        return super().budget(_with_budget(body))

    def usage(self, made: Made) -> dict[str, Any]:
        """Whole counts under OpenAI's names, and what the cache did under Anthropic's."""
        return {
            **ChatWire.usage(self, made),
            "cache_creation_input_tokens": made.written,
            "cache_read_input_tokens": made.cached,
            "cost": (made.prompt + made.completion) * _DOLLARS,
        }

    def whole(self, body: Body, made: Made) -> dict[str, Any]:
        """OpenAI's."""
        return ChatWire.whole(self, body, made)

    def events(self, body: Body, made: Made, wants_usage: bool) -> Iterator[Any]:
        """OpenAI's."""
        return ChatWire.events(self, body, made, wants_usage)

    def breaks(self) -> Any:
        """A text for a code."""
        said = "litellm.APIError: APIError: AnthropicException - Overloaded"
        return {"error": {"message": said, "type": "None", "param": "None", "code": "500"}}


def _with_budget(body: Body) -> Body:
    budget = _BUDGETS.get(body.get("reasoning_effort", "none"))
    return {**body, "thinking": {"type": "enabled", "budget_tokens": budget}} if budget else body


WIRES: Sequence[type[ChatWire]] = (OpenRouter, LiteLlm)
