"""A small HTTP server on a thread of its own that speaks whatever wire it is given, and keeps what it was sent."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Protocol

Body = Mapping[str, Any]


class Cut(Exception):
    """Raised in a stream: the connection breaks here."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a wire sends back: a JSON value or text, or a stream in pieces."""

    status: int = 200
    value: Any = None
    pieces: Iterable[bytes] | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    content_type: str | None = "application/json"


class Wire(Protocol):
    """What a provider's server does with a request. `headers` have small letters."""

    def get(self, path: str, headers: Mapping[str, str]) -> Answer:
        """The answer to a GET."""

    def post(self, path: str, body: Body, headers: Mapping[str, str]) -> Answer:
        """The answer to a POST."""


@dataclass(frozen=True, slots=True)
class Seen:
    """One request that came in."""

    path: str
    body: Body
    headers: Mapping[str, str]


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 64
    serving: Serving

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that goes away in the middle is no error of ours."""


class Serving:
    """A server for one wire at a time; use as a context manager. `seen` are the POSTs to `play`'s wire."""

    def __init__(self) -> None:
        self.wire: Wire | None = None
        self.seen: list[Seen] = []
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.serving = self
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)

    @property
    def root(self) -> str:
        """The address without a path."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def play(self, wire: Wire) -> None:
        """Serve this wire from now on, with nothing seen yet."""
        self.wire, self.seen = wire, []

    def __enter__(self) -> Serving:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._server.shutdown()
        self._server.server_close()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: _Server

    def do_GET(self) -> None:
        """Hand a GET to the wire."""
        assert self.server.serving.wire is not None
        self._send(self.server.serving.wire.get(self.path, self._small()))

    def do_POST(self) -> None:
        """Keep a POST, and hand it to the wire."""
        serving = self.server.serving
        body = json.loads(self.rfile.read(int(self.headers.get("Content-Length") or 0)) or b"{}")
        headers = self._small()
        serving.seen.append(Seen(self.path, body, headers))
        assert serving.wire is not None
        self._send(serving.wire.post(self.path, body, headers))

    def log_message(self, format: str, *args: Any) -> None:
        """Print nothing."""

    def _small(self) -> dict[str, str]:
        return {name.lower(): value for name, value in self.headers.items()}

    def _send(self, answer: Answer) -> None:
        self.send_response(answer.status)
        if answer.content_type is not None:
            self.send_header("Content-Type", answer.content_type)
        for name, value in answer.headers.items():
            self.send_header(name, value)
        if answer.pieces is not None:
            self._stream(answer.pieces)
            return
        value = answer.value
        data = value if isinstance(value, bytes) else (value if isinstance(value, str) else json.dumps(value)).encode()
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def _stream(self, pieces: Iterable[bytes]) -> None:
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        self.wfile.flush()
        try:
            for piece in pieces:
                self.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece))
            self.wfile.write(b"0\r\n\r\n")
        except Cut:
            self.close_connection = True
