"""Keys and documents go to the address that was named, wherever the server points."""

from __future__ import annotations

import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from workbench.http_requests import open_without_redirects


@pytest.fixture
def elsewhere() -> Iterator[tuple[str, list[dict[str, str]]]]:
    """A server that sends everyone from / to /other, and the headers of what arrived at /other."""
    arrived: list[dict[str, str]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.path == "/other":
                arrived.append(dict(self.headers))
                self.send_response(200)
            else:
                self.send_response(302)
                self.send_header("Location", "/other")
            self.send_header("Content-Length", "0")
            self.end_headers()

        do_POST = do_GET

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/", arrived
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize("body", [None, b"{}"])
def test_a_redirect_is_an_error_and_the_key_stays(
    elsewhere: tuple[str, list[dict[str, str]]], body: bytes | None
) -> None:
    url, arrived = elsewhere
    request = urllib.request.Request(url, body, {"Authorization": "Bearer secret"})
    with pytest.raises(urllib.error.HTTPError, match="302"):
        open_without_redirects(request, timeout=5)
    assert arrived == []
