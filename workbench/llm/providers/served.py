"""What all chat models behind HTTP share, whatever wire format they speak.

A request is sent; what comes back is noted as it arrives; what of the request the server does not take is found by
elimination (`ladder.py`); the outcome is a `Completion`, or an error of `workbench.errors` that carries what the failed
reply had used. A subclass adds the wire format: the request's body and parts, and how one event of a reply is read.
"""

from __future__ import annotations

import asyncio
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from contextlib import aclosing
from typing import Any

from workbench.errors import BadReply, ContextOverflow, ModelError
from workbench.llm.model import (
    SERVER,
    ChatOverhead,
    ChatRequest,
    Completion,
    count_messages,
    reads_probabilities,
)
from workbench.llm.providers.arrived import Arrived
from workbench.llm.providers.ladder import Forms, Ladder, Part
from workbench.llm.providers.options import ModelOptions
from workbench.llm.providers.overflow import reply_limit
from workbench.llm.providers.reasoning import Form, Reasoning, forms, reserve_of, within
from workbench.llm.providers.refusals import HttpRefusal
from workbench.llm.providers.transport import Connection
from workbench.llm.providers.usage import FACTOR, figures, reports, settled, together, told_cost
from workbench.llm.tokens import TokenCounter

_LONG_PROMPT = 1_000  # tokens; from here on a server that counts less than half has cut the prompt, or counts otherwise


class ServedModel(ABC):
    """A chat model behind HTTP; `acomplete` runs on the gateway's event loop. Subclasses speak a wire format.

    `window_source` says where the window comes from: `file`, `server`, `listed` or `assumed`. `window_in_force` asks
    the server for its window again. `aliases` are the server's other names for the model; `binding`: the names of a
    provider say which model it is, while a server of one's own may call its model anything. The window that methods see
    leaves room for thoughts: it is smaller than the server's by the reserve.
    """

    is_async = True

    def __init__(
        self,
        name: str,
        model: str,
        url: str,
        *,
        connection: Connection,
        provider: str,
        options: ModelOptions,
        counter: TokenCounter,
        window: int,
        window_source: str = "file",
        window_in_force: Callable[[], int | None] | None = None,
        kv_tokens: int | None = None,
        aliases: frozenset[str] = frozenset(),
        binding: bool = True,
        cache_identity: str | None = None,
    ) -> None:
        self.name = name
        self.asked = model
        self.aliases = aliases
        self.names_bind = binding
        self.names_deployments = provider == "azure"
        self.cache_identity = cache_identity or name
        self.kv_tokens = kv_tokens
        self.reserve = reserve_of(provider, options.reasoning)
        self.window = window - self.reserve
        self.window_source = window_source
        self.max_output_tokens = options.max_output_tokens
        self.temperature = options.temperature
        self.rpm, self.tpm, self.first_token_target = options.rpm, options.tpm, options.first_token_target
        self._provider = provider
        self._options = options
        self._model = model
        self._url = url
        self._connection = connection
        self._counter = counter
        self._window_in_force = window_in_force
        self._window_told: int | None = None
        self._most_reply: int | None = None  # tokens, where the server has said so
        self._ladder = Ladder()
        self._search: tuple[Any, asyncio.Lock] | None = None  # the event loop, and the lock of its searches
        self._thinking: tuple[Form, ...] = tuple(forms(provider, options.reasoning))
        self._not_thinking: tuple[Form, ...] = tuple(forms(provider, Reasoning(off=True)))

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.name!r})"  # never the key

    # what a wire format adds

    @abstractmethod
    def _parts(self, request: ChatRequest) -> list[Part]:
        """The parts of a request that it can go without, or that can be said in several ways; the first are the first
        to be suspected."""

    @abstractmethod
    def _body(self, request: ChatRequest, forms: Forms) -> dict[str, Any]:
        """The request in the server's format, its parts in these forms."""

    @abstractmethod
    def _take(self, event: Mapping[str, Any], arrived: Arrived) -> bool:
        """Note in `arrived` what one event of the reply says; returns whether the reply is complete with it.

        A server that does not stream sends a single event, `{"whole": …}`. Raises HttpRefusal for an error inside the
        reply, and BadReply.
        """

    # parts that all formats have

    @property
    def can_not_think(self) -> bool:
        """Whether the provider has a way to switch thinking off."""
        return len(self._not_thinking) > 1

    def _reasoning_part(self, request: ChatRequest) -> list[Part]:
        name, known = self._reasoning(request)
        words = tuple(field for form in known for field in form)
        # a model that does not think need not be told not to
        return [Part(name, len(known), words, recorded=name == "reasoning")] if len(known) > 1 else []

    def _reasoning_fields(self, request: ChatRequest, forms: Forms) -> Form:
        name, known = self._reasoning(request)
        return within(known[min(forms.get(name, 0), len(known) - 1)], self._limit(request) - request.max_tokens)

    def _reasoning(self, request: ChatRequest) -> tuple[str, tuple[Form, ...]]:
        """The part of a request that speaks of thinking, and its forms. Where probabilities are read, the first token
        must be the answer's, so thinking is switched off."""
        if reads_probabilities(request):
            return "reasoning_off", self._not_thinking
        return "reasoning", self._thinking

    def _limit(self, request: ChatRequest) -> int:
        """The limit that the server gets: the visible tokens that were asked for, and the reserve for thoughts."""
        limit = request.max_tokens + (0 if reads_probabilities(request) else self.reserve)
        return min(limit, self._most_reply) if self._most_reply else limit

    def _note_usage(self, event: Mapping[str, Any], arrived: Arrived) -> None:
        """Note what an event says of tokens, money, and the model that serves."""
        for report in reports(event):
            together(arrived.usage, figures(report))
            cost = told_cost(report)
            arrived.told_usd = cost if cost is not None else arrived.told_usd
        if isinstance(event.get("model"), str):
            arrived.served = event["model"] or arrived.served
        if isinstance(event.get("service_tier"), str):
            arrived.tier = event["service_tier"]

    # counting

    @property
    def token_source(self) -> str:
        """The tokenizer that counts before a call."""
        return self._counter.source

    @property
    def chat_overhead(self) -> ChatOverhead | None:
        """The tokens that the chat template itself adds, where the counter could measure them."""
        return getattr(self._counter, "chat_overhead", None)

    def count(self, text: str) -> int:
        """Tokens of a text by our tokenizer."""
        return self._counter.count(text)

    def _tokens(self, request: ChatRequest) -> int:
        return count_messages(self, request.messages) if request.counted is None else request.counted

    # completing

    def complete(self, request: ChatRequest) -> Completion:
        """One request outside a gateway, on an event loop of its own. Raises what `acomplete` raises."""
        return asyncio.run(self._once(request))

    async def _once(self, request: ChatRequest) -> Completion:
        try:
            return await self.acomplete(request)
        finally:
            await self.aclose()

    async def aclose(self) -> None:
        """Close the connections."""
        await self._connection.close()

    async def acomplete(self, request: ChatRequest) -> Completion:
        """One attempt. Raises ContextOverflow when the server says that the prompt does not fit or has read only a part
        of it, else ModelError; the error's `spent` is what the server had already worked, and bills."""
        arrived = Arrived()
        try:
            await self._ask(request, arrived)
            self._check_ended(arrived)
        except HttpRefusal as refusal:
            named = self._named(refusal, request)
            named.spent = self._spent(request, arrived)  # an error in the middle of a stream comes after paid text
            raise named from refusal
        except ModelError as error:
            error.spent = self._spent(request, arrived)
            raise
        except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as odd:
            broken = BadReply(f"{self.name}: the reply has an unknown shape ({type(odd).__name__})")
            broken.spent = self._spent(request, arrived)
            raise broken from odd
        completion = self._completion(request, arrived)
        await self._check_whole_prompt(request, completion)
        return completion

    async def _ask(self, request: ChatRequest, arrived: Arrived) -> None:
        """Send the request, and send it again in other forms when the server objects to what is in it."""
        parts = self._parts(request)

        async def attempt(forms: Forms) -> None:
            try:
                await self._read(self._body(request, forms), arrived)
            except HttpRefusal as refusal:
                most = reply_limit(refusal.body, self._limit(request))
                if most is None or refusal.status >= 500 or arrived.parts or arrived.thoughts or arrived.usage:
                    raise
                self._most_reply = most
                await self._read(self._body(request, forms), arrived)
            self._ladder.accept(parts, forms)

        used = dict(self._ladder.used)
        try:
            await attempt(used)
        except HttpRefusal as refusal:
            if arrived.parts or arrived.thoughts or arrived.usage:
                raise  # it took the request, and failed later
            await self._search_forms(refusal, parts, attempt, used)
        arrived.left_out = self._ladder.left_out(parts)

    async def _search_forms(
        self, refusal: HttpRefusal, parts: list[Part], attempt: Callable[[Forms], Any], used: dict[str, int]
    ) -> None:
        """Find the forms that the server takes; one request searches, and others in flight use what it has found."""
        if not refusal.is_about_the_request:
            raise refusal
        loop = asyncio.get_running_loop()
        if self._search is None or self._search[0] is not loop:
            self._search = (loop, asyncio.Lock())
        async with self._search[1]:
            if self._ladder.used != used:
                try:
                    await attempt(dict(self._ladder.used))
                    return
                except HttpRefusal as other:
                    refusal = other
            if not refusal.is_about_the_request or not self._ladder.suspects(refusal, parts, self._ladder.used):
                raise refusal
            await self._ladder.settle(refusal, parts, attempt)

    async def _read(self, body: Mapping[str, Any], arrived: Arrived) -> None:
        """Send a body and note what comes, as it comes. Raises HttpRefusal and ModelError."""
        arrived.started = time.perf_counter()
        async with aclosing(self._connection.events(self._url, body)) as events:
            async for event in events:
                if self._take(event, arrived):
                    return

    # what has come of it

    def _named(self, refusal: HttpRefusal, request: ChatRequest) -> ContextOverflow | ModelError:
        """The error of ours that a refusal stands for."""
        if not refusal.is_overflow:
            return refusal.as_error(self.name)
        ours = self._tokens(request)
        fits = refusal.window(ours, self._limit(request)) - self.reserve
        return ContextOverflow(ours, request.max_tokens, self.window, said=refusal.body[:300], fits=max(1, fits))

    def _spent(self, request: ChatRequest, arrived: Arrived) -> Completion | None:
        """What a broken reply had used: the server worked for it, and bills it."""
        return self._completion(request, arrived) if arrived.parts or arrived.thoughts or arrived.usage else None

    def _check_ended(self, arrived: Arrived) -> None:
        """Raise BadReply for a reply that stopped before it was finished."""
        if arrived.finish is None and not (arrived.ended and (arrived.parts or arrived.thoughts)):
            what = "the stream ended in the middle of a reply" if arrived.parts else "the reply holds no choice"
            raise BadReply(f"{self.name}: {what}")

    async def _check_whole_prompt(self, request: ChatRequest, completion: Completion) -> None:
        """Raise ContextOverflow when the server has cut the prompt: it counts much less than was sent, and says itself
        that its window is smaller. A figure alone proves nothing; it is recorded as contradicting."""
        sent = self._tokens(request)
        if completion.token_source != SERVER or sent <= _LONG_PROMPT or completion.prompt_tokens * FACTOR >= sent:
            return
        if self._window_told is None and self._window_in_force is not None:
            asked = self._window_in_force
            self._window_told = await asyncio.get_running_loop().run_in_executor(None, asked) or 0
        if self._window_told and sent + request.max_tokens > self._window_told:
            read, window = completion.prompt_tokens, self._window_told
            said = f"it has read {read:,} tokens of it and left out the rest; its window is {window:,}"
            overflow = ContextOverflow(sent, request.max_tokens, self.window, said=said, fits=window - self.reserve)
            overflow.spent = completion
            raise overflow

    def _completion(self, request: ChatRequest, arrived: Arrived) -> Completion:
        """What has arrived, as a completion; where the server gave no token count, ours stands in."""
        text, thoughts = "".join(arrived.parts), "".join(arrived.thoughts)
        sent = self._tokens(request)
        used = settled(arrived.usage, sent)
        reply = used.completion_tokens
        prompt_logprobs = None
        if request.prompt_logprobs:
            prompt_logprobs = (arrived.prompt_logprobs or [])[-request.prompt_logprobs :] or None
        return Completion(
            text=text,
            thoughts=thoughts,
            prompt_tokens=sent if used.prompt_tokens is None else used.prompt_tokens,
            completion_tokens=self.count(text) + self.count(thoughts) if reply is None else reply,
            cached_tokens=used.cached_tokens,
            cache_write_tokens=used.cache_write_tokens,
            cache_write_hour_tokens=used.cache_write_hour_tokens,
            reasoning_tokens=used.reasoning_tokens or 0,
            reasoning_source=SERVER if used.reasoning_tokens is not None else "",
            finish_reason=arrived.finish or "stop",
            token_source=self._counter.source if None in (used.prompt_tokens, reply) else SERVER,
            first_token_s=arrived.first_token_s,
            total_s=time.perf_counter() - arrived.started,
            left_out=arrived.left_out,
            served_model=arrived.served,
            service_tier=arrived.tier,
            told_usd=arrived.told_usd,
            contradiction=used.contradiction,
            first_token_logprobs=arrived.first_token_logprobs,
            prompt_logprobs=prompt_logprobs,
        )
