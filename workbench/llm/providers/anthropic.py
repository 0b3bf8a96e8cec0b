"""Anthropic's wire format, streamed: the Messages API.

Anthropic also has an OpenAI-compatible endpoint; that one reports no cached tokens, this one does.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from workbench.llm.model import ChatRequest
from workbench.llm.providers.arrived import Arrived, token_count
from workbench.llm.providers.served import ServedModel
from workbench.llm.providers.transport import HttpRefusal

API_VERSION = "2023-06-01"
_FINISH = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",  # the reply has filled what the prompt had left of the window
    "refusal": "content_filter",
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

    The API has no JSON mode: structured replies are asked for by the instruction in the prompt alone.
    """

    def _body(self, request: ChatRequest) -> dict[str, Any]:
        body: dict[str, Any] = {
            "model": self._model,
            "max_tokens": request.max_tokens,
            "temperature": request.temperature,  # the API refuses values above 1, in its own words
            "messages": [{"role": m.role, "content": m.content} for m in request.messages if m.role != "system"],
            "stream": True,
        }
        system = "\n\n".join(m.content for m in request.messages if m.role == "system")
        if system:
            body["system"] = system
        return body

    def _take(self, event: Mapping[str, Any], arrived: Arrived) -> bool:
        said = event.get("whole", event)
        match said.get("type"):
            case "error":
                error = said.get("error") or {}
                raise HttpRefusal(_STATUS.get(str(error.get("type")), 500), self._connection.scrubbed(str(error)))
            case "message_start":
                _add_usage(arrived, (said.get("message") or {}).get("usage") or {})
            case "content_block_delta":
                arrived.text((said.get("delta") or {}).get("text") or "")
            case "message_delta":
                arrived.finish = _finish((said.get("delta") or {}).get("stop_reason")) or arrived.finish
                _add_usage(arrived, said.get("usage") or {})
            case "message_stop":
                arrived.ended = True
            case "message":  # the whole reply of a server that does not stream: no time to first token
                for block in said.get("content") or ():
                    arrived.parts.append(block.get("text") or "")
                arrived.finish = _finish(said.get("stop_reason"))
                _add_usage(arrived, said.get("usage") or {})
        return arrived.ended


def _finish(reason: Any) -> str | None:
    """A stop reason in OpenAI's words; one that is not in our table as it is, and None as long as there is none."""
    return _FINISH.get(str(reason), str(reason)) if reason else None


def _add_usage(arrived: Arrived, usage: Mapping[str, Any]) -> None:
    """Add a usage report. Anthropic's input tokens leave out what the cache served or stored; our prompt tokens are the
    whole prompt."""
    if (uncached := token_count(usage.get("input_tokens"))) is not None:
        read = token_count(usage.get("cache_read_input_tokens")) or 0
        written = token_count(usage.get("cache_creation_input_tokens")) or 0
        arrived.usage.update(
            prompt_tokens=uncached + read + written,
            cached_tokens=read,
            cache_write_tokens=written,
        )
    if (written_out := token_count(usage.get("output_tokens"))) is not None:
        arrived.usage["completion_tokens"] = written_out
