"""JSON requests to embedding and reranking servers: passing failures are retried, others raise one clear error."""

from __future__ import annotations

import email.utils
import http.client
import json
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from typing import Any, TypeVar

from workbench.errors import BadReply, ModelError, RequestRefused
from workbench.http_requests import open_without_redirects

T = TypeVar("T")
_ATTEMPTS = 5
_FIRST_WAIT = 0.5  # seconds before the second attempt, doubled each time
_LONGEST_WAIT = 60.0  # seconds, even if the server asks for more
_TIMEOUT = 120.0
_PASSING = frozenset({408, 425, 429})  # statuses worth a retry, beside all from 500 on
_SAID = 300  # characters of the server's message that are shown


class TooLarge(RequestRefused):
    """The server refuses the request, perhaps for its size (status 400, 413 or 422): a smaller one may succeed."""


def post(url: str, body: dict[str, Any], key: str | None, what: str, read: Callable[[Any], T]) -> T:
    """What `read` makes of the JSON reply to `body`.

    Makes up to five attempts when the server is busy or fails, the connection breaks or the reply is not JSON, with
    growing waits or the server's Retry-After, at most a minute each. `what` begins every error message, e.g.
    "embeddings of NAME". Raises BadReply when `read` does, without a retry, since a complete but wrong reply would come
    again; RequestRefused for other statuses, and its subclass TooLarge where size may be the reason; ModelError when
    all attempts failed.
    """
    headers = {"Content-Type": "application/json"}
    if key:
        headers["Authorization"] = f"Bearer {key}"
    raw = json.dumps(body).encode()
    for attempt in range(1, _ATTEMPTS + 1):
        wait = 0.0
        try:
            request = urllib.request.Request(url, raw, headers)  # noqa: S310 - callers checked the scheme
            with open_without_redirects(request, timeout=_TIMEOUT) as response:
                reply = json.loads(response.read())
            return read(reply)
        except urllib.error.HTTPError as error:
            said = _said(error)
            if error.code not in _PASSING and error.code < 500:
                kind = TooLarge if error.code in (400, 413, 422) else RequestRefused
                raise kind(f"{what}: the server says {error.code}{said}") from error
            failure: Exception = error
            wait = _retry_after(error.headers.get("Retry-After"))
        except (OSError, http.client.HTTPException, ValueError) as error:
            failure = error
        if attempt < _ATTEMPTS:
            time.sleep(min(_LONGEST_WAIT, max(wait, _FIRST_WAIT * 2 ** (attempt - 1))))
    raise ModelError(f"{what} failed {_ATTEMPTS} times: {failure}") from failure


def listed(reply: Any, name: str, what: str) -> list[dict[str, Any]]:
    """The list of objects in a reply's field `name`. Raises BadReply."""
    rows = reply.get(name) if isinstance(reply, dict) else None
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise BadReply(f"{what}: the reply holds no list {name!r}")
    return rows


def counted(reply: Any, name: str) -> int:
    """The token count in the field `name` of a reply's `usage`; 0 where there is none."""
    usage = reply.get("usage") if isinstance(reply, dict) else None
    tokens = usage.get(name) if isinstance(usage, dict) else None
    return tokens if isinstance(tokens, int) and tokens > 0 else 0


def in_order(rows: list[dict[str, Any]], number: int, what: str) -> list[dict[str, Any]]:
    """Rows sorted by their `index`, one for each of `number` inputs; in the given order where none has an index. Raises
    BadReply when rows are missing, too many or wrongly numbered, since they could not be matched to their texts."""
    if len(rows) != number:
        raise BadReply(f"{what}: {len(rows)} results for {number} texts")
    if all(row.get("index") is None for row in rows):
        return rows
    placed = {row["index"]: row for row in rows if isinstance(row.get("index"), int)}
    if sorted(placed) != list(range(number)):
        raise BadReply(f"{what}: the results are not numbered from 0 to {number - 1}, each once")
    return [placed[place] for place in range(number)]


def _said(error: urllib.error.HTTPError) -> str:
    try:
        said = " ".join(error.read(4 * _SAID).decode("utf-8", "replace").split())[:_SAID]
    except (OSError, http.client.HTTPException):
        return ""
    return f": {said}" if said else ""


def _retry_after(value: str | None) -> float:
    """Seconds that a Retry-After header asks for, as a number or a date; 0 for anything else."""
    if not value:
        return 0.0
    try:
        seconds = float(value)
    except ValueError:
        try:
            seconds = email.utils.parsedate_to_datetime(value).timestamp() - time.time()
        except ValueError:
            return 0.0
    return max(0.0, seconds) if seconds == seconds else 0.0
