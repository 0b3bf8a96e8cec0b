"""The HTTP side of a chat model: one session, and every failure as one of `workbench.errors`.

The client is aiohttp: 0.3 ms of our own time per call, where the `openai` package costs 2 ms (`benchmarks/gateway.py`
measures it). Third-party exceptions are mapped here and nowhere else. Keys live in the request headers only: whatever
a server says back is scrubbed before it becomes an error's text.
"""

from __future__ import annotations

import asyncio
import json
import urllib.request
from collections.abc import AsyncGenerator, Mapping, Sequence
from functools import lru_cache
from typing import Any
from urllib.parse import urlsplit

from workbench.errors import BadReply, ModelTimeout, RequestRefused, ServerGone
from workbench.llm.providers.event_stream import ReplyReader
from workbench.llm.providers.refusals import HttpRefusal, hide_secrets, wait_in, wait_of

_CONNECT_S = 20  # until a connection stands


class Connection:
    """Requests to one server, by a session for each event loop that they come from."""

    def __init__(
        self, name: str, *, headers: Mapping[str, str], secrets: Sequence[str], timeout: float, token_timeout: float
    ) -> None:
        self._name = name
        self._headers = {"Content-Type": "application/json", **headers}
        self._secrets = sorted((secret for secret in secrets if secret), key=len, reverse=True)
        self._timeout = timeout
        self._token_timeout = token_timeout
        self._sessions: dict[Any, Any] = {}  # by event loop

    async def events(self, url: str, body: Mapping[str, Any]) -> AsyncGenerator[Mapping[str, Any], None]:
        """POST `body` as JSON and yield the JSON objects of the reply: each event of a stream, or the one reply of a
        server that does not stream, as `{"whole": …}`. `{"done": True}` marks the end of an OpenAI stream.

        Raises HttpRefusal for an answer other than 200; ServerGone, ModelTimeout and BadReply.
        """
        import aiohttp

        loop = asyncio.get_running_loop()
        session = self._sessions.get(loop)
        if session is None:
            limits = aiohttp.ClientTimeout(total=self._timeout, sock_read=self._token_timeout, sock_connect=_CONNECT_S)
            connector = aiohttp.TCPConnector(limit=0, keepalive_timeout=60)
            session = aiohttp.ClientSession(headers=self._headers, timeout=limits, connector=connector)
            self._sessions[loop] = session
        try:
            proxy = _proxy(url)
            async with session.post(
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
                    wait = wait_of(response.headers)
                    if wait is None and response.status in (429, 503, 529):
                        wait = wait_in(body_text)
                    raise HttpRefusal(response.status, self.scrubbed(body_text), wait)
                reader = ReplyReader(self._name)
                # whole blocks: a line at a time costs several times as much
                async for block in response.content.iter_any():
                    for event in reader.events(block):
                        yield event
                for event in reader.last():
                    yield event
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
        for secret in self._secrets:
            text = text.replace(secret, "***")
        return hide_secrets(text)

    async def close(self) -> None:
        """Close the connections of the running event loop."""
        session = self._sessions.pop(asyncio.get_running_loop(), None)
        if session is not None:
            await session.close()


@lru_cache(maxsize=64)
def _proxy(url: str) -> str | None:
    """The proxy that the environment names for this address, if any."""
    parts = urlsplit(url)
    if not parts.hostname or urllib.request.proxy_bypass(parts.hostname):
        return None
    return urllib.request.getproxies().get(parts.scheme)
