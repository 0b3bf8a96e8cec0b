"""JSON requests to embedding and reranking servers: passing failures are retried, others raise one clear error."""

from __future__ import annotations

import email.utils
import http.client
import json
import re
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from workbench.errors import ModelError, RequestRefused
from workbench.http_requests import open_without_redirects

T = TypeVar("T")
_ATTEMPTS = 5
_FIRST_WAIT = 0.5  # seconds before the second attempt, doubled each time
_LONGEST_WAIT = 60.0  # seconds, even if the server asks for more
_TIMEOUT = 120.0
_SAID = 300  # characters of the server's message that are shown
_BUSY = frozenset({408, 425, 429})  # worth a retry as it is, beside all from 500 on
_GATEWAY = frozenset({502, 503, 504, 529, *range(520, 528)})  # said by what stands before the model, of itself
_ACCOUNT = frozenset({401, 402, 403, 407})  # about who asks, not about what is asked
_ADDRESS = frozenset({404, 405, 501})  # perhaps about a field that is sent, never about its size
# A size in a message. It decides only whether a busy or failing server is asked again as it is: what a refusal is
# about is found by asking otherwise, whatever its words.
_SIZE = re.compile(
    r"too (?:large|long|big)|too many (?!requests|calls|concurrent)|exceed|at most|maximum|\bmax\b|\blimit(?! reached)"
    r"|(?:larger|longer|greater|bigger|more) than|batch|context|sequence length|reduce|shorten|split|fewer|smaller",
    re.I,
)
_TIME = re.compile(r"per (?:min|sec|hour|day)|try again|retry|wait|later|overload|too many requests|rate.?limit", re.I)
_ASKED = re.compile(r"limit\D{0,30}?([\d,]+).{0,60}?requested\D{0,30}?([\d,]+)", re.I | re.S)
_VARIES = re.compile(r"\b[0-9a-f-]{8,}\b|\d+", re.I)  # counts and request ids, which differ in the same message
# Keys as providers make them, and passwords in addresses. Ours is blotted out whatever it looks like.
_SECRET = re.compile(
    r"\b(?:(?:sk|pk|rk|key|gsk|hf|xai|pa|jina|nvapi)[-_][\w\-.*]{6,}|AIza[\w\-.*]{6,})|\bBearer\s+[^\s\"',]{6,}"
    r"|(?<=://)[^/\s@]+(?=@)|(?<=[?&]key=)[^&\s\"']+|(?<=[?&]token=)[^&\s\"']+|(?<=[?&]api[-_]key=)[^&\s\"']+",
    re.I,
)


def pattern_of(said: str) -> str:
    """A server's words without numbers and ids, which differ from one request to the next."""
    return _VARIES.sub("#", said)


class Refused(RequestRefused):
    """The server refuses a request as it is. `said`: the status and its words without secrets; `attempts`: how often
    the request was sent."""

    def __init__(self, what: str, status: int, said: str, attempts: int) -> None:
        super().__init__(f"{what}: the server says {said}", status)
        self.what, self.said, self.attempts = what, said, attempts
        self.code = status

    @property
    def pattern(self) -> str:
        """What it says without numbers and ids, which differ from one request to the next."""
        return pattern_of(self.said)

    def also_said(self, others: Sequence[str]) -> None:
        """Add to the message what the server said to other forms of the request, each once."""
        new = {pattern_of(said): said for said in others if pattern_of(said) != self.pattern}
        if new:
            self.args = (f"{self.args[0]}; asked in other forms: {'; '.join(new.values())}",)

    @property
    def is_about_content(self) -> bool:
        """Whether the same content in another form or size may be taken: not with a wrong key or a redirect."""
        return not 300 <= self.code < 400 and self.code not in _ACCOUNT

    @property
    def may_pass(self) -> bool:
        """Whether the same request may be taken later: the server failed, and does not speak of a size."""
        return _may_pass(self.code) and not _names_a_size(self.said)

    @property
    def may_be_size(self) -> bool:
        """Whether a smaller request may be taken."""
        return self.is_about_content and self.code not in _ADDRESS


class TooLarge(Refused):
    """The server takes a short text in the same form, so that size (or one of the texts) is the reason."""


class _Failure(Exception):
    """A reply other than good JSON: its status, words and the seconds of its Retry-After."""

    def __init__(self, status: int, words: str, retry_after: str | None = None) -> None:
        self.said = f"{status}: {words}" if words else str(status)
        super().__init__(f"the server says {self.said}")
        self.status, self.words, self.asks_to_wait, self.wait = status, words, retry_after, _retry_after(retry_after)

    def is_refusal(self, again: bool) -> bool:
        """Whether it is no use to send the same request once more; `again`: it said the same before."""
        if self.status in _BUSY or self.status in _GATEWAY:
            return _names_a_size(self.words) and (again or (self.status == 429 and not self.asks_to_wait))
        if _may_pass(self.status):
            return again and not self.asks_to_wait
        return True


def _may_pass(status: int) -> bool:
    """Whether a status says that the server is busy or failed; some put their failures into a 200 reply."""
    return status < 300 or status >= 500 or status in _BUSY


def _names_a_size(words: str) -> bool:
    asked = _ASKED.search(words)
    if asked and int(asked[2].replace(",", "") or 0) > int(asked[1].replace(",", "") or 0):
        return True  # more than there will ever be room for, though the message may speak of minutes
    return bool(_SIZE.search(words)) and not _TIME.search(words)


def post(
    url: str,
    body: dict[str, Any],
    key: str | None,
    what: str,
    read: Callable[[Any], T],
    *,
    repeated: set[str] | None = None,
    attempts_made: int = 0,
) -> T:
    """What `read` makes of the JSON reply to `body`.

    Makes up to five attempts when the server is busy or fails, the connection breaks or the reply is not JSON, with
    growing waits or the server's Retry-After, at most a minute each. `what` begins every error message, e.g.
    "embeddings of NAME". A server that fails twice with the same words refuses the request; such words are added to
    `repeated`, and the next time they are a refusal at once. With `attempts_made`, the attempts that remain after so
    many are made whatever it says.

    Raises BadReply when `read` does, without a retry, since a complete but wrong reply would come again; Refused for
    what is no use to send again; ModelError when all attempts failed.
    """
    raw = json.dumps(body).encode()
    known: set[str] = set() if repeated is None else repeated
    wait, before = 0.0, ""
    failure: Exception = ModelError("no attempt is left")
    for attempt in range(attempts_made + 1, _ATTEMPTS + 1):
        if attempt > 1:
            time.sleep(min(_LONGEST_WAIT, max(wait, _FIRST_WAIT * 2 ** (attempt - 2))))
        wait = 0.0
        try:
            reply = _exchange(url, raw, key)
            return read(reply)
        except _Failure as said:
            refusal = Refused(what, said.status, said.said, attempt)
            again = refusal.pattern == before or refusal.pattern in known
            patient = _may_pass(said.status) and (attempts_made or attempt == _ATTEMPTS)
            if said.is_refusal(again) and not patient:
                if again:
                    known.add(refusal.pattern)
                raise refusal from said
            failure, wait, before = said, said.wait, refusal.pattern
        except (OSError, http.client.HTTPException, ValueError) as error:
            failure, before = error, ""
    raise ModelError(f"{what} failed {_ATTEMPTS} times: {scrubbed(str(failure), key)}") from failure


def accepts(url: str, body: dict[str, Any], key: str | None) -> str:
    """Empty if the server takes a request, asked once; otherwise what it says."""
    try:
        _exchange(url, json.dumps(body).encode(), key)
    except _Failure as failure:
        return failure.said
    except (OSError, http.client.HTTPException, ValueError) as error:
        return scrubbed(str(error), key) or type(error).__name__
    return ""


def scrubbed(text: str, key: str | None) -> str:
    """A server's words as one line of at most 300 characters, without our key and what looks like another."""
    if key:
        text = text.replace(key, "***")
    return _SECRET.sub("***", " ".join(text.split()))[:_SAID]


def _exchange(url: str, raw: bytes, key: str | None) -> Any:
    """The JSON reply to one request. Raises _Failure, OSError, HTTPException, and ValueError for what is no JSON."""
    headers = {"Content-Type": "application/json"}
    if key:
        headers["Authorization"] = f"Bearer {key}"
    request = urllib.request.Request(url, raw, headers)  # noqa: S310 - callers checked the scheme
    try:
        with open_without_redirects(request, timeout=_TIMEOUT) as response:
            text = response.read().decode("utf-8", "replace")
    except urllib.error.HTTPError as error:
        words = "redirects are not followed: name the final address; " if 300 <= error.code < 400 else ""
        raise _Failure(error.code, words + _body(error, key), error.headers.get("Retry-After")) from error
    try:
        reply = json.loads(text)
    except ValueError as error:
        raise ValueError(f"the reply is no JSON: {scrubbed(text[: 4 * _SAID], key)}") from error
    wrong = reply.get("error") if isinstance(reply, dict) else None
    if wrong and not any(isinstance(value, list) for value in reply.values()):
        code = str(wrong.get("code") or wrong.get("status") if isinstance(wrong, dict) else "")
        status = int(code) if re.fullmatch("[45][0-9]{2}", code) else 200
        raise _Failure(status, scrubbed(text[: 4 * _SAID], key))
    return reply


def _body(error: urllib.error.HTTPError, key: str | None) -> str:
    try:
        return scrubbed(error.read(4 * _SAID).decode("utf-8", "replace"), key)
    except (OSError, http.client.HTTPException):
        return ""


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
