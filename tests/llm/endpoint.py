"""A local OpenAI-compatible endpoint that fails on demand and keeps its own books.

It counts what a provider would bill: the prompt and the reply tokens of every request it worked on, also of those whose
reply it then broke. Tokens are o200k with the overhead of `count_messages`, so that books can be compared exactly.
"""

from __future__ import annotations

import asyncio
import json
import random
import threading
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any

from aiohttp import web

from workbench.llm.model import count_messages
from workbench.records import Message
from workbench.text import count_tokens

FAULTS = ("429", "500", "malformed", "no_choices", "cut", "drop", "hang", "error")
# Chunks are joined from these, each one token in o200k, so that a reply cut after n chunks has n tokens.
WORDS = (" yes", " no", " red", " blue", " one", " two")


class _Counts:
    def count(self, text: str) -> int:
        return count_tokens(text)


@dataclass
class Books:
    """What the endpoint did. `billed_*` are of whole replies, `broken_*` of replies that it cut."""

    requests: int = 0
    faults: Counter[str] = field(default_factory=Counter)
    billed_prompt: int = 0
    billed_completion: int = 0
    broken_prompt: int = 0
    broken_completion: int = 0
    in_flight: int = 0
    most_in_flight: int = 0
    bodies: list[Mapping[str, Any]] = field(default_factory=list)
    headers: list[Mapping[str, str]] = field(default_factory=list)


Reply = Callable[[Mapping[str, Any]], str]


class Endpoint:
    """A server on a thread of its own; use as a context manager. `script` is a list of faults ("" for none) that the
    first requests meet, in order of arrival; after it each request meets a fault with the probabilities of `faults`."""

    def __init__(
        self,
        *,
        faults: Mapping[str, float] | None = None,
        script: Sequence[str] = (),
        reply: Reply | None = None,
        seed: int = 0,
        delay_s: float = 0.0,
        retry_after: str | None = "0.01",
        usage: bool = True,
        hang_s: float = 5.0,
        handler: Callable[[web.Request], Any] | None = None,
        path: str = "/v1/chat/completions",
    ) -> None:
        self.books = Books()
        self._faults = dict(faults or {})
        self._script = list(script)
        self._reply = reply or (lambda body: "".join(WORDS))
        self._random = random.Random(seed)
        self._delay_s = delay_s
        self._retry_after = retry_after
        self._usage = usage
        self._hang_s = hang_s
        self._handler = handler
        self._path = path
        self._loop = asyncio.new_event_loop()
        self._stopping: asyncio.Event | None = None
        self._ready = threading.Event()
        self.port = 0
        self._thread = threading.Thread(target=self._serve, daemon=True)

    @property
    def url(self) -> str:
        """The base URL."""
        return f"http://127.0.0.1:{self.port}/v1"

    def __enter__(self) -> Endpoint:
        count_tokens("loads the tokenizer, which takes longer than some tests let a reply take")
        self._thread.start()
        assert self._ready.wait(10)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        assert self._stopping is not None
        self._loop.call_soon_threadsafe(self._stopping.set)
        self._thread.join(timeout=10)

    def _serve(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_until_complete(self._run())
        self._loop.close()

    async def _run(self) -> None:
        self._stopping = asyncio.Event()
        app = web.Application(client_max_size=1 << 26)
        app.router.add_post(self._path, self._handler or self._answer)
        runner = web.AppRunner(app, shutdown_timeout=0.1)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", self.port)
        await site.start()
        self.port = site._server.sockets[0].getsockname()[1]  # type: ignore[union-attr]
        self._ready.set()
        await self._stopping.wait()
        await runner.cleanup()
        others = asyncio.all_tasks() - {asyncio.current_task()}  # handlers that hang
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        books = self.books
        body = json.loads(await request.text())
        books.requests += 1
        books.bodies.append(body)
        books.headers.append(dict(request.headers))
        books.in_flight += 1
        books.most_in_flight = max(books.most_in_flight, books.in_flight)
        try:
            if self._delay_s:
                await asyncio.sleep(self._delay_s)
            fault = self._next_fault()
            if fault:
                books.faults[fault] += 1
            return await self._respond(request, body, fault)
        finally:
            books.in_flight -= 1

    def _next_fault(self) -> str:
        if self._script:
            return self._script.pop(0)
        draw, total = self._random.random(), 0.0
        for fault, share in self._faults.items():
            total += share
            if draw < total:
                return fault
        return ""

    async def _respond(self, request: web.Request, body: Mapping[str, Any], fault: str) -> web.StreamResponse:
        if fault == "429":
            headers = {"Retry-After": self._retry_after} if self._retry_after else {}
            return web.json_response({"error": {"message": "slow down"}}, status=429, headers=headers)
        if fault == "500":
            return web.json_response({"error": {"message": "internal error"}}, status=500)
        if fault == "malformed":
            return web.Response(text='{"choices": [{"mess', content_type="application/json")
        if fault == "drop":
            assert request.transport is not None
            request.transport.close()
            return web.Response()
        if fault == "hang":
            await asyncio.sleep(self._hang_s)
            return web.Response()
        return await self._stream(request, body, fault)

    async def _stream(self, request: web.Request, body: Mapping[str, Any], fault: str) -> web.StreamResponse:
        books = self.books
        prompt = count_messages(_Counts(), [Message(m["role"], m["content"]) for m in body["messages"]])
        text = self._reply(body)
        pieces = [" " + word for word in text.split()] if text.split() else []
        if fault in ("cut", "error"):
            pieces = pieces[: len(pieces) // 2]
        if fault == "no_choices":
            pieces = []
        tokens = count_tokens("".join(pieces))
        if fault:
            books.broken_prompt += prompt
            books.broken_completion += tokens
        else:
            books.billed_prompt += prompt
            books.billed_completion += tokens
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        for piece in pieces:
            await response.write(_event({"choices": [{"index": 0, "delta": {"content": piece}}]}))
        if fault == "cut":
            assert request.transport is not None
            request.transport.close()
            return response
        if fault == "error":
            await response.write(_event({"error": {"message": "the worker died", "code": 500}}))
            return response
        if fault != "no_choices":
            await response.write(_event({"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}))
        if self._usage:
            usage = {"prompt_tokens": prompt, "completion_tokens": tokens}
            await response.write(_event({"choices": [], "usage": usage}))
        await response.write(b"data: [DONE]\n\n")
        return response


def _event(value: Mapping[str, Any]) -> bytes:
    return f"data: {json.dumps(value)}\n\n".encode()
