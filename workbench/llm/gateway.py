"""The gateway: every model call of the workbench passes here, exactly once, and leaves one record.

The order of a call: count the tokens and refuse what does not fit the window; look into the response cache; wait for
the rate limits and a place; ask the guard (a budget); send, with retries (`attempts.py`); commit the reply to the cache
and record the call (`bookkeeping.py`); hand the reply over. Callers are threads; a local model computes in the
caller's, backends over HTTP run on one private event loop. Both are driven by the same generator, which says what to
wait for and never waits itself (`drive.py`).
"""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import Any

from pydantic import BaseModel

from workbench.errors import ContextOverflow, RunStopped, WorkbenchError
from workbench.llm import structured
from workbench.llm.accounting import CallTag, Record, Spent
from workbench.llm.attempts import Guard, Sender
from workbench.llm.bookkeeping import Bookkeeper, Served
from workbench.llm.cache import ResponseCache
from workbench.llm.drive import Steps, Wait, Work, drive, drive_on_loop
from workbench.llm.limits import Breaker, Places
from workbench.llm.loop import LoopThread
from workbench.llm.model import ChatRequest, Model, count_messages
from workbench.llm.prices import Price
from workbench.llm.retry import RetryPolicy
from workbench.records import REASK, Message, Reply
from workbench.text import text_hash

__all__ = ["CallTag", "Gateway"]

# Texts at least this long are counted once and remembered; prompts above the second size are compressed and written on
# another thread, so that the loop does not keep other streams waiting (a first-token time would show it).
_LONG_TEXT = 2_000
_HEAVY_PROMPT = 60_000
_MOST_OVERHEAD = 200  # tokens that a chat template adds to a message, at most


@dataclass(frozen=True, slots=True)
class _Ask:
    """A logical call as it was handed in."""

    request: ChatRequest
    tag: CallTag
    schema: type[BaseModel] | None
    queued_at: float = field(default_factory=time.perf_counter)


class Gateway:
    """One model, its price and its limits. Thread-safe; close it when done.

    `fresh` asks the model again for replies that the cache holds. `record` receives every finished call with its prompt
    and reply. `guard` is asked before each attempt with the least that it will cost, and raises to stop. Where a
    `session` is named, what is paid is kept in the cache under its name, in one transaction with the reply that it was
    paid for.
    """

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
        guard: Guard | None = None,
        breaker: Breaker | None = None,
        session: str = "",
    ) -> None:
        self.model = model
        self.price = price
        self._books = Bookkeeper(model, price=price, cache=cache, fresh=fresh, record=record, session=session)
        self._sender = Sender(model, price=price, concurrency=concurrency, retry=retry, guard=guard, breaker=breaker)
        self._counts: dict[str, int] = {}
        self._loop = LoopThread("gateway")
        self._pool: ThreadPoolExecutor | None = None
        self._closed = False
        self._flying: dict[str, Future[None]] = {}  # by cache key: calls under way that others wait for
        self._lock = threading.Lock()  # of `_flying` and the model's window

    @property
    def places(self) -> Places:
        """How many calls are in flight, and the limit that the server's behaviour allows now."""
        return self._sender.places

    # counting

    def count(self, text: str) -> int:
        """Tokens of a text by the model's tokenizer; long texts are remembered by hash."""
        if len(text) < _LONG_TEXT:
            return self.model.count(text)
        key = text_hash(text)
        known = self._counts.get(key)
        if known is None:
            known = self.model.count(text)
            if len(self._counts) > 20_000:
                self._counts = {}
            self._counts[key] = known
        return known

    @property
    def chat_overhead(self) -> Any:
        """The model's measured chat overhead, if it has one."""
        return getattr(self.model, "chat_overhead", None)

    def count_messages(self, messages: Sequence[Message]) -> int:
        """Tokens of rendered messages, chat overhead included."""
        return count_messages(self, messages)

    # calling

    def complete(self, request: ChatRequest, tag: CallTag, schema: type[BaseModel] | None = None) -> Reply:
        """One call, blocking. Raises ContextOverflow and ModelError, recorded first, and RunStopped."""
        try:
            return self._start(_Ask(request, tag, schema)).result()
        except CancelledError as error:
            raise RunStopped("the call was broken off") from error

    def complete_many(
        self, requests: Sequence[ChatRequest], tags: Sequence[CallTag], schema: type[BaseModel] | None = None
    ) -> list[Reply | Exception]:
        """Concurrent calls; the outcomes in order, a failed call as its exception."""
        futures = [
            self._start(_Ask(request, tag, schema), together=len(requests) > 1)
            for request, tag in zip(requests, tags, strict=True)
        ]
        return [_outcome(future) for future in futures]

    def _start(self, ask: _Ask, *, together: bool = False) -> Future[Reply]:
        """Begin a call in the caller's thread: one that the window refuses or the cache answers ends here, without a
        hand-over. `together`: other calls follow, so a local model's call goes to a thread of the pool."""
        if self._closed:
            raise RunStopped("the call was broken off")
        steps = self._logical(ask)
        future: Future[Reply] = Future()
        try:
            step = next(steps)
            if self.model.is_async:
                return self._loop.submit(drive_on_loop(steps, step, self.model, self.places))
            if together and self.places.most > 1:
                if self._pool is None:
                    self._pool = ThreadPoolExecutor(self.places.most, thread_name_prefix="gateway")
                return self._pool.submit(drive, steps, step, self.model, self.places)
            future.set_result(drive(steps, step, self.model, self.places))
        except StopIteration as done:
            future.set_result(done.value)
        except Exception as error:  # handed over by result(), like one from the loop
            future.set_exception(error)
        return future

    def refuse(self, reason: str) -> None:
        """Send nothing from now on, for the reason given; calls in flight go on. For when replies can no longer be
        kept, so that no more are paid for."""
        self._sender.refuse(reason)

    def lower_window(self, overflow: ContextOverflow) -> bool:
        """Take the window that a server has named in an overflow as the model's window from now on.

        Returns whether the prompt that overflowed would now be refused without being sent, so that its method can be
        told how much to leave out.
        """
        if overflow.fits is None:
            return False
        with self._lock:
            if overflow.fits < self.model.window:
                self.model.window = overflow.fits
        return overflow.prompt_tokens + overflow.reply_tokens > self.model.window

    # one logical call: the request, and the requests after it while a structured reply cannot be parsed

    def _logical(self, ask: _Ask) -> Steps[Reply]:
        request, tag, schema = ask.request, ask.tag, ask.schema
        if schema is None:
            served = yield from self._physical(request, tag, None, ask.queued_at)
            return _reply(served, tag)
        request = replace(
            request,
            messages=structured.with_instruction(request.messages, schema),
            schema=schema.model_json_schema(),
        )
        served = yield from self._physical(request, tag, schema, ask.queued_at)
        for again in range(1, structured.REASKS + 1):
            if served.parsed is not None:
                break
            messages = structured.reask(request.messages, served.completion.text, served.problem)
            if self.count_messages(messages) + request.max_tokens > self.model.window:
                break
            request = replace(request, messages=messages)
            tag = replace(tag, call_id=f"{ask.tag.call_id}-{again}", step=ask.tag.step + REASK, parents=(tag.call_id,))
            served = yield from self._physical(request, tag, schema, time.perf_counter())
        return _reply(served, tag)

    # one physical call

    def _physical(
        self, request: ChatRequest, tag: CallTag, schema: type[BaseModel] | None, queued_at: float
    ) -> Steps[Served]:
        spent = Spent(queued_at)
        key = self._books.key(request)
        # no tokenizer has more tokens than bytes, so most replays need no counting
        fits = _surely_fits(request, self.model.window)
        if fits and (kept := self._books.replayed(key, request, tag, schema)) is not None:
            return kept
        tokens = self.count_messages(request.messages)
        if tokens + request.max_tokens > self.model.window:
            overflow = ContextOverflow(tokens, request.max_tokens, self.model.window)
            self._books.failed(request, tag, spent, overflow)
            raise overflow
        if not fits and (kept := self._books.replayed(key, request, tag, schema)) is not None:
            return kept
        flying: Future[None] | None = None
        while self._books.replays:
            with self._lock:
                before = self._flying.get(key)
                if before is None:
                    flying = self._flying[key] = Future()
                    break
            yield Wait(before)  # an equal call is under way and paid for; if it fails, this one is sent
            if (kept := self._books.replayed(key, request, tag, schema)) is not None:
                return kept
        try:
            return (yield from self._sent(key, request, tag, schema, spent, tokens))
        finally:
            if flying is not None:
                with self._lock:
                    del self._flying[key]
                flying.set_result(None)

    def _sent(
        self,
        key: str,
        request: ChatRequest,
        tag: CallTag,
        schema: type[BaseModel] | None,
        spent: Spent,
        tokens: int,
    ) -> Steps[Served]:
        """Send a call that nobody has answered yet, keep the reply and record it."""
        try:
            completion = yield from self._sender.sent(request, spent, tokens)
        except WorkbenchError as error:
            if spent.attempts:
                self._books.failed(request, tag, spent, error)
            raise
        served = Served.of(completion, schema)
        usable = schema is None or served.parsed is not None

        def keep() -> None:
            self._books.keep(key, request, tag, spent, served, usable=usable)

        yield Work(keep, heavy=sum(len(message.content) for message in request.messages) > _HEAVY_PROMPT)
        return served

    def close(self) -> None:
        """Close the backend's connections, the event loop and the threads; calls still under way are cancelled."""
        self._closed = True
        closing = getattr(self.model, "aclose", None)
        if closing is not None and self._loop.started:
            self._loop.submit(closing()).result(timeout=30)
        self._loop.close()
        if self._pool is not None:
            self._pool.shutdown(wait=False, cancel_futures=True)


def _surely_fits(request: ChatRequest, window: int) -> bool:
    """Whether the messages fit the window even if every byte were a token, chat overhead included."""
    most = sum(
        len(message.content) * (1 if message.content.isascii() else 4) + _MOST_OVERHEAD for message in request.messages
    )
    return most + request.max_tokens <= window


def _reply(served: Served, tag: CallTag) -> Reply:
    completion = served.completion
    return Reply(
        text=completion.text,
        call_id=tag.call_id,
        parsed=served.parsed,
        finish_reason=completion.finish_reason,
        prompt_tokens=completion.prompt_tokens,
        completion_tokens=completion.completion_tokens,
        first_token_logprobs=completion.first_token_logprobs,
        prompt_logprobs=completion.prompt_logprobs,
    )


def _outcome(future: Future[Reply]) -> Reply | Exception:
    try:
        return future.result()
    except CancelledError:
        return RunStopped("the call was broken off")
    except Exception as error:  # handed to the caller as a value, in its place
        return error
