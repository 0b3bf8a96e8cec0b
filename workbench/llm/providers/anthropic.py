"""Anthropic's wire format, streamed: the Messages API.

Anthropic also has an OpenAI-compatible endpoint; that one reports no cached tokens, this one does, and it caches what
is marked.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from workbench.llm.model import ChatRequest
from workbench.llm.providers.arrived import Arrived, token_count
from workbench.llm.providers.ladder import Forms, Part
from workbench.llm.providers.prompt_caches import cache_of, has_shared, marked_content
from workbench.llm.providers.refusals import HttpRefusal
from workbench.llm.providers.served import ServedModel

API_VERSION = "2023-06-01"
_FINISH = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",  # the reply has filled what the prompt had left of the window
}
_STATUS = {
    "rate_limit_error": 429,
    "overloaded_error": 529,
    "api_error": 500,
    "timeout_error": 504,
    "invalid_request_error": 400,
}


class AnthropicMessages(ServedModel):
    """A model behind `/v1/messages`.

    The API has no JSON mode: structured replies are asked for by the instruction in the prompt alone. A model that
    thinks takes no other temperature than its own, so none is sent then.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.prompt_cache = cache_of(self._provider, self._model, self._options.cache_ttl)

    def _parts(self, request: ChatRequest) -> list[Part]:
        parts = self._reasoning_part(request)
        if self.prompt_cache is not None and has_shared(request):
            parts.append(Part("cache_control", 3 if self._options.cache_ttl == "1h" else 2, ("ttl",)))
        parts.append(Part("temperature", 2))  # the API refuses values above 1, in its own words
        if self._options.top_p is not None:
            parts.append(Part("top_p", 2))
        if self._options.stream:
            parts.append(Part("stream", 2))
        return parts

    def _body(self, request: ChatRequest, forms: Forms) -> dict[str, Any]:
        thinking = self._reasoning_fields(request, forms)
        thinks = (thinking.get("thinking") or {}).get("type") in ("enabled", "adaptive")
        system = [message for message in request.messages if message.role == "system"]
        body: dict[str, Any] = {
            "model": self._model,
            "max_tokens": self._limit(request),
            "messages": [
                {"role": m.role, "content": self._content(m, request, forms)}
                for m in request.messages
                if m not in system
            ],
            "stream": self._options.stream and not forms.get("stream"),
        }
        if not thinks and not forms.get("temperature"):
            body["temperature"] = request.temperature
        if self._options.top_p is not None and not forms.get("top_p"):
            body["top_p"] = self._options.top_p
        if len(system) == 1:
            body["system"] = self._content(system[0], request, forms)
        elif system:
            body["system"] = "\n\n".join(message.content for message in system)
        return body | dict(thinking) | dict(self._options.passed) | dict(self._options.extra_body)

    def _content(self, message: Any, request: ChatRequest, forms: Forms) -> Any:
        """A message's content: in two blocks where its beginning is shared, and long enough to be cached."""
        cache, step = self.prompt_cache, forms.get("cache_control", 0)
        hour = self._options.cache_ttl == "1h"
        if cache is None or not message.shared or not request.marks or step >= (2 if hour else 1):
            return message.content
        return marked_content(message, ttl="1h" if hour and step == 0 else None) or message.content

    def _take(self, event: Mapping[str, Any], arrived: Arrived) -> bool:
        said = event.get("whole", event)
        if "done" in event:
            arrived.ended = True
            return True
        match said.get("type"):
            case "error":
                self._raise_error(said.get("error") or {})
            case "message_start":
                message = said.get("message") or {}
                arrived.served = str(message.get("model") or arrived.served)
                _add_usage(arrived, message.get("usage") or {})
            case "content_block_start":
                block = said.get("content_block") or {}
                if block.get("type") == "redacted_thinking":
                    arrived.thoughts.append("[redacted]")
                else:
                    _take_block(block, arrived, streamed=True)
            case "content_block_delta":
                _take_block(said.get("delta") or {}, arrived, streamed=True)
            case "message_delta":
                arrived.finish = _finish((said.get("delta") or {}).get("stop_reason")) or arrived.finish
                _add_usage(arrived, said.get("usage") or {})
            case "message_stop":
                arrived.ended = True
            case "message":  # the whole reply of a server that does not stream: no time to first token
                arrived.served = str(said.get("model") or "")
                for block in said.get("content") or ():
                    _take_block(block, arrived, streamed=False)
                arrived.finish = _finish(said.get("stop_reason"))
                _add_usage(arrived, said.get("usage") or {})
            case None if said.get("error"):
                self._raise_error(said["error"])
        return arrived.ended

    def _raise_error(self, error: Any) -> None:
        kind = error.get("type") if isinstance(error, Mapping) else None
        raise HttpRefusal(_STATUS.get(str(kind), 500), self._connection.scrubbed(str(error)))


def _take_block(block: Mapping[str, Any], arrived: Arrived, *, streamed: bool) -> None:
    """Note a block of content, or a piece of one: text or thoughts."""
    if thoughts := block.get("thinking"):
        arrived.thoughts.append(str(thoughts))
    text = str(block.get("text") or "")
    if streamed:
        arrived.text(text)
    elif text:
        arrived.parts.append(text)


def _finish(reason: Any) -> str | None:
    """A stop reason in OpenAI's words; one that is not in our table as it is, and None as long as there is none."""
    return _FINISH.get(str(reason), str(reason)) if reason else None


def _add_usage(arrived: Arrived, usage: Mapping[str, Any]) -> None:
    """Add a usage report. Anthropic's input tokens leave out what the cache served or stored; our prompt tokens are the
    whole prompt."""
    if (uncached := token_count(usage.get("input_tokens"))) is not None:
        read = token_count(usage.get("cache_read_input_tokens")) or 0
        written = token_count(usage.get("cache_creation_input_tokens")) or 0
        if uncached + read + written or not arrived.usage.get("prompt_tokens"):
            hour = (usage.get("cache_creation") or {}).get("ephemeral_1h_input_tokens")
            arrived.usage.update(
                prompt_tokens=uncached + read + written,
                cached_tokens=read,
                cache_write_tokens=written,
                cache_write_hour_tokens=token_count(hour) or 0,
            )
    written_out = token_count(usage.get("output_tokens"))
    if written_out is not None and (written_out or not arrived.usage.get("completion_tokens")):
        arrived.usage["completion_tokens"] = written_out
    if isinstance(usage.get("service_tier"), str):
        arrived.tier = usage["service_tier"]
