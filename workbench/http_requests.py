"""HTTP requests to servers that the user named, without following redirects.

Used for server discovery, embedding servers and rerankers. `urllib` follows a redirect with all headers, so that a
server could have our key and the documents sent to any host. None of these APIs needs redirects; a 3xx reply raises
`urllib.error.HTTPError` here, like a 4xx reply.
"""

from __future__ import annotations

import urllib.request
from functools import lru_cache
from typing import Any


class _Refuse(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: Any) -> None:
        return None


@lru_cache(maxsize=1)
def _opener() -> urllib.request.OpenerDirector:
    return urllib.request.build_opener(_Refuse())


def open_without_redirects(request: urllib.request.Request, *, timeout: float) -> Any:
    """The response to `request`, a context manager like that of `urllib.request.urlopen`, after at most `timeout`
    seconds. Raises urllib.error.URLError, and its HTTPError for every status that is not 2xx."""
    return _opener().open(request, timeout=timeout)
