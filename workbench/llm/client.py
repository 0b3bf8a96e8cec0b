"""Any OpenAI-compatible server, streamed: usage, time to first token, and named failures.

The client is aiohttp: 0.3 ms of our own time per call, where the `openai` package costs 2 ms. Third-party exceptions
are mapped to `workbench.errors` here and nowhere else. Keys live in the request header only.
"""

from __future__ import annotations

import asyncio
import json
import re
import time
from collections.abc import Mapping
from typing import Any

from workbench.errors import (
    BadReply,
    ContextOverflow,
    ModelError,
    ModelTimeout,
    RateLimited,
    RequestRefused,
    ServerGone,
    WorkbenchError,
)
from workbench.llm.model import ChatRequest, Completion, count_messages
from workbench.llm.tokens import TokenCounter

# How providers word "too long": OpenAI, vLLM, Ollama and llama.cpp, Anthropic.
_OVERFLOW = re.compile(
    r"context_length_exceeded|maximum context length|max_model_len|longer than the maximum model length"
    r"|exceeds? (?:the )?(?:available )?context (?:size|length|window)|input length exceeds"
    r"|prompt is too long|exceed context limit|reduce the length of the (?:messages|prompt)",
    re.I,
)
_SECRET = re.compile(r"(?:sk|key|Bearer)[-_ ][A-Za-z0-9_\-.]{8,}")


class OpenAiCompatible:
    """A chat model behind `base_url`; `acomplete` runs on the gateway's event loop."""

    is_async = True

    def __init__(
        self,
        name: str,
        model: str,
        base_url: str,
        *,
        key: str | None,
        window: int,
        max_output_tokens: int,
        counter: TokenCounter,
        timeout: float = 600.0,
        token_timeout: float = 120.0,
        json_schema: bool = True,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        self.name = name
        self.window = window
        self.max_output_tokens = max_output_tokens
        self.token_source = counter.source
        self._model = model
        self._url = f"{base_url.rstrip('/')}/chat/completions"
        self._key = key
        self._counter = counter
        self._timeout = timeout
        self._token_timeout = token_timeout
        self._json_schema = json_schema
        self._headers = dict(headers or {})
        self._session: Any = None

    def __repr__(self) -> str:
        return f"OpenAiCompatible({self.name!r})"  # never the key

    def count(self, text: str) -> int:
        return self._counter.count(text)

    def complete(self, request: ChatRequest) -> Completion:
        return asyncio.run(self._once(request))

    async def _once(self, request: ChatRequest) -> Completion:
        try:
            return await self.acomplete(request)
        finally:
            await self.aclose()

    async def aclose(self) -> None:
        """Close the connections."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    def _body(self, request: ChatRequest) -> dict[str, Any]:
        body: dict[str, Any] = {
            "model": self._model,
            "messages": [{"role": m.role, "content": m.content} for m in request.messages],
            "max_tokens": request.max_tokens,
            "temperature": request.temperature,
            "stream": True,
            "stream_options": {"include_usage": True},
        }
        if request.seed is not None:
            body["seed"] = request.seed
        if request.schema is not None and self._json_schema:
            body["response_format"] = {
                "type": "json_schema",
                "json_schema": {"name": "reply", "schema": dict(request.schema)},
            }
        return body

    async def acomplete(self, request: ChatRequest) -> Completion:
        import aiohttp

        if self._session is None:
            headers = {"Content-Type": "application/json", **self._headers}
            if self._key:
                headers["Authorization"] = f"Bearer {self._key}"
            limits = aiohttp.ClientTimeout(total=self._timeout, sock_read=self._token_timeout, sock_connect=30)
            connector = aiohttp.TCPConnector(limit=0, keepalive_timeout=60)
            self._session = aiohttp.ClientSession(headers=headers, timeout=limits, connector=connector)
        started = time.perf_counter()
        try:
            async with self._session.post(self._url, data=json.dumps(self._body(request)).encode()) as response:
                if response.status != 200:
                    raise self._refusal(response.status, response.headers, await response.text(), request)
                return await self._read(response, request, started)
        except WorkbenchError:
            raise
        except TimeoutError as error:
            raise ModelTimeout(f"{self.name}: no answer in time") from error
        except aiohttp.ClientConnectorError as error:
            raise ServerGone(f"{self.name}: cannot connect to {self._url}") from error
        except (aiohttp.ClientError, ConnectionError) as error:
            raise BadReply(f"{self.name}: the connection broke ({type(error).__name__})") from error

    async def _read(self, response: Any, request: ChatRequest, started: float) -> Completion:
        if "text/event-stream" not in response.headers.get("Content-Type", ""):
            return self._whole(await response.text(), request, started)
        parts: list[str] = []
        usage: Mapping[str, Any] | None = None
        finish: str | None = None
        first: float | None = None
        ended = False
        async for raw in response.content:
            line = raw.strip()
            if not line.startswith(b"data:"):
                continue
            data = line[5:].strip()
            if data == b"[DONE]":
                ended = True
                break
            try:
                event = json.loads(data)
            except ValueError as error:
                raise BadReply(f"{self.name}: an event of the stream is no JSON") from error
            if isinstance(event.get("error"), Mapping):
                raise self._refusal(500, {}, json.dumps(event["error"]), request)
            usage = event.get("usage") or usage
            for choice in event.get("choices") or ():
                delta = choice.get("delta") or {}
                if delta.get("content") or delta.get("reasoning_content") or delta.get("reasoning"):
                    first = first if first is not None else time.perf_counter() - started
                    parts.append(delta.get("content") or "")
                finish = choice.get("finish_reason") or finish
        if not ended and finish is None:
            raise BadReply(f"{self.name}: the stream ended in the middle of a reply")
        return self._completion("".join(parts), usage, finish, request, first, time.perf_counter() - started)

    def _whole(self, text: str, request: ChatRequest, started: float) -> Completion:
        """A server that does not stream."""
        try:
            reply = json.loads(text)
            choice = reply["choices"][0]
            content = choice["message"].get("content") or ""
        except (ValueError, KeyError, IndexError, TypeError, AttributeError) as error:
            raise BadReply(f"{self.name}: the reply holds no choice") from error
        seconds = time.perf_counter() - started
        return self._completion(content, reply.get("usage"), choice.get("finish_reason"), request, None, seconds)

    def _completion(
        self,
        text: str,
        usage: Mapping[str, Any] | None,
        finish: str | None,
        request: ChatRequest,
        first: float | None,
        seconds: float,
    ) -> Completion:
        if finish is None and not text:
            raise BadReply(f"{self.name}: the reply holds no choice")
        if usage is None:  # counted by us, and said so
            prompt, completion = count_messages(self, request.messages), self.count(text)
            return Completion(
                text=text,
                prompt_tokens=prompt,
                completion_tokens=completion,
                finish_reason=finish or "stop",
                token_source=self._counter.source,
                first_token_s=first,
                total_s=seconds,
            )
        inside = usage.get("prompt_tokens_details") or {}
        outside = usage.get("completion_tokens_details") or {}
        return Completion(
            text=text,
            prompt_tokens=int(usage.get("prompt_tokens") or 0),
            completion_tokens=int(usage.get("completion_tokens") or 0),
            cached_tokens=int(inside.get("cached_tokens") or usage.get("cache_read_input_tokens") or 0),
            cache_write_tokens=int(usage.get("cache_creation_input_tokens") or 0),
            reasoning_tokens=int(outside.get("reasoning_tokens") or 0),
            finish_reason=finish or "stop",
            token_source="server",  # noqa: S106 - no secret
            first_token_s=first,
            total_s=seconds,
        )

    def _refusal(self, status: int, headers: Mapping[str, str], body: str, request: ChatRequest) -> WorkbenchError:
        shown = _SECRET.sub("***", " ".join(body.split()))[:300]
        if self._key:
            shown = shown.replace(self._key, "***")
        line = f"{self.name}: HTTP {status}: {shown}"
        if _OVERFLOW.search(body):
            return ContextOverflow(count_messages(self, request.messages), request.max_tokens, self.window)
        if status == 429:
            return RateLimited(line, _seconds(headers.get("Retry-After") or headers.get("retry-after")))
        if status in (408, 409, 425) or status >= 500:
            error: ModelError = ModelTimeout(line) if status in (408, 504) else ModelError(line)
            wait = _seconds(headers.get("Retry-After"))
            return RateLimited(line, wait) if wait is not None else error
        return RequestRefused(line)


def _seconds(value: str | None) -> float | None:
    """Retry-After: seconds, or an HTTP date."""
    if not value:
        return None
    try:
        return max(0.0, float(value))
    except ValueError:
        from email.utils import parsedate_to_datetime

        try:
            return max(0.0, parsedate_to_datetime(value).timestamp() - time.time())
        except (TypeError, ValueError):
            return None
