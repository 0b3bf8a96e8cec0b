"""HTTP requests of the small kind (discovery, embeddings, rerankers), never sent on to another address.

`urllib` follows a redirect with all headers, so a server could send our key and the documents to any host it names. A
chat API has no use for redirects; an answer of the 3xx kind is the error `urllib.error.HTTPError` here, like a 4xx.
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


def open_url(request: urllib.request.Request, *, timeout: float) -> Any:
    """The response to `request`, a context manager like that of `urllib.request.urlopen`, after at most `timeout`
    seconds. Raises urllib.error.URLError, and its HTTPError for every status that is not 2xx."""
    return _opener().open(request, timeout=timeout)
