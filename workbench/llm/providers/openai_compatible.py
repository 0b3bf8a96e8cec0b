"""OpenAI's wire format, streamed: chat completions with usage, time to first token and log probabilities."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from workbench.errors import BadReply
from workbench.llm.model import ChatRequest
from workbench.llm.providers.arrived import Arrived
from workbench.llm.providers.ladder import Forms, Part
from workbench.llm.providers.prompt_caches import cache_key_of, cache_of, has_shared, marked_content, wants_marks
from workbench.llm.providers.refusals import HttpRefusal, wait_in
from workbench.llm.providers.served import ServedModel
from workbench.llm.thoughts import is_thought, thoughts_in
from workbench.records import Message

_NEW_LIMIT, _OLD_LIMIT = "max_completion_tokens", "max_tokens"
_TOOL = "reply"


class OpenAiCompatible(ServedModel):
    """A model behind `/chat/completions` of OpenAI, vLLM, Ollama, llama.cpp or one of the many servers like them.

    What a server does not take is found by elimination: OpenAI's newer models refuse `max_tokens`, vLLM alone knows
    `continuous_usage_stats`, with which the tokens of a stream that breaks are known exactly.
    """

    gives_logprobs = True  # as far as the interface goes; a server that does not send them is found out by the bench

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._is_vllm = self._provider == "vllm"
        self.gives_prompt_logprobs = self._is_vllm  # vLLM alone has both
        newest = self._provider == "azure" or "//api.openai.com/" in self._url
        self._limits = (_NEW_LIMIT, _OLD_LIMIT) if newest else (_OLD_LIMIT, _NEW_LIMIT)
        guided = ("guided_json",) if self._provider in ("vllm", "sglang") else ("tool",)
        self._schemas = ("json_schema", "json_object_schema", "json_object", *guided, "none")
        self.prompt_cache = cache_of(self._provider, self._model, self._options.cache_ttl)
        self._marks = wants_marks(self._provider, self._model)

    # the request

    def _parts(self, request: ChatRequest) -> list[Part]:
        parts = []
        if request.schema is not None and self._options.json_schema:
            parts.append(Part("response_format", len(self._schemas), ("json_schema", "json_object", "schema")))
        parts += self._reasoning_part(request)
        if self._streams(request):
            parts.append(Part("stream_options", 3 if self._is_vllm else 2, ("include_usage", "continuous_usage_stats")))
        if self.prompt_cache is not None and has_shared(request):
            if self._marks:
                parts.append(Part("cache_control", 3 if self._options.cache_ttl == "1h" else 2, ("ttl",)))
            elif self._provider in ("openai", "azure"):
                parts.append(Part("prompt_cache_key", 2))
        if request.seed is not None:
            parts.append(Part("seed", 2))
        parts.append(Part("temperature", 2))
        if self._options.top_p is not None:
            parts.append(Part("top_p", 2))
        parts.append(Part("max_tokens", 2, self._limits, recorded=False))
        if self._streams(request):
            parts.append(Part("stream", 2))
        if any(message.role == "system" for message in request.messages):
            parts.append(Part("system", 2, ("System",)))
        return parts

    def _streams(self, request: ChatRequest) -> bool:
        return (
            self._options.stream and not request.prompt_logprobs
        )  # vLLM gives those only in replies it does not stream

    def _body(self, request: ChatRequest, forms: Forms) -> dict[str, Any]:
        body: dict[str, Any] = {
            "model": self._model,
            "messages": self._messages(request, forms),
            self._limits[forms.get("max_tokens", 0)]: self._limit(request),
        }
        if not forms.get("temperature"):
            body["temperature"] = request.temperature
        if self._options.top_p is not None and not forms.get("top_p"):
            body["top_p"] = self._options.top_p
        if request.seed is not None and not forms.get("seed"):
            body["seed"] = request.seed
        body["stream"] = self._streams(request) and not forms.get("stream")
        if body["stream"] and (options := self._stream_options(forms.get("stream_options", 0))):
            body["stream_options"] = options
        if request.schema is not None and self._options.json_schema:
            body |= self._schema(request.schema, self._schemas[forms.get("response_format", 0)])
        if request.top_logprobs:
            body |= {"logprobs": True, "top_logprobs": request.top_logprobs}
        if request.prompt_logprobs:
            body["prompt_logprobs"] = 1
        named = (
            request.marks
            and self._provider in ("openai", "azure")
            and self.prompt_cache
            and not forms.get("prompt_cache_key")
        )
        if named and (key := cache_key_of(request.messages)):
            body["prompt_cache_key"] = key
        body |= self._reasoning_fields(request, forms)
        return body | dict(self._options.passed) | dict(self._options.extra_body)

    def _stream_options(self, form: int) -> dict[str, Any]:
        wanted = {"include_usage": True}
        if self._is_vllm:
            return ({**wanted, "continuous_usage_stats": True}, wanted, {})[form]
        return {} if form else wanted

    def _messages(self, request: ChatRequest, forms: Forms) -> list[dict[str, Any]]:
        messages = request.messages
        if forms.get("system"):
            messages = _without_system(messages)
        step = forms.get("cache_control", 0)
        wanted = self._marks and request.marks and self.prompt_cache is not None
        marks = wanted and step < (2 if self._options.cache_ttl == "1h" else 1)
        shown: list[dict[str, Any]] = []
        for message in messages:
            content: Any = message.content
            if marks:
                ttl = "1h" if self._options.cache_ttl == "1h" and step == 0 else None
                content = marked_content(message, ttl=ttl) or content
            shown.append({"role": message.role, "content": content})
        return shown

    def _schema(self, schema: Mapping[str, Any], form: str) -> dict[str, Any]:
        """A schema in one of the forms in which servers take it."""
        plain = dict(schema)
        match form:
            case "json_schema":
                named = {"name": _TOOL, "schema": plain}
                return {"response_format": {"type": "json_schema", "json_schema": named}}
            case "json_object_schema":
                return {"response_format": {"type": "json_object", "schema": plain}}
            case "json_object":
                return {"response_format": {"type": "json_object"}}
            case "guided_json":
                return {"guided_json": plain}
            case "tool":
                tool = {"type": "function", "function": {"name": _TOOL, "parameters": plain}}
                return {"tools": [tool], "tool_choice": {"type": "function", "function": {"name": _TOOL}}}
        return {}

    # the reply

    def _take(self, event: Mapping[str, Any], arrived: Arrived) -> bool:
        if "done" in event:
            arrived.ended = True
            return True
        if "whole" in event:
            self._take_whole(event["whole"], arrived)
            return True
        self._check_error(event)
        self._note_usage(event, arrived)
        for choice in event.get("choices") or ():
            if choice.get("index"):  # a second choice that nobody asked for
                continue
            delta = choice.get("delta") or {}
            if thoughts := thoughts_in(delta):
                arrived.thoughts.append(thoughts)
            arrived.text(_content(delta) or _arguments(delta) or str(delta.get("refusal") or ""))
            arrived.first_token_logprobs = arrived.first_token_logprobs or _first_token(choice)
            if arrived.finish != "refusal":
                arrived.finish = _finish(choice, delta) or arrived.finish
        return False

    def _take_whole(self, reply: Mapping[str, Any], arrived: Arrived) -> None:
        """Note the reply of a server that does not stream: it has no time to first token."""
        self._check_error(reply)
        self._note_usage(reply, arrived)
        try:
            choice = reply["choices"][0]
            message = choice["message"]
            content = _content(message) or _arguments(message) or str(message.get("refusal") or "")
        except (KeyError, IndexError, TypeError, AttributeError) as error:
            raise BadReply(f"{self.name}: the reply holds no choice") from error
        if content:
            arrived.parts.append(content)
        if thoughts := thoughts_in(message):
            arrived.thoughts.append(thoughts)
        arrived.first_token_logprobs = _first_token(choice)
        arrived.prompt_logprobs = _prompt_tokens(reply)
        arrived.finish = _finish(choice, message) or "stop"

    def _check_error(self, event: Mapping[str, Any]) -> None:
        """Raise HttpRefusal for an error in place of a reply, or in the middle of one."""
        error = event.get("error")
        if not error and (event.get("object") == "error" or event.get("type") == "error"):
            error = event  # vLLM and SGLang of before
        if error:
            raise HttpRefusal(_status(error), self._connection.scrubbed(_as_text(error)), wait_in(str(error)))


def _without_system(messages: tuple[Message, ...]) -> tuple[Message, ...]:
    """The messages for a model whose template knows no system role: its text begins the first of the user's."""
    system = "\n\n".join(message.content for message in messages if message.role == "system")
    others = [message for message in messages if message.role != "system"]
    first = others[0]
    shared = first.shared + len(system) + 2 if first.shared else 0
    return (Message(first.role, f"{system}\n\n{first.content}", shared), *others[1:])


def _finish(choice: Mapping[str, Any], message: Mapping[str, Any]) -> str | None:
    """Why the reply has ended; a refusal has a field of its own, and its finish reason is that of any reply."""
    if message.get("refusal"):
        return "refusal"
    reason = choice.get("finish_reason")
    return str(reason) if reason else None


def _content(message: Mapping[str, Any]) -> str:
    """The text of a message or delta; some servers send it as a list of parts, thoughts among them."""
    content = message.get("content") or ""
    if isinstance(content, str):
        return content
    shown = (part for part in content if not is_thought(part))
    return "".join(str(part.get("text") or "") if isinstance(part, Mapping) else str(part) for part in shown)


def _arguments(message: Mapping[str, Any]) -> str:
    """What a structured reply through a tool says: the arguments of its call."""
    calls = message.get("tool_calls") or ()
    call = calls if isinstance(calls, Mapping) else calls[0] if calls else {}  # TGI streams a call without a list
    function = call.get("function") or {}
    arguments = function.get("arguments") or ""
    return arguments if isinstance(arguments, str) else json.dumps(arguments)


def _first_token(choice: Mapping[str, Any]) -> dict[str, float] | None:
    """Log probabilities of the likeliest first tokens, if the choice has them; some servers write minus infinity as
    -9999."""
    content = (choice.get("logprobs") or {}).get("content") or ()
    if not content:
        return None
    likeliest = content[0].get("top_logprobs") or [content[0]]
    return {str(entry["token"]): float(entry["logprob"]) for entry in likeliest if entry.get("logprob") is not None}


def _prompt_tokens(reply: Mapping[str, Any]) -> list[float] | None:
    """Log probabilities of all the prompt's tokens but the first, from a reply of vLLM. For each token vLLM gives a map
    from token id to alternative; the prompt's own token stands first in it."""
    told = reply.get("prompt_logprobs") or ()
    own = [next(iter(entry.values())) for entry in told if entry]
    return [float(token["logprob"]) for token in own] or None


def _as_text(error: Any) -> str:
    return json.dumps(error) if isinstance(error, Mapping) else str(error)


def _status(error: Any) -> int:
    """The HTTP status that an error inside a reply stands for; 500 when it names none."""
    found = error.get("code") or error.get("status") if isinstance(error, Mapping) else None
    code = int(found) if isinstance(found, str) and found.isdigit() else found
    return code if isinstance(code, int) and 400 <= code < 600 else 500
