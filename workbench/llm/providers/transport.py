"""The HTTP side of a chat model: one session, server-sent events, and every failure as one of `workbench.errors`.

The client is aiohttp: 0.3 ms of our own time per call, where the `openai` package costs 2 ms (`benchmarks/gateway.py`
measures it). Third-party exceptions are mapped here and nowhere else. Keys live in the request headers only: whatever
a server says back is scrubbed before it becomes an error's text.
"""

from __future__ import annotations

import json
import re
import time
import urllib.request
from collections.abc import AsyncGenerator, Iterator, Mapping
from functools import lru_cache
from typing import Any
from urllib.parse import urlsplit

from workbench.errors import (
    BadReply,
    ModelError,
    ModelTimeout,
    QuotaSpent,
    RateLimited,
    RequestRefused,
    ServerGone,
)

# Keys as providers make them (OpenAI, Anthropic, Groq, Hugging Face, xAI, Google and others), or named as such.
_SECRET = re.compile(
    r"\b(?:(?:sk|pk|rk|key|gsk|hf|xai|r8|tgp|pplx|nvapi|fw|csk)[-_][A-Za-z0-9_\-.*]{6,}|AIza[A-Za-z0-9_\-.*]{6,})"
    r"|\bBearer\s+[^\s\"',]{6,}"
    r"|(?<=[?&](?:key|sig)=)[^&\s\"']+|(?<=[?&]token=)[^&\s\"']+|(?<=[?&]api[-_]key=)[^&\s\"']+"
)
# How providers word "too long": OpenAI, vLLM, Ollama and llama.cpp, Anthropic; Google, xAI, SGLang, TGI.
_OVERFLOW = re.compile(
    r"context_length_exceeded|context length|max_model_len|longer than the maximum model length"
    r"|exceeds? (?:the )?(?:available |model'?s? )?context (?:size|length|window)|exceed_context_size"
    r"|prompt is too long|input is too long|exceed context limit|max_tokens must be at least 1, got -"
    r"|reduce the length of the (?:messages|prompt)"
    r"|maximum number of tokens allowed|maximum prompt length is|exceeds the maximum allowed length"
    r"|`inputs` (?:tokens \+ `max_new_tokens` must be|must have less than)",
    re.I,
)
# How providers word "no credit left": OpenAI, Anthropic, DeepSeek, OpenRouter.
_QUOTA = re.compile(
    r"insufficient_quota|exceeded your current quota|billing_hard_limit|billing_not_active|credit balance is too low"
    r"|insufficient[ _](?:credits?|balance|funds)",
    re.I,
)
_DURATION = re.compile(r"(\d+(?:\.\d+)?)\s*(ms|mil|s|m|h|d)[a-z]*", re.I)
_UNIT = {"ms": 0.001, "mil": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86_400.0}
# "Please try again in 1m2.5s", "retry after 350 ms", Google's "retryDelay": "33s"
_AGAIN = re.compile(
    r"(?:try again|retry)\s+(?:in|after)\s+((?:\d[\d.]*\s*(?:ms|milli|s|m|h|d)[a-z]*[\s,]*(?:and\s+)?)+)"
    r'|retryDelay"?\s*:\s*"([\d.]+s)',
    re.I,
)


_NUMBER = r"(\d[\d,]*)"
# The window and the prompt's tokens in the words of OpenAI, vLLM, llama.cpp, Anthropic, Google, xAI, SGLang and TGI.
_LIMIT = re.compile(
    rf"maximum (?:context|model) length (?:is|of) {_NUMBER}|context (?:size|length|window)(?: of)? \(?{_NUMBER}"
    rf'|n_ctx"?\s*:\s*{_NUMBER}|> {_NUMBER}|tokens allowed \({_NUMBER}|configured limit of {_NUMBER}'
    rf"|maximum prompt length is {_NUMBER}|maximum allowed length \({_NUMBER}|must be <= {_NUMBER}|less than {_NUMBER}",
    re.I,
)
_ASKED = re.compile(
    rf"resulted in {_NUMBER}|{_NUMBER} in the messages|{_NUMBER} input tokens|\(length {_NUMBER}\)"
    rf'|n_prompt_tokens"?\s*:\s*{_NUMBER}|too long: {_NUMBER}|context limit: {_NUMBER}|token count \({_NUMBER}'
    rf"|request contains {_NUMBER}|input length \({_NUMBER}|given: {_NUMBER}",
    re.I,
)


def _named(pattern: re.Pattern[str], text: str) -> int | None:
    found = pattern.search(text)
    return int(next(filter(None, found.groups())).replace(",", "")) if found else None


_CONNECT_S = 20  # until a connection stands


def hide_secrets(text: str) -> str:
    """The text as one line of at most 2,000 characters, with what looks like a key blotted out."""
    return _SECRET.sub("***", " ".join(text.split()))[:2_000]


def wait_in(text: str) -> float | None:
    """The seconds after which a server's words ask to be tried again, if they do."""
    found = _AGAIN.search(text)
    return _seconds(found[1] or found[2]) if found else None


def _seconds(duration: str) -> float:
    return sum(float(number) * _UNIT[unit.lower()] for number, unit in _DURATION.findall(duration))


class HttpRefusal(Exception):
    """An answer other than 200: status, scrubbed body, and the seconds the server wants us to wait."""

    def __init__(self, status: int, body: str, retry_after: float | None = None) -> None:
        super().__init__(f"HTTP {status}: {body}")
        self.status, self.body, self.retry_after = status, body, retry_after

    @property
    def is_overflow(self) -> bool:
        """Whether the server says that the prompt does not fit its window."""
        return self.status in (400, 413, 422, 500) and _OVERFLOW.search(self.body) is not None

    def window(self, ours: int, reply_tokens: int) -> int:
        """The window, in our tokens, that an overflow's words allow: smaller than a prompt of `ours` tokens with its
        reply. Where the server counts more tokens than we do, its window holds fewer of ours."""
        limit, asked = _named(_LIMIT, self.body), _named(_ASKED, self.body)
        most = ours + reply_tokens - 1
        if asked is None or not asked:
            most = min(most, (ours + reply_tokens) * 9 // 10)
        elif limit is not None:
            limit = int(limit * min(1.0, ours / asked))
        return max(1, most if limit is None else min(most, limit))

    def as_error(self, name: str) -> ModelError:
        """The error to raise for the model called `name`."""
        line = f"{name}: HTTP {self.status}: {self.body[:300]}"
        if self.retry_after is None and (self.status == 402 or (self.status < 500 and _QUOTA.search(self.body))):
            return QuotaSpent(line, self.status)
        if self.status == 429 or self.status == 529 or (self.status == 503 and self.retry_after is not None):
            return RateLimited(line, self.retry_after)
        if self.status in (408, 504):
            return ModelTimeout(line)
        if self.status in (409, 425) or self.status >= 500:
            return ModelError(line)
        return RequestRefused(line, self.status)


def parsed(data: bytes, name: str) -> Mapping[str, Any]:
    """The JSON object that a server sent; raises BadReply naming the model when it is none."""
    try:
        value = json.loads(data.decode())
    except ValueError as error:
        raise BadReply(f"{name}: the reply is no JSON") from error
    if not isinstance(value, dict):
        raise BadReply(f"{name}: the reply is no JSON object")
    return value


class EventReader:
    """Server-sent events as JSON objects, from whatever blocks the network cuts them into.

    Data of several lines is one event (as the standard has it), and so is every line that is JSON by itself (as some
    servers have it, which send no blank line between events). `name` is the model's, for errors.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._rest = b""  # of a line
        self._held = b""  # lines of an event that goes on

    def events(self, block: bytes) -> Iterator[Mapping[str, Any]]:
        """The events that end in this block. Raises BadReply for one that is no JSON object."""
        *lines, self._rest = (self._rest + block).split(b"\n")
        for line in lines:
            if line.startswith(b"data:"):
                data = line[5:].strip()
                if self._held:
                    data = self._held + b"\n" + data
                if data == b"[DONE]":
                    yield {"done": True}
                elif data:
                    try:
                        event = parsed(data, self._name)
                    except BadReply:
                        self._held = data
                    else:
                        self._held = b""
                        yield event
            elif self._held and not line.strip():
                parsed(self._held, self._name)  # the event ends here, so this raises

    def last(self) -> Iterator[Mapping[str, Any]]:
        """The event that the stream ended in, if it is whole: some servers end it without a line end."""
        try:
            yield from list(self.events(b"\n"))
        except BadReply:
            return


class Connection:
    """Requests to one server. Bound to the event loop of its first request."""

    def __init__(
        self, name: str, *, headers: Mapping[str, str], secret: str | None, timeout: float, token_timeout: float
    ) -> None:
        self._name = name
        self._headers = {"Content-Type": "application/json", **headers}
        self._secret = secret
        self._timeout = timeout
        self._token_timeout = token_timeout
        self._session: Any = None

    async def events(self, url: str, body: Mapping[str, Any]) -> AsyncGenerator[Mapping[str, Any], None]:
        """POST `body` as JSON and yield the JSON objects of the reply: each event of a stream, or the one reply of a
        server that does not stream, as `{"whole": …}`. `{"done": True}` marks the end of an OpenAI stream.

        Raises HttpRefusal for an answer other than 200; ServerGone, ModelTimeout and BadReply.
        """
        import aiohttp

        if self._session is None:
            limits = aiohttp.ClientTimeout(total=self._timeout, sock_read=self._token_timeout, sock_connect=_CONNECT_S)
            connector = aiohttp.TCPConnector(limit=0, keepalive_timeout=60)
            self._session = aiohttp.ClientSession(headers=self._headers, timeout=limits, connector=connector)
        try:
            proxy = _proxy(url)
            async with self._session.post(
                url,
                data=json.dumps(body).encode(),
                proxy=proxy,
                allow_redirects=False,  # the key and the prompt go to the address that was given, nowhere else
            ) as response:
                if 300 <= response.status < 400:
                    host = urlsplit(response.headers.get("Location", "")).netloc.rpartition("@")[2]
                    raise RequestRefused(
                        f"{self._name}: the server redirects to {host or 'another path'}; "
                        "nothing was sent there; name the final address in the experiment",
                        response.status,
                    )
                if response.status != 200:
                    body_text = await response.text(errors="replace")
                    wait = _wait(response.headers)
                    if wait is None and response.status in (429, 503, 529):
                        wait = wait_in(body_text)
                    raise HttpRefusal(response.status, self.scrubbed(body_text), wait)
                if "text/event-stream" in response.headers.get("Content-Type", ""):
                    reader = EventReader(self._name)
                    # whole blocks: a line at a time costs several times as much
                    async for block in response.content.iter_any():
                        for event in reader.events(block):
                            yield event
                    for event in reader.last():
                        yield event
                else:
                    yield {"whole": parsed(await response.read(), self._name)}
        except aiohttp.ConnectionTimeoutError as error:
            raise ServerGone(f"{self._name}: no connection to {url} in {_CONNECT_S} s") from error
        except TimeoutError as error:
            raise ModelTimeout(f"{self._name}: no answer in time") from error
        except aiohttp.ClientConnectorError as error:
            raise ServerGone(f"{self._name}: cannot connect to {url}") from error
        except (aiohttp.ClientError, ConnectionError) as error:
            raise BadReply(f"{self._name}: the connection broke ({type(error).__name__})") from error

    def scrubbed(self, text: str) -> str:
        """A server's words as one line without secrets."""
        return hide_secrets(text.replace(self._secret, "***") if self._secret else text)

    async def close(self) -> None:
        """Close the connections."""
        if self._session is not None:
            await self._session.close()
            self._session = None


@lru_cache(maxsize=64)
def _proxy(url: str) -> str | None:
    """The proxy that the environment names for this address, if any."""
    parts = urlsplit(url)
    if not parts.hostname or urllib.request.proxy_bypass(parts.hostname):
        return None
    return urllib.request.getproxies().get(parts.scheme)


def _wait(headers: Mapping[str, str]) -> float | None:
    """Seconds that the server asks us to wait: retry-after-ms, Retry-After (seconds or an HTTP date), or OpenAI's reset
    headers."""
    try:
        return max(0.0, float(headers["retry-after-ms"]) / 1000)
    except (KeyError, ValueError):
        pass
    value = headers.get("Retry-After")
    if value:
        try:
            return max(0.0, float(value))
        except ValueError:
            from email.utils import parsedate_to_datetime

            try:
                return max(0.0, parsedate_to_datetime(value).timestamp() - time.time())
            except (TypeError, ValueError):
                return None
    resets = [
        _seconds(headers.get(f"x-ratelimit-reset-{kind}", ""))
        for kind in ("requests", "tokens")
        if headers.get(f"x-ratelimit-remaining-{kind}") == "0"
    ]
    return max(resets, default=None)
