"""A zero-latency OpenAI-compatible endpoint in a process of its own: as little work per request as Python allows.

python benchmarks/endpoint.py [--delay SECONDS]      prints its port and serves until its standard input closes
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys

TEXT = "The answer is forty-two"
USAGE = {"prompt_tokens": 500, "completion_tokens": 5, "total_tokens": 505}
_META = {"id": "chatcmpl-1", "created": 1_700_000_000, "model": "bench"}


def _whole() -> bytes:
    choice = {"index": 0, "message": {"role": "assistant", "content": TEXT}, "finish_reason": "stop"}
    body = json.dumps({**_META, "object": "chat.completion", "choices": [choice], "usage": USAGE}).encode()
    head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


def _stream() -> bytes:
    def event(**fields: object) -> str:
        return "data: " + json.dumps({**_META, "object": "chat.completion.chunk", **fields}) + "\n\n"

    words = [" " + word for word in TEXT.split()]
    events = [event(choices=[{"index": 0, "delta": {"content": word}, "finish_reason": None}]) for word in words]
    events.append(event(choices=[{"index": 0, "delta": {}, "finish_reason": "stop"}]))
    events.append(event(choices=[], usage=USAGE))
    body = ("".join(events) + "data: [DONE]\n\n").encode()
    head = f"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


WHOLE, STREAM = _whole(), _stream()


class Endpoint(asyncio.Protocol):
    """Reads requests by their Content-Length and answers each after the delay."""

    def __init__(self, delay: float) -> None:
        self._delay = delay
        self._rest = b""
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._rest += data
        while True:
            end = self._rest.find(b"\r\n\r\n")
            if end < 0:
                return
            head = self._rest[:end].lower()
            at = head.find(b"content-length:")
            length = int(head[at + 15 :].split(b"\r\n", 1)[0]) if at >= 0 else 0
            if len(self._rest) < end + 4 + length:
                return
            body, self._rest = self._rest[end + 4 : end + 4 + length], self._rest[end + 4 + length :]
            reply = STREAM if b'"stream": true' in body or b'"stream":true' in body else WHOLE
            if self._delay:
                asyncio.get_running_loop().call_later(self._delay, self._answer, reply)
            else:
                self._answer(reply)

    def _answer(self, reply: bytes) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(reply)


async def serve(delay: float) -> None:
    """Serve until standard input closes."""
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Endpoint(delay), "127.0.0.1", 0, backlog=1024)
    print(server.sockets[0].getsockname()[1], flush=True)
    await loop.run_in_executor(None, sys.stdin.read)
    server.close()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--delay", type=float, default=0.0)
    asyncio.run(serve(parser.parse_args().delay))
