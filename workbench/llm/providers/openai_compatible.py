"""Any OpenAI-compatible server, streamed: chat completions with usage, time to first token, and named failures."""

from __future__ import annotations

import asyncio
import re
import time
from abc import ABC, abstractmethod
from collections.abc import Mapping
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Any

from workbench.errors import BadReply, ContextOverflow, ModelError
from workbench.llm.model import SERVER, ChatOverhead, ChatRequest, Completion, count_messages
from workbench.llm.providers.transport import Connection, HttpRefusal, wait_in
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


class OpenAiCompatible(ServedModel):
    """`/chat/completions` of OpenAI, vLLM, Ollama, llama.cpp and the many servers that speak like them.

    `output_field` is how the server calls the reply's limit: OpenAI's newer models refuse `max_tokens`. What the
    server refuses to know (see `_OPTIONAL`) is left out from then on. `usage_in_every_event` asks vLLM for running
    usage, so that a stream that breaks is accounted to the token.
    """

    gives_logprobs = True  # as far as the interface goes; a server that does not send them is found out by the bench

    def __init__(
        self,
        *args: Any,
        json_schema: bool = True,
        output_field: str = "max_tokens",
        usage_in_every_event: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self._output_field = output_field
        self._running_usage = usage_in_every_event
        self.gives_prompt_logprobs = usage_in_every_event  # vLLM alone has both
        self._left_out = set() if json_schema else {"response_format"}

    def _body(self, request: ChatRequest) -> dict[str, Any]:
        options: dict[str, Any] = {"include_usage": True}
        if self._running_usage:
            options["continuous_usage_stats"] = True
        body: dict[str, Any] = {
            "model": self._model,
            "messages": [{"role": m.role, "content": m.content} for m in request.messages],
            self._output_field: request.max_tokens,
            "temperature": request.temperature,
            "stream": True,
            "stream_options": options,
        }
        if request.seed is not None:
            body["seed"] = request.seed
        if request.schema is not None:
            named = {"name": "reply", "schema": dict(request.schema)}
            body["response_format"] = {"type": "json_schema", "json_schema": named}
        if request.top_logprobs:
            body["logprobs"] = True
            body["top_logprobs"] = request.top_logprobs
        if request.prompt_logprobs:  # vLLM gives them in replies that it does not stream
            body["prompt_logprobs"] = 1
            body["stream"] = False
            del body["stream_options"]
        return body

    def _understood(self, refusal: HttpRefusal, sent: Mapping[str, Any]) -> bool:
        other = "max_tokens" if self._output_field == "max_completion_tokens" else "max_completion_tokens"
        if refusal.status in (400, 422) and self._output_field in sent and other in refusal.body:
            self._output_field = other
            return True
        return super()._understood(refusal, sent)

    async def _read(self, body: Mapping[str, Any], arrived: Arrived) -> None:
        arrived.started = time.perf_counter()
        async with aclosing(self._connection.events(self._url, body)) as events:
            async for event in events:
                if "done" in event:
                    arrived.ended = True
                    return
                if "whole" in event:
                    self._whole(event["whole"], arrived)
                    return
                error = event.get("error")
                if error:
                    raise HttpRefusal(_code(error), self._connection.scrubbed(str(error)), wait_in(str(error)))
                if event.get("usage"):
                    arrived.usage = _usage(event["usage"])
                for choice in event.get("choices") or ():
                    arrived.text(_content(choice.get("delta") or {}))
                    arrived.first_token_logprobs = arrived.first_token_logprobs or _first_token(choice)
                    arrived.finish = choice.get("finish_reason") or arrived.finish

    def _whole(self, reply: Mapping[str, Any], arrived: Arrived) -> None:
        """The reply of a server that does not stream: no first-token time."""
        if reply.get("error"):
            raise HttpRefusal(_code(reply["error"]), self._connection.scrubbed(str(reply["error"])))
        if reply.get("usage"):
            arrived.usage = _usage(reply["usage"])
        try:
            choice = reply["choices"][0]
            content = _content(choice["message"])
        except (KeyError, IndexError, TypeError, AttributeError) as error:
            raise BadReply(f"{self.name}: the reply holds no choice") from error
        if content:
            arrived.parts.append(content)
        arrived.first_token_logprobs = _first_token(choice)
        arrived.prompt_logprobs = _prompt_tokens(reply)
        arrived.finish = choice.get("finish_reason") or "stop"


def _first_token(choice: Mapping[str, Any]) -> dict[str, float] | None:
    """The likeliest first tokens of a choice, if it says; minus infinity comes as -9999 from some servers."""
    content = (choice.get("logprobs") or {}).get("content") or ()
    if not content:
        return None
    likeliest = content[0].get("top_logprobs") or [content[0]]
    return {str(entry["token"]): float(entry["logprob"]) for entry in likeliest if entry.get("logprob") is not None}


def _prompt_tokens(reply: Mapping[str, Any]) -> list[float] | None:
    """Log probabilities of the prompt's tokens but its first, from vLLM's reply: per token the alternatives by id, the
    prompt's own token first."""
    told = reply.get("prompt_logprobs") or ()
    own = [next(iter(entry.values())) for entry in told if entry]
    return [float(token["logprob"]) for token in own] or None


def _content(message: Mapping[str, Any]) -> str:
    """The text of a message or delta; some servers send it as a list of parts."""
    content = message.get("content") or ""
    if isinstance(content, str):
        return content
    return "".join(str(part.get("text") or "") if isinstance(part, Mapping) else str(part) for part in content)


def token_count(value: Any) -> int | None:
    """A number of tokens as a server gave it; None when it is none (text, a list, a negative or broken number)."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 1e12:
        return None
    return int(value)


def _usage(usage: Any) -> dict[str, int]:
    """The usage object under our names, what is no number of tokens left out. DeepSeek's and Anthropic's spellings of
    cached tokens are known too."""
    if not isinstance(usage, Mapping):
        return {}
    prompt, reply = (
        details if isinstance(details := usage.get(f"{kind}_tokens_details"), Mapping) else {}
        for kind in ("prompt", "completion")
    )
    found = {
        "prompt_tokens": usage.get("prompt_tokens"),
        "completion_tokens": usage.get("completion_tokens"),
        "cached_tokens": prompt.get("cached_tokens")
        or usage.get("cache_read_input_tokens")
        or usage.get("prompt_cache_hit_tokens"),
        "cache_write_tokens": prompt.get("cache_write_tokens") or usage.get("cache_creation_input_tokens"),
        "reasoning_tokens": reply.get("reasoning_tokens"),
    }
    return {name: count for name, value in found.items() if (count := token_count(value)) is not None}


def _code(error: Any) -> int:
    """The HTTP status that an error inside a reply stands for."""
    code = error.get("code") if isinstance(error, Mapping) else None
    return code if isinstance(code, int) and 400 <= code < 600 else 500
