"""Servers of one's own: vLLM with and without a reasoning parser, SGLang, and TGI."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar

from tests.servers.carriers import Carrier, Field, Marks, pieces
from tests.servers.script import Made, Refuses, form_of, tokens
from tests.servers.server import Answer, Body
from tests.servers.wire import ChatWire

_TEMPLATE = 5  # tokens that a chat template adds to a message


class OwnServer(ChatWire):
    """A server without a key, which ignores fields that it does not know, and whose chat template is told to think."""

    thinks_unasked = True
    ends: ClassVar[Mapping[str, str]] = {"cut": "broken", "error": "failed", "finish:abort": "broken"}

    def has_key(self, headers: Mapping[str, str]) -> bool:
        """It wants none."""
        return True

    def thinks_now(self, body: Body) -> bool:
        """Templates have a switch, under the one name or the other."""
        told = body.get("chat_template_kwargs") or {}
        return bool(told.get("enable_thinking", True) and told.get("thinking", True))


class Vllm(OwnServer):
    """vLLM with a reasoning parser, as it was until version 0.11, started with a key."""

    name = "vllm"
    provider = "vllm"
    model = "Qwen/Qwen3-8B"
    served = "Qwen/Qwen3-8B"
    forms: ClassVar[tuple[str, ...]] = ("json_schema", "json_object", "guided_json", "tool")
    found_window: ClassVar[tuple[int, str]] = (32_000, "server")
    refuses: ClassVar[tuple[Refuses, ...]] = (
        Refuses("a prompt that leaves less of the window than `max_tokens`", {"max_tokens": 40_000}),
    )
    told_window = "`/models`: `max_model_len`"
    odd = ("with `continuous_usage_stats` every event tells the tokens so far",)

    def has_key(self, headers: Mapping[str, str]) -> bool:
        """`--api-key`."""
        return ChatWire.has_key(self, headers)

    def tells(self, path: str) -> Any:
        """Its models, with their windows."""
        entry = {"id": self.model, "object": "model", "root": self.model, "max_model_len": self.window}
        return {"object": "list", "data": [entry]} if path == "/v1/models" else None

    def beside(self, path: str, body: Body) -> Answer | None:
        """`/tokenize`, of a text and of messages."""
        if path != "/tokenize":
            return None
        if "messages" in body:
            count = sum(_TEMPLATE + tokens(message["content"]) for message in body["messages"])
            return Answer(value={"count": count, "max_model_len": self.window})
        return Answer(value={"count": tokens(body["prompt"]), "max_model_len": self.window})

    def prompt_tokens(self, body: Body) -> int:
        """As `/tokenize` counts them."""
        return sum(_TEMPLATE + tokens(message["content"]) for message in body["messages"])

    def error(self, status: int, message: str, **more: Any) -> Answer:
        """Errors with an HTTP status in them."""
        return Answer(status, {"error": {"message": message, "type": "BadRequestError", "param": None, "code": status}})

    def wrong_key(self, key: str) -> Answer:
        """One word."""
        return Answer(401, {"error": "Unauthorized"})

    def too_long(self, prompt: int, limit: int) -> Answer:
        """The words of version 0.11 and later; where the prompt fits alone, those of the limit."""
        if prompt < self.window:
            left = self.window - prompt
            said = f"'max_tokens' or 'max_completion_tokens' is too large: {limit}. This model's maximum context length"
            rest = f" is {self.window} tokens and your request has {prompt} input tokens ({limit} > {self.window} - "
            return self.error(400, f"{said}{rest}{prompt}). (parameter=max_tokens, value={limit})", left=left)
        said = f"You passed {prompt} input tokens and requested {limit} output tokens. However, the model's context "
        rest = f"length is only {self.window} tokens, resulting in a maximum input length of {self.window - limit} "
        hint = f"tokens. Please reduce the length of the input prompt. (parameter=input_tokens, value={prompt})"
        return self.error(400, said + rest + hint)

    def events(self, body: Body, made: Made, wants_usage: bool) -> Iterator[Any]:
        """The tokens so far in every event, where it is told to."""
        continuous = bool((body.get("stream_options") or {}).get("continuous_usage_stats"))
        shown = 0
        for event in super().events(body, made, wants_usage):
            if continuous and event["choices"]:
                delta = event["choices"][0]["delta"]
                shown += sum(tokens(text) for name, text in delta.items() if isinstance(text, str) and name != "role")
                so_far = {"prompt_tokens": made.prompt, "total_tokens": made.prompt + shown, "completion_tokens": shown}
                event = {**event, "usage": so_far}
            yield event


class VllmNewer(Vllm):
    """vLLM from version 0.12 on calls the field by another name."""

    name = "vllm-newer"
    carrier: ClassVar[Carrier] = Field("reasoning")
    forms = ("json_schema", "json_object", "tool")

    def too_long(self, prompt: int, limit: int) -> Answer:
        """Words of a version that counts what is left."""
        said = f"max_tokens must be at least 1, got {self.window - prompt}."
        return self.error(400, said) if prompt >= self.window else super().too_long(prompt, limit)


class VllmUnparsed(Vllm):
    """vLLM without a reasoning parser: thoughts stand in the text."""

    name = "vllm-unparsed"
    carrier: ClassVar[Carrier] = Marks()

    def too_long(self, prompt: int, limit: int) -> Answer:
        """The words of versions before 0.11."""
        said = f"This model's maximum context length is {self.window} tokens. However, you requested {prompt + limit} "
        rest = f"tokens ({prompt} in the messages, {limit} in the completion). Please reduce the length of the messages"
        message = f"{said}{rest} or completion."
        return Answer(400, {"object": "error", "message": message, "type": "BadRequestError", "code": 400})


class Sglang(OwnServer):
    """SGLang with a reasoning parser."""

    name = "sglang"
    provider = "sglang"
    model = "Qwen/Qwen3-8B"
    served = "Qwen/Qwen3-8B"
    forms = ("json_schema", "json_object", "tool")
    tells_cached = False
    found_window: ClassVar[tuple[int, str]] = (32_000, "server")
    tells_reasoning = True
    told_cached = "nothing, unless started with `--enable-cache-report`"
    told_reasoning = "`reasoning_tokens`"
    told_window = "`/models`: `max_model_len`"
    refuses: ClassVar[tuple[Refuses, ...]] = (Refuses("a prompt and a limit over the window", {"max_tokens": 40_000}),)

    def tells(self, path: str) -> Any:
        """Its models, with their windows."""
        entry = {"id": self.model, "object": "model", "owned_by": "sglang", "max_model_len": self.window}
        return {"object": "list", "data": [entry]} if path == "/v1/models" else None

    def error(self, status: int, message: str, **more: Any) -> Answer:
        """An error that is not in a field of that name."""
        return Answer(status, {"object": "error", "message": message, "type": "BadRequestError", "code": status})

    def too_long(self, prompt: int, limit: int) -> Answer:
        """Two forms of words."""
        if prompt > self.window:
            said = f"The input ({prompt} tokens) is longer than the model's context length ({self.window} tokens)."
            return self.error(400, said)
        said = (
            f"Requested token count exceeds the model's maximum context length of {self.window} tokens. You requested"
        )
        rest = (
            f" a total of {prompt + limit} tokens: {prompt} tokens from the input messages and {limit} tokens for the"
        )
        hint = " completion. Please reduce the number of tokens in the input messages or the completion to fit within."
        return self.error(400, said + rest + hint)

    def usage(self, made: Made) -> dict[str, Any]:
        """Reasoning tokens beside the others."""
        return {**super().usage(made), "prompt_tokens_details": None, "reasoning_tokens": made.thinking}


class SglangUnparsed(Sglang):
    """SGLang without a parser, and a template that opens the thoughts itself: the reply only closes them."""

    name = "sglang-unparsed"
    model = "deepseek-ai/DeepSeek-R1"
    served = "deepseek-ai/DeepSeek-R1"
    carrier: ClassVar[Carrier] = Marks(opened=True)
    tells_reasoning = False
    told_reasoning = ""

    odd = ("without a parser, thoughts that the template opens and the limit cuts look like an answer that is cut",)

    def usage(self, made: Made) -> dict[str, Any]:
        """Nobody has counted the thoughts."""
        return {**super().usage(made), "reasoning_tokens": 0}


class Tgi(OwnServer):
    """Text Generation Inference 2, without a reasoning parser. What it has against a stream, it says in the stream."""

    name = "tgi"
    provider = "tgi"
    model = "tgi"
    served = "Qwen/QwQ-32B"
    forms = ("tool",)
    carrier: ClassVar[Carrier] = Marks()
    can_stop_thinking = False
    tells_cached = False
    always: ClassVar[Body] = {"temperature": 0.5}
    found_window: ClassVar[tuple[int, str]] = (31_999, "server")
    told_cached = "nothing"
    told_window = "`/info`: `max_input_tokens`, `max_total_tokens`"
    refuses: ClassVar[tuple[Refuses, ...]] = (
        Refuses("a temperature of 0", {"temperature": 0.0}),
        Refuses("`top_p: 1`", {"top_p": 1.0}),
        Refuses("`json_schema` (version 2)", {"response_format": {"type": "json_schema", "json_schema": {}}}),
    )
    odd = ("refusals of a stream come inside of it, with status 200", "`eos_token` for the end of a reply")

    def thinks_now(self, body: Body) -> bool:
        """It knows no switch."""
        return True

    def tells(self, path: str) -> Any:
        """What it is started with."""
        limits = {"max_input_tokens": self.window - 1, "max_total_tokens": self.window}
        return {"model_id": self.served, "version": "2.4.1", **limits} if path == "/info" else None

    def error(self, status: int, message: str, **more: Any) -> Answer:
        """A text and its type."""
        kind = {"error": f"Input validation error: {message}", "error_type": "validation"}
        return Answer(status, kind)

    def dislikes(self, body: Body) -> Iterator[Answer]:
        """Values at the ends of their ranges."""
        if body.get("temperature", 1) <= 0:
            yield self.error(422, "`temperature` must be strictly positive")
        if not 0 < body.get("top_p", 0.5) < 1:
            yield self.error(422, "`top_p` must be > 0.0 and < 1.0")

    def bad_form(self, form: str) -> Answer:
        """The parser's words, as plain text and not JSON."""
        said = "Failed to deserialize the JSON body into the target type: response_format: "
        rest = f"unknown variant `{form}`, expected one of `json`, `json_object`, `regex` at line 1 column 211"
        if form != "json_schema":
            rest = "missing field `value` at line 1 column 211"
        return Answer(422, said + rest, content_type="text/plain; charset=utf-8")

    def too_long(self, prompt: int, limit: int) -> Answer:
        """In its own names for both."""
        said = f"`inputs` tokens + `max_new_tokens` must be <= {self.window}. Given: {prompt} `inputs` tokens and "
        if prompt >= self.window:
            return self.error(422, f"`inputs` must have less than {self.window - 1} tokens. Given: {prompt}")
        return self.error(422, f"{said}{limit} `max_new_tokens`")

    def post(self, path: str, body: Body, headers: Mapping[str, str]) -> Answer:
        """Validation is part of the stream."""
        answer = super().post(path, body, headers)
        if body.get("stream") and answer.status == 422 and isinstance(answer.value, dict):
            return Answer(pieces=[f"data:{json.dumps(answer.value)}\n\n".encode()], content_type="text/event-stream")
        return answer

    def finish(self, made: Made) -> str:
        """Its own word for the end."""
        return "eos_token" if made.finish == "stop" else made.finish

    def deltas(self, body: Body, made: Made) -> Iterator[dict[str, Any]]:
        """A tool's call is no list here."""
        if form_of(body) != "tool":
            yield from super().deltas(body, made)
            return
        for piece in pieces(made.text):
            call = {"index": 0, "id": "", "type": "function", "function": {"name": "reply", "arguments": piece}}
            yield {"role": "assistant", "tool_calls": call}

    def message(self, body: Body, made: Made) -> dict[str, Any]:
        """Whole arguments are an object."""
        message = super().message(body, made)
        for call in message.get("tool_calls") or ():
            call["function"]["arguments"] = json.loads(call["function"]["arguments"])
        return message


WIRES: Sequence[type[ChatWire]] = (Vllm, VllmNewer, VllmUnparsed, Sglang, SglangUnparsed, Tgi)
