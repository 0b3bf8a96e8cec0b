"""What all chat models behind HTTP share, whatever wire format they speak: counting, refusals, broken replies."""

from __future__ import annotations

import asyncio
import re
import time
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from workbench.errors import BadReply, ContextOverflow, ModelError
from workbench.llm.model import SERVER, ChatOverhead, ChatRequest, Completion, count_messages
from workbench.llm.providers.transport import Connection, HttpRefusal
from workbench.llm.tokens import TokenCounter

# What a server may not know; it is left out from the first refusal that names it.
_OPTIONAL = ("stream_options", "response_format", "seed", "temperature")
# Tokenizers differ by less than a factor of two; a server that counts fewer tokens than that has not read the prompt.
_LONG_PROMPT, _READ_SHARE, _UNSUSPICIOUS = 1_000, 0.5, 100_000
_UNKNOWN = re.compile(
    r"unsupported|not supported|unrecognized|unknown|extra_forbidden|not permitted|unexpected|deprecated", re.I
)


@dataclass(slots=True)
class Arrived:
    """What has come of a reply so far."""

    started: float = field(default_factory=time.perf_counter)
    parts: list[str] = field(default_factory=list)
    usage: dict[str, int] = field(default_factory=dict)
    finish: str | None = None
    first_token_s: float | None = None
    left_out: tuple[str, ...] = ()
    first_token_logprobs: dict[str, float] | None = None
    prompt_logprobs: list[float] | None = None
    ended: bool = False

    def text(self, piece: str) -> None:
        """A piece of visible text."""
        if piece:
            if self.first_token_s is None:
                self.first_token_s = time.perf_counter() - self.started
            self.parts.append(piece)


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
        self._refused: set[str] = set()  # what of it the server has refused to know

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.name!r})"  # never the key

    @property
    def token_source(self) -> str:
        """The tokenizer that counts before a call."""
        return self._counter.source

    @property
    def chat_overhead(self) -> ChatOverhead | None:
        """The chat template's own tokens, where the counter could measure them."""
        return getattr(self._counter, "chat_overhead", None)

    def count(self, text: str) -> int:
        return self._counter.count(text)

    def complete(self, request: ChatRequest) -> Completion:
        """One request outside a gateway, on an event loop of its own."""
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
        arrived = Arrived()
        try:
            await self._ask(request, arrived)
        except HttpRefusal as refusal:
            if refusal.is_overflow:
                ours = self._tokens(request)
                fits = refusal.window(ours, request.max_tokens)
                overflow = ContextOverflow(ours, request.max_tokens, self.window, said=refusal.body[:300], fits=fits)
                overflow.spent = self._spent(request, arrived)
                raise overflow from refusal
            error = refusal.as_error(self.name)
            error.spent = self._spent(request, arrived)  # an error in the middle of a stream comes after paid text
            raise error from refusal
        except ModelError as error:
            error.spent = self._spent(request, arrived)
            raise
        except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as odd:
            broken = BadReply(f"{self.name}: the reply has an unknown shape ({type(odd).__name__})")
            broken.spent = self._spent(request, arrived)
            raise broken from odd
        if arrived.finish is None and not (arrived.ended and arrived.parts):
            what = "the stream ended in the middle of a reply" if arrived.parts else "the reply holds no choice"
            broken = BadReply(f"{self.name}: {what}")
            broken.spent = self._spent(request, arrived)
            raise broken
        completion = self._completion(request, arrived)
        self._check_whole_prompt(request, completion)
        return completion

    def _spent(self, request: ChatRequest, arrived: Arrived) -> Completion | None:
        """What a broken reply had used: the server worked for it, and bills it."""
        return self._completion(request, arrived) if arrived.parts or arrived.usage else None

    def _check_whole_prompt(self, request: ChatRequest, completion: Completion) -> None:
        """Ollama answers a prompt over its window as if nothing were wrong, after cutting it; only its count tells."""
        if completion.token_source != SERVER or not 0 < completion.prompt_tokens < _UNSUSPICIOUS:
            return  # none at all is a server that does not count
        sent = self._tokens(request)
        if sent > _LONG_PROMPT and completion.prompt_tokens < sent * _READ_SHARE:
            read = completion.prompt_tokens
            said = f"it has read {read:,} tokens of it and left out the rest"
            overflow = ContextOverflow(sent, request.max_tokens, self.window, said=said, fits=read)
            overflow.spent = completion
            raise overflow

    async def _ask(self, request: ChatRequest, arrived: Arrived) -> None:
        """Ask, and ask again without what the server does not know."""
        for _ in range(len(_OPTIONAL) + 2):
            whole = self._body(request)
            body = {name: value for name, value in whole.items() if name not in self._left_out}
            arrived.left_out = tuple(name for name in _OPTIONAL if name in whole and name in self._refused)
            try:
                await self._read(body, arrived)
                return
            except HttpRefusal as refusal:
                if refusal.is_overflow or not self._understood(refusal, body):
                    raise

    def _understood(self, refusal: HttpRefusal, sent: Mapping[str, Any]) -> bool:
        """Whether the server refused one of our parameters that the request can go without; it is left out now."""
        if refusal.status not in (400, 422):
            return False
        for name in _OPTIONAL:
            if name in sent and name in refusal.body and _UNKNOWN.search(refusal.body):
                self._left_out.add(name)
                self._refused.add(name)
                return True
        return False

    @abstractmethod
    def _body(self, request: ChatRequest) -> dict[str, Any]:
        """The request in the server's format."""

    @abstractmethod
    async def _read(self, body: Mapping[str, Any], arrived: Arrived) -> None:
        """Ask, and note in `arrived` what comes, as it comes. Raises HttpRefusal and ModelError."""

    def _completion(self, request: ChatRequest, arrived: Arrived) -> Completion:
        text = "".join(arrived.parts)
        usage = arrived.usage
        counted = "prompt_tokens" not in usage or "completion_tokens" not in usage
        prompt = usage["prompt_tokens"] if "prompt_tokens" in usage else self._tokens(request)
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
            prompt_logprobs=(arrived.prompt_logprobs or [])[-request.prompt_logprobs :] or None
            if request.prompt_logprobs
            else None,
        )

    def _tokens(self, request: ChatRequest) -> int:
        return count_messages(self, request.messages) if request.counted is None else request.counted


def token_count(value: Any) -> int | None:
    """A number of tokens as a server gave it; None when it is none (text, a list, a negative or broken number)."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 1e12:
        return None
    return int(value)
