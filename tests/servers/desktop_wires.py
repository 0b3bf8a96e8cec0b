"""Servers on one's desk: Ollama, llama.cpp, LM Studio, llama-cpp-python, and one that passes channels on unread."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar

from tests.servers.carriers import Carrier, Delta, Field, Marks, pieces
from tests.servers.local_wires import OwnServer
from tests.servers.script import Made, Refuses, form_of, tokens
from tests.servers.server import Answer, Body
from tests.servers.wire import ChatWire


class Ollama(OwnServer):
    """Ollama's OpenAI door. It cuts a prompt that is over its context, and says nothing of it."""

    name = "ollama"
    provider = "ollama"
    model = "qwen3:8b"
    served = "qwen3:8b"
    forms = ("json_schema", "json_object_schema", "json_object", "tool")
    carrier: ClassVar[Carrier] = Field("reasoning", empty="")
    tells_cached = False
    window = 32_000
    found_window: ClassVar[tuple[int, str]] = (32_000, "server")
    cuts = True
    told_cached = "nothing"
    told_window = "`/api/ps` once the model is loaded, before that `num_ctx` of `/api/show`"
    refuses: ClassVar[tuple[Refuses, ...]] = (
        Refuses("efforts other than none, low, medium and high", {"reasoning_effort": "minimal"}),
    )
    odd = ("a prompt over the context is cut without a word",)

    def tells(self, path: str) -> Any:
        """What is loaded."""
        loaded = {"name": self.model, "model": self.model, "context_length": self.window}
        return {"models": [loaded]} if path == "/api/ps" else super().tells(path)

    def dislikes(self, body: Body) -> Iterator[Answer]:
        """Efforts that it does not know."""
        effort = body.get("reasoning_effort", "none")
        if effort not in ("none", "low", "medium", "high"):
            said = f'think value "{effort}" is not supported for this model'
            yield Answer(400, {"error": {"message": said, "type": "api_error", "param": None, "code": None}})

    def thinks_now(self, body: Body) -> bool:
        """`think` is a field of its other API; this door ignores it."""
        return body.get("reasoning_effort") != "none"

    def overflow(self, prompt: int, limit: int) -> Answer | None:
        """Never said."""
        return None

    def make(self, body: Body, prompt: int) -> Made:
        """Of what is left of the prompt."""
        return super().make(body, min(prompt, self.window))


class LlamaCpp(OwnServer):
    """llama.cpp's own server."""

    name = "llamacpp"
    provider = "llamacpp"
    model = "qwen3-8b-q4_k_m.gguf"
    served = "qwen3-8b-q4_k_m.gguf"
    found_window: ClassVar[tuple[int, str]] = (32_000, "server")
    told_window = "`/props`: `n_ctx`"
    refuses: ClassVar[tuple[Refuses, ...]] = ()
    odd = ("a reply that fills the context ends in `length`",)

    def tells(self, path: str) -> Any:
        """Its settings."""
        if path == "/props":
            return {"default_generation_settings": {"n_ctx": self.window}, "model_path": f"/models/{self.model}"}
        return super().tells(path)

    def beside(self, path: str, body: Body) -> Answer | None:
        """`/tokenize`."""
        return Answer(value={"tokens": [1] * tokens(body["content"])}) if path == "/tokenize" else None

    def overflow(self, prompt: int, limit: int) -> Answer | None:
        """Only of the prompt."""
        return None if prompt < self.window else self.too_long(prompt, limit)

    def too_long(self, prompt: int, limit: int) -> Answer:
        """With figures in fields of their own."""
        said = "the request exceeds the available context size, try increasing it"
        figures = {"n_prompt_tokens": prompt, "n_ctx": self.window}
        error = {"code": 400, "message": said, "type": "exceed_context_size_error", **figures}
        return Answer(400, {"error": error})

    def limit(self, body: Body) -> int:
        """No more than the context has left."""
        left = self.window - self.prompt_tokens(body)
        return min(super().limit(body), left) if left > 0 else super().limit(body)

    def events(self, body: Body, made: Made, wants_usage: bool) -> Iterator[Any]:
        """The times it took come with the usage."""
        for event in super().events(body, made, wants_usage):
            if event["choices"]:
                yield event
            else:
                yield {**event, "timings": {"cache_n": made.cached, "prompt_n": made.prompt, "predicted_n": 1}}


class LmStudio(OwnServer):
    """LM Studio. A prompt that is too long for what is loaded is refused inside of the stream."""

    name = "lmstudio"
    provider = "lmstudio"
    model = "qwen3-8b"
    served = "qwen3-8b"
    forms = ("json_schema", "tool")
    can_stop_thinking = False
    tells_cached = False
    tells_reasoning = True
    found_window: ClassVar[tuple[int, str]] = (32_000, "server")
    told_cached = "nothing"
    told_reasoning = "`completion_tokens_details.reasoning_tokens`"
    told_window = "`/api/v0/models`: `loaded_context_length`"
    refuses: ClassVar[tuple[Refuses, ...]] = (Refuses("`json_object`", {"response_format": {"type": "json_object"}}),)
    odd = ("refusals of a stream come inside of it, with status 200",)

    def thinks_now(self, body: Body) -> bool:
        """A setting of its window, not of a request."""
        return True

    def tells(self, path: str) -> Any:
        """Its own list."""
        entry = {
            "id": self.model,
            "state": "loaded",
            "max_context_length": 131_072,
            "loaded_context_length": self.window,
        }
        return {"object": "list", "data": [entry]} if path == "/api/v0/models" else super().tells(path)

    def error(self, status: int, message: str, **more: Any) -> Answer:
        """The words alone."""
        return Answer(status, {"error": message})

    def bad_form(self, form: str) -> Answer:
        """Its words."""
        return self.error(400, "'response_format.type' must be 'json_schema' or 'text'")

    def too_long(self, prompt: int, limit: int) -> Answer:
        """Its words, one of them missing."""
        said = (
            f"Trying to keep the first {prompt} tokens when context the overflows. However, the model is loaded with "
        )
        rest = f"context length of only {self.window} tokens, which is not enough. Try to load the model with a larger "
        return self.error(400, f"{said}{rest}context length, or provide a shorter input")

    def overflow(self, prompt: int, limit: int) -> Answer | None:
        """Only of the prompt."""
        return None if prompt < self.window else self.too_long(prompt, limit)

    def post(self, path: str, body: Body, headers: Mapping[str, str]) -> Answer:
        """An overflow is part of the stream."""
        answer = super().post(path, body, headers)
        if body.get("stream") and answer.status == 400 and "keep the first" in answer.value["error"]:
            error = json.dumps({"error": {"message": answer.value["error"]}})
            return Answer(pieces=[f"event: error\ndata: {error}\n\n".encode()], content_type="text/event-stream")
        return answer


class LlamaCppPython(OwnServer):
    """llama-cpp-python's server: a wrong value is an error of its own, and streams tell no usage."""

    name = "llama-cpp-python"
    provider = "server"
    model = "smollm2"
    served = "smollm2"
    forms = ("json_object_schema", "json_object", "tool")
    carrier: ClassVar[Carrier] = Marks()
    can_stop_thinking = False
    tells_cached = False
    tells_usage = False
    told_cached = "nothing; streams tell no usage at all"
    told_window = "nobody tells: give `window`"
    refuses: ClassVar[tuple[Refuses, ...]] = (
        Refuses("`json_schema`, with status 500", {"response_format": {"type": "json_schema", "json_schema": {}}}),
    )

    def thinks_now(self, body: Body) -> bool:
        """Its template has no switch."""
        return True

    def bad_form(self, form: str) -> Answer:
        """pydantic's words."""
        found = (
            "{'type': 'literal_error', 'loc': ('body', 'response_format', 'type'), 'msg': \"Input should be 'text' or"
        )
        said = f"1 validation error:\n {found} 'json_object'\", 'input': '{form}'}}"
        return Answer(500, {"error": {"message": said, "type": "internal_server_error", "param": None, "code": None}})

    def too_long(self, prompt: int, limit: int) -> Answer:
        """OpenAI's older words."""
        said = f"This model's maximum context length is {self.window} tokens. However, you requested {prompt + limit} "
        rest = f"tokens ({prompt} in the messages, {limit} in the completion). Please reduce the length of the messages"
        return self.error(400, f"{said}{rest} or completion.", param="messages", code="context_length_exceeded")

    def events(self, body: Body, made: Made, wants_usage: bool) -> Iterator[Any]:
        """Never with usage."""
        return super().events(body, made, False)


@dataclass(frozen=True)
class Channels:
    """Harmony's channels, as they are where nobody takes them apart."""

    told: str = "in the text, as channels (`<|channel|>analysis`)"
    shows: bool = True

    def _said(self, thoughts: str, text: str) -> str:
        begun = f"<|channel|>analysis<|message|>{thoughts}" if thoughts else ""
        ended = "<|end|><|start|>assistant" if thoughts and text else ""
        return f"{begun}{ended}" + (f"<|channel|>final<|message|>{text}" if text else "")

    def message(self, thoughts: str, text: str) -> Delta:
        """One text."""
        return {"content": self._said(thoughts, text)}

    def deltas(self, thoughts: str, text: str) -> Iterator[Delta]:
        """One text in pieces."""
        return ({"content": piece} for piece in pieces(self._said(thoughts, text)))


class Harmony(OwnServer):
    """Some server of gpt-oss that does not know its format, and ends lines and streams in its own way."""

    name = "harmony"
    provider = "server"
    model = "gpt-oss-20b"
    served = "gpt-oss-20b"
    forms = ("json_object",)
    carrier: ClassVar[Carrier] = Channels()
    can_stop_thinking = False
    found_window: ClassVar[tuple[int, str]] = (131_072, "server")
    cuts_needed = 2
    of_a_prompt_kept = 0.5
    told_window = "`/models`, under any of the usual names"
    line_end = "\r\n"
    marks_end = False
    stream_type = "text/plain; charset=utf-8"
    odd = ("CRLF, no `[DONE]`, and a stream that calls itself plain text",)

    def thinks_now(self, body: Body) -> bool:
        """Always."""
        return True

    def tells(self, path: str) -> Any:
        """A list without a field for it."""
        return [{"id": self.model, "meta": {"n_ctx_train": 131_072}}] if path == "/v1/models" else None

    def too_long(self, prompt: int, limit: int) -> Answer:
        """Not a figure in it, and a status that stands for anything."""
        return Answer(500, {"error": {"message": "the input length exceeds the context length", "type": "api_error"}})

    def bad_form(self, form: str) -> Answer:
        """Nobody has thought of it."""
        return Answer(501, {"error": {"message": "not implemented"}})

    def make(self, body: Body, prompt: int) -> Made:
        """Where it is held to JSON there are no channels."""
        made = super().make(body, prompt)
        return made if form_of(body) == "prompt" else replace(made, thoughts="", thinking=0)


WIRES: Sequence[type[ChatWire]] = (Ollama, LlamaCpp, LmStudio, LlamaCppPython, Harmony)
