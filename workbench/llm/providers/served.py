"""What all chat models behind HTTP share, whatever wire format they speak.

A request is sent; what comes back is noted as it arrives; parameters that the server does not know are left out and the
request is sent again; the outcome is a `Completion`, or an error of `workbench.errors` that carries what the failed
reply had used. A subclass adds the wire format: the request's body, and how one event of a reply is read.
"""

from __future__ import annotations

import asyncio
import time
from abc import ABC, abstractmethod
from collections.abc import Mapping
from contextlib import aclosing
from typing import Any

from workbench.errors import BadReply, ContextOverflow, ModelError
from workbench.llm.model import SERVER, ChatOverhead, ChatRequest, Completion, count_messages
from workbench.llm.providers.arrived import Arrived
from workbench.llm.providers.optional_parameters import OPTIONAL, unknown_parameter
from workbench.llm.providers.transport import Connection, HttpRefusal
from workbench.llm.tokens import TokenCounter

# Tokenizers differ by less than a factor of two; a server that counts fewer tokens than that has not read the prompt.
_LONG_PROMPT, _READ_SHARE, _UNSUSPICIOUS = 1_000, 0.5, 100_000


class ServedModel(ABC):
    """A chat model behind HTTP; `acomplete` runs on the gateway's event loop. Subclasses speak a wire format."""

    is_async = True

    def __init__(
        self,
        name: str,
        model: str,
        url: str,
        *,
        connection: Connection,
        window: int,
        max_output_tokens: int,
        counter: TokenCounter,
        rpm: float | None = None,
        tpm: float | None = None,
        first_token_target: float | None = None,
        kv_tokens: int | None = None,
    ) -> None:
        self.name = name
        self.kv_tokens = kv_tokens
        self.window = window
        self.max_output_tokens = max_output_tokens
        self.rpm, self.tpm, self.first_token_target = rpm, tpm, first_token_target
        self._model = model
        self._url = url
        self._connection = connection
        self._counter = counter
        self._left_out: set[str] = set()
        self._refused: set[str] = set()  # the part of `_left_out` that the server itself has refused

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.name!r})"  # never the key

    # what a wire format adds

    @abstractmethod
    def _body(self, request: ChatRequest) -> dict[str, Any]:
        """The request in the server's format."""

    @abstractmethod
    def _take(self, event: Mapping[str, Any], arrived: Arrived) -> bool:
        """Note in `arrived` what one event of the reply says; returns whether the reply is complete with it.

        A server that does not stream sends a single event, `{"whole": …}`. Raises HttpRefusal for an error inside the
        reply, and BadReply.
        """

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
        self._check_whole_prompt(request, completion)
        return completion

    async def _ask(self, request: ChatRequest, arrived: Arrived) -> None:
        """Send the request, and send it again without what the server does not know."""
        for _ in range(len(OPTIONAL) + 2):
            whole = self._body(request)
            body = {name: value for name, value in whole.items() if name not in self._left_out}
            arrived.left_out = tuple(name for name in OPTIONAL if name in whole and name in self._refused)
            try:
                await self._read(body, arrived)
                return
            except HttpRefusal as refusal:
                if refusal.is_overflow or not self._adapted(refusal, body):
                    raise

    async def _read(self, body: Mapping[str, Any], arrived: Arrived) -> None:
        """Send a body and note what comes, as it comes. Raises HttpRefusal and ModelError."""
        arrived.started = time.perf_counter()
        async with aclosing(self._connection.events(self._url, body)) as events:
            async for event in events:
                if self._take(event, arrived):
                    return

    def _adapted(self, refusal: HttpRefusal, sent: Mapping[str, Any]) -> bool:
        """Whether the refusal is about a parameter that the request can go without; it is left out from now on."""
        name = unknown_parameter(refusal, sent)
        if name is None:
            return False
        self._left_out.add(name)
        self._refused.add(name)
        return True

    # what has come of it

    def _named(self, refusal: HttpRefusal, request: ChatRequest) -> ContextOverflow | ModelError:
        """The error of ours that a refusal stands for."""
        if not refusal.is_overflow:
            return refusal.as_error(self.name)
        ours = self._tokens(request)
        fits = refusal.window(ours, request.max_tokens)
        return ContextOverflow(ours, request.max_tokens, self.window, said=refusal.body[:300], fits=fits)

    def _spent(self, request: ChatRequest, arrived: Arrived) -> Completion | None:
        """What a broken reply had used: the server worked for it, and bills it."""
        return self._completion(request, arrived) if arrived.parts or arrived.usage else None

    def _check_ended(self, arrived: Arrived) -> None:
        """Raise BadReply for a reply that stopped before it was finished."""
        if arrived.finish is None and not (arrived.ended and arrived.parts):
            what = "the stream ended in the middle of a reply" if arrived.parts else "the reply holds no choice"
            raise BadReply(f"{self.name}: {what}")

    def _check_whole_prompt(self, request: ChatRequest, completion: Completion) -> None:
        """Raise ContextOverflow when the server has cut the prompt. Ollama answers a prompt over its window as if
        nothing were wrong, after cutting it; only its token count tells."""
        if completion.token_source != SERVER or not 0 < completion.prompt_tokens < _UNSUSPICIOUS:
            return  # a count of zero comes from a server that does not count
        sent = self._tokens(request)
        if sent > _LONG_PROMPT and completion.prompt_tokens < sent * _READ_SHARE:
            read = completion.prompt_tokens
            said = f"it has read {read:,} tokens of it and left out the rest"
            overflow = ContextOverflow(sent, request.max_tokens, self.window, said=said, fits=read)
            overflow.spent = completion
            raise overflow

    def _completion(self, request: ChatRequest, arrived: Arrived) -> Completion:
        """What has arrived, as a completion; where the server gave no token count, ours stands in."""
        text = "".join(arrived.parts)
        usage = arrived.usage
        counted = "prompt_tokens" not in usage or "completion_tokens" not in usage
        prompt = usage["prompt_tokens"] if "prompt_tokens" in usage else self._tokens(request)
        prompt_logprobs = None
        if request.prompt_logprobs:
            prompt_logprobs = (arrived.prompt_logprobs or [])[-request.prompt_logprobs :] or None
        return Completion(
            text=text,
            prompt_tokens=prompt,
            completion_tokens=usage["completion_tokens"] if "completion_tokens" in usage else self.count(text),
            cached_tokens=min(usage.get("cached_tokens", 0), prompt),
            cache_write_tokens=min(usage.get("cache_write_tokens", 0), prompt),
            reasoning_tokens=usage.get("reasoning_tokens", 0),
            finish_reason=arrived.finish or "stop",
            token_source=self._counter.source if counted else SERVER,
            first_token_s=arrived.first_token_s,
            total_s=time.perf_counter() - arrived.started,
            left_out=arrived.left_out,
            first_token_logprobs=arrived.first_token_logprobs,
            prompt_logprobs=prompt_logprobs,
        )
