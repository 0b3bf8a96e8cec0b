"""Anthropic's Messages API, streamed. Its OpenAI-compatible endpoint reports no cached tokens; this one does."""

from __future__ import annotations

import time
from collections.abc import Mapping
from contextlib import aclosing
from typing import Any

from workbench.llm.model import ChatRequest
from workbench.llm.providers.served import Arrived, ServedModel, token_count
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
    """`/v1/messages`. Structured replies go by the instruction in the prompt, as on any server without a JSON mode."""

    def _body(self, request: ChatRequest) -> dict[str, Any]:
        body: dict[str, Any] = {
            "model": self._model,
            "max_tokens": request.max_tokens,
            "temperature": request.temperature,  # above 1 they refuse it, in their own words
            "messages": [{"role": m.role, "content": m.content} for m in request.messages if m.role != "system"],
            "stream": True,
        }
        system = "\n\n".join(m.content for m in request.messages if m.role == "system")
        if system:
            body["system"] = system
        return body

    async def _read(self, body: Mapping[str, Any], arrived: Arrived) -> None:
        arrived.started = time.perf_counter()
        async with aclosing(self._connection.events(self._url, body)) as events:
            async for event in events:
                reply = event.get("whole", event)
                kind = reply.get("type")
                if kind == "error":
                    error = reply.get("error") or {}
                    raise HttpRefusal(_STATUS.get(str(error.get("type")), 500), self._connection.scrubbed(str(error)))
                if kind == "message_start":
                    self._count_usage(arrived, (reply.get("message") or {}).get("usage") or {})
                elif kind == "content_block_delta":
                    arrived.text((reply.get("delta") or {}).get("text") or "")
                elif kind == "message_delta":
                    reason = (reply.get("delta") or {}).get("stop_reason")
                    arrived.finish = _FINISH.get(str(reason), str(reason)) if reason else arrived.finish
                    self._count_usage(arrived, reply.get("usage") or {})
                elif kind == "message_stop":
                    arrived.ended = True
                    return
                elif kind == "message":  # not streamed
                    for block in reply.get("content") or ():
                        arrived.parts.append(block.get("text") or "")
                    reason = reply.get("stop_reason")
                    arrived.finish = _FINISH.get(str(reason), str(reason)) if reason else None
                    self._count_usage(arrived, reply.get("usage") or {})

    @staticmethod
    def _count_usage(arrived: Arrived, usage: dict[str, Any]) -> None:
        """Their input tokens leave out what the cache served or took; ours are the whole prompt."""
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
