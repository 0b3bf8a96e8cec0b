"""The gateway: every model call of the workbench passes here, exactly once, and leaves one record.

Order of a call: count the tokens and refuse what does not fit the window; look into the response cache; ask the guard
(budget); wait for a place; call, with retries; commit the reply to the cache; record the call; hand the reply over.
Callers are threads. Backends over HTTP run on one private event loop, so that hundreds of calls need no threads.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any

from pydantic import BaseModel

from workbench.errors import BadReply, ContextOverflow, ModelError, WorkbenchError
from workbench.llm import structured
from workbench.llm.cache import ResponseCache, cache_key
from workbench.llm.model import ChatRequest, Completion, Model, count_messages
from workbench.llm.prices import Price
from workbench.llm.retry import RetryPolicy
from workbench.records import Call, Message, Phase, Reply
from workbench.text import text_hash

Record = Callable[[Call, str, str | None], None]


@dataclass(frozen=True, slots=True)
class CallTag:
    """Where a call belongs: its run and question, what it waits for, and its stable id."""

    run_id: str
    question_id: str | None
    context_id: str | None
    phase: Phase
    step: str
    parents: tuple[str, ...] = ()
    call_id: str = ""


@dataclass(frozen=True, slots=True)
class _Served:
    completion: Completion
    attempts: int
    queue_s: float
    in_flight: int
    from_cache: bool


def render(messages: Sequence[Message]) -> str:
    """Messages as the one text that is stored in the log."""
    return "\n\n".join(f"<{message.role}>\n{message.content}" for message in messages)


class Gateway:
    """One model, its price and its limits. Thread-safe; close it when done."""

    def __init__(
        self,
        model: Model,
        *,
        price: Price | None = None,
        cache: ResponseCache | None = None,
        fresh: bool = False,
        concurrency: int = 16,
        record: Record | None = None,
        retry: RetryPolicy | None = None,
        guard: Callable[[float, int], None] | None = None,
    ) -> None:
        self.model = model
        self.price = price
        self._cache = cache
        self._fresh = fresh
        self._record = record
        self._retry = retry or RetryPolicy()
        self._guard = guard
        self._lock = threading.Lock()
        self._in_flight = 0
        self._counts: dict[str, int] = {}
        self._concurrency = max(1, min(concurrency, getattr(model, "max_parallel", concurrency)))
        self._places = threading.BoundedSemaphore(self._concurrency)
        self._pool: ThreadPoolExecutor | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._loop_thread: threading.Thread | None = None
        self._async_places: asyncio.Semaphore | None = None

    # counting

    def count(self, text: str) -> int:
        """Tokens of a text by the model's tokenizer; long texts are remembered by hash."""
        if len(text) < 2_000:
            return self.model.count(text)
        key = text_hash(text)
        known = self._counts.get(key)
        if known is None:
            known = self.model.count(text)
            with self._lock:
                if len(self._counts) > 20_000:
                    self._counts.clear()
                self._counts[key] = known
        return known

    def count_messages(self, messages: Sequence[Message]) -> int:
        """Tokens of rendered messages, chat overhead included."""
        return count_messages(self, messages)

    # calling

    def complete(self, request: ChatRequest, tag: CallTag, schema: type[BaseModel] | None = None) -> Reply:
        """One call, blocking. Raises ContextOverflow, BudgetReached, ModelError; each is recorded first."""
        if self.model.is_async:
            return self._submit(request, tag, schema).result()
        return self._drive(self._steps(request, tag, schema))

    def complete_many(
        self, requests: Sequence[ChatRequest], tags: Sequence[CallTag], schema: type[BaseModel] | None = None
    ) -> list[Reply | Exception]:
        """Concurrent calls; the outcomes in order, a failed call as its exception."""
        futures: list[Future[Reply]]
        if self.model.is_async:
            futures = [self._submit(r, t, schema) for r, t in zip(requests, tags, strict=True)]
        elif len(requests) == 1 or self._concurrency == 1:
            return [
                self._outcome(lambda r=r, t=t: self.complete(r, t, schema)) for r, t in zip(requests, tags, strict=True)
            ]
        else:
            pool = self._threads()
            futures = [pool.submit(self.complete, r, t, schema) for r, t in zip(requests, tags, strict=True)]
        return [self._outcome(future.result) for future in futures]

    @staticmethod
    def _outcome(get: Callable[[], Reply]) -> Reply | Exception:
        try:
            return get()
        except Exception as error:  # handed to the caller as a value, in its place
            return error

    def _threads(self) -> ThreadPoolExecutor:
        with self._lock:
            if self._pool is None:
                self._pool = ThreadPoolExecutor(self._concurrency, thread_name_prefix="gateway")
            return self._pool

    # one logical call: the request, and re-asks when a structured reply cannot be parsed

    def _steps(self, request: ChatRequest, tag: CallTag, schema: type[BaseModel] | None) -> Any:
        """A generator of the physical calls of one logical call; driven by a thread or by the event loop."""
        if schema is None:
            served = yield request, tag
            return self._reply(served, tag, None)
        asked = replace(
            request,
            messages=structured.with_instruction(request.messages, schema),
            schema=schema.model_json_schema(),
        )
        step_tag, waiting = tag, tag.parents
        for attempt in range(structured.REASKS + 1):
            served = yield asked, step_tag
            parsed, problem = structured.parse(served.completion.text, schema)
            if parsed is not None:
                return self._reply(served, step_tag, parsed)
            if self._cache is not None:
                self._cache.forget(cache_key(self.model.name, asked))
            if attempt < structured.REASKS:
                asked = replace(asked, messages=structured.reask(asked.messages, served.completion.text, problem))
                waiting = (step_tag.call_id,)
                step_tag = replace(
                    tag, call_id=f"{tag.call_id}-{attempt + 1}", step=f"{tag.step}:reask", parents=waiting
                )
                if self.count_messages(asked.messages) + asked.max_tokens > self.model.window:
                    break
        return self._reply(served, step_tag, None)

    def _reply(self, served: _Served, tag: CallTag, parsed: Any) -> Reply:
        completion = served.completion
        return Reply(
            text=completion.text,
            call_id=tag.call_id,
            parsed=parsed,
            finish_reason=completion.finish_reason,
            prompt_tokens=completion.prompt_tokens,
            completion_tokens=completion.completion_tokens,
        )

    def _drive(self, steps: Any) -> Reply:
        served: _Served | None = None
        try:
            while True:
                request, tag = steps.send(served)
                served = self._serve(request, tag)
        except StopIteration as done:
            reply: Reply = done.value
            return reply

    async def _drive_async(self, steps: Any) -> Reply:
        served: _Served | None = None
        while True:
            try:
                request, tag = steps.send(served)
            except StopIteration as done:
                reply: Reply = done.value
                return reply
            served = await self._serve_async(request, tag)

    # one physical call

    def _serve(self, request: ChatRequest, tag: CallTag) -> _Served:
        ready = self._before(request, tag)
        if ready is not None:
            return ready
        waited = time.perf_counter()
        with self._places:
            queue_s = time.perf_counter() - waited
            attempts, failures = 0, _Failures(self._retry)
            self._enter()
            try:
                while True:
                    attempts += 1
                    started, wall = time.perf_counter(), time.time()
                    try:
                        completion = self.model.complete(request)
                        break
                    except ModelError as error:
                        delay = failures.delay(attempts, error)
                        if delay is None:
                            self._failed(request, tag, error, attempts, queue_s, wall)
                            raise
                        time.sleep(delay)
                    except WorkbenchError as error:
                        self._failed(request, tag, error, attempts, queue_s, wall)
                        raise
                in_flight = self._in_flight
            finally:
                self._leave()
        if completion.total_s == 0.0:
            completion = replace(completion, total_s=time.perf_counter() - started)
        return self._after(request, tag, completion, attempts, queue_s, in_flight, wall)

    async def _serve_async(self, request: ChatRequest, tag: CallTag) -> _Served:
        ready = self._before(request, tag)
        if ready is not None:
            return ready
        assert self._async_places is not None
        waited = time.perf_counter()
        async with self._async_places:
            queue_s = time.perf_counter() - waited
            attempts, failures = 0, _Failures(self._retry)
            self._enter()
            try:
                while True:
                    attempts += 1
                    wall = time.time()
                    try:
                        completion = await self.model.acomplete(request)
                        break
                    except ModelError as error:
                        delay = failures.delay(attempts, error)
                        if delay is None:
                            self._failed(request, tag, error, attempts, queue_s, wall)
                            raise
                        await asyncio.sleep(delay)
                    except WorkbenchError as error:
                        self._failed(request, tag, error, attempts, queue_s, wall)
                        raise
                in_flight = self._in_flight
            finally:
                self._leave()
        return self._after(request, tag, completion, attempts, queue_s, in_flight, wall)

    def _before(self, request: ChatRequest, tag: CallTag) -> _Served | None:
        """The window, the cache and the budget; a cached reply ends the call here."""
        tokens = self.count_messages(request.messages)
        if tokens + request.max_tokens > self.model.window:
            overflow = ContextOverflow(tokens, request.max_tokens, self.model.window)
            self._failed(request, tag, overflow, 0, 0.0, time.time())
            raise overflow
        if self._cache is not None and not self._fresh:
            kept = self._cache.get(cache_key(self.model.name, request))
            if kept is not None:
                served = _Served(kept, 1, 0.0, 0, True)
                self._emit(request, tag, served, time.time())
                return served
        if self._guard is not None:
            expected = self.price.cost(tokens) if self.price else 0.0
            self._guard(expected, tokens)
        return None

    def _after(
        self,
        request: ChatRequest,
        tag: CallTag,
        completion: Completion,
        attempts: int,
        queue_s: float,
        in_flight: int,
        wall: float,
    ) -> _Served:
        if not completion.text.strip() and completion.finish_reason not in ("stop", "length"):
            error = BadReply(f"empty reply, finish reason {completion.finish_reason!r}")
            self._failed(request, tag, error, attempts, queue_s, wall)
            raise error
        if self._cache is not None:
            self._cache.put(cache_key(self.model.name, request), self.model.name, request, completion)
        served = _Served(completion, attempts, queue_s, in_flight, False)
        self._emit(request, tag, served, wall)
        return served

    def _emit(self, request: ChatRequest, tag: CallTag, served: _Served, wall: float) -> None:
        if self._record is None:
            return
        completion = served.completion
        prompt = render(request.messages)
        cost = 0.0
        if self.price is not None:
            cost = self.price.cost(
                completion.prompt_tokens,
                completion.cached_tokens,
                completion.cache_write_tokens,
                completion.completion_tokens,
            )
        call = Call(
            call_id=tag.call_id,
            run_id=tag.run_id,
            question_id=tag.question_id,
            context_id=tag.context_id,
            phase=tag.phase,
            step=tag.step,
            parents=tag.parents,
            model=self.model.name,
            prompt_hash=text_hash(prompt),
            reply_hash=text_hash(completion.text),
            prompt_tokens=completion.prompt_tokens,
            cached_tokens=completion.cached_tokens,
            cache_write_tokens=completion.cache_write_tokens,
            completion_tokens=completion.completion_tokens,
            reasoning_tokens=completion.reasoning_tokens,
            token_source=completion.token_source or self.model.token_source,
            cost_usd=cost,
            queue_s=served.queue_s,
            first_token_s=completion.first_token_s,
            total_s=completion.total_s,
            attempts=served.attempts,
            from_cache=served.from_cache,
            in_flight=served.in_flight,
            finish_reason=completion.finish_reason,
            error=None,
            started_at=wall,
        )
        self._record(call, prompt, completion.text)

    def _failed(
        self, request: ChatRequest, tag: CallTag, error: WorkbenchError, attempts: int, queue_s: float, wall: float
    ) -> None:
        """A call that failed for good is a recorded fact too."""
        if self._record is None:
            return
        prompt = render(request.messages)
        call = Call(
            call_id=tag.call_id,
            run_id=tag.run_id,
            question_id=tag.question_id,
            context_id=tag.context_id,
            phase=tag.phase,
            step=tag.step,
            parents=tag.parents,
            model=self.model.name,
            prompt_hash=text_hash(prompt),
            reply_hash=None,
            prompt_tokens=0,
            cached_tokens=0,
            cache_write_tokens=0,
            completion_tokens=0,
            reasoning_tokens=0,
            token_source=self.model.token_source,
            cost_usd=0.0,
            queue_s=queue_s,
            first_token_s=None,
            total_s=max(0.0, time.time() - wall),
            attempts=attempts,
            from_cache=False,
            in_flight=self._in_flight,
            finish_reason="error",
            error=f"{type(error).__name__}: {error}"[:500],
            started_at=wall,
        )
        self._record(call, prompt, None)

    def _enter(self) -> None:
        with self._lock:
            self._in_flight += 1

    def _leave(self) -> None:
        with self._lock:
            self._in_flight -= 1

    # the private event loop

    def _submit(self, request: ChatRequest, tag: CallTag, schema: type[BaseModel] | None) -> Future[Reply]:
        return asyncio.run_coroutine_threadsafe(
            self._drive_async(self._steps(request, tag, schema)), self._running_loop()
        )

    def _running_loop(self) -> asyncio.AbstractEventLoop:
        with self._lock:
            if self._loop is None:
                loop = asyncio.new_event_loop()
                self._async_places = asyncio.Semaphore(self._concurrency)
                self._loop_thread = threading.Thread(target=loop.run_forever, name="gateway-loop", daemon=True)
                self._loop_thread.start()
                self._loop = loop
            return self._loop

    def close(self) -> None:
        """Close the backend's connections, the event loop and the threads."""
        if self._loop is not None and self._loop_thread is not None:
            closing = getattr(self.model, "aclose", None)
            if closing is not None:
                asyncio.run_coroutine_threadsafe(closing(), self._loop).result(timeout=10)
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._loop_thread.join(timeout=10)
            self._loop.close()
            self._loop = None
        if self._pool is not None:
            self._pool.shutdown(wait=False, cancel_futures=True)


class _Failures:
    """Counts the failures of one call, so that identical ones are capped."""

    def __init__(self, policy: RetryPolicy) -> None:
        self._policy = policy
        self._seen: dict[str, int] = {}

    def delay(self, attempt: int, error: ModelError) -> float | None:
        """Seconds to wait before the next attempt, or None to give up."""
        key = f"{type(error).__name__}: {error}"
        self._seen[key] = self._seen.get(key, 0) + 1
        policy = self._policy
        if not policy.retries(error) or attempt >= policy.attempts or self._seen[key] >= policy.allowed(error):
            return None
        return policy.wait_s(attempt, error)
