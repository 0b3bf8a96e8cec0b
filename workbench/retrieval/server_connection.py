"""How one embedding or reranking server wants to be asked: found by asking it otherwise, and remembered."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from workbench.errors import RequestRefused
from workbench.retrieval.server_request import Refused, TooLarge, accepts, post
from workbench.text import count_tokens

K = TypeVar("K")
R = TypeVar("R")
T = TypeVar("T")
SHORT = "test"  # a text that no server refuses for its length
_SHOWN = 3  # refusals of other forms in a message


def forms_without(body: Mapping[str, Any], optional: Mapping[str, Any]) -> list[dict[str, Any]]:
    """A request with all its optional fields, without each of them, and without all."""
    forms = [{**body, **optional}]
    for name in optional:
        forms.append({**body, **{other: value for other, value in optional.items() if other != name}})
    return [*forms, dict(body)] if len(optional) > 1 else forms


class ServerConnection:
    """One server's address and what has been found out about it: the form that it takes and the size of its requests.

    Why a request is refused is not read from words or statuses, which every server has of its own. When one is refused,
    a short text is sent in the same form, then in the others. If it is taken in the same form, the size is the reason;
    if in another, that one is used from then on; if in none, the refusal is final. The same words are not looked into
    twice. `most` is the number of texts to send at once.
    """

    def __init__(self, url: str, key: str | None, what: str, most: int) -> None:
        self.what = what
        self.most = most
        self._url = url
        self._key = key
        self._form = 0  # place among the forms
        self._sizes: set[tuple[int, str]] = set()  # forms and words of refusals that are about size
        self._repeated: set[str] = set()  # words of a failing server that came again
        self._lock = threading.Lock()

    def ask(
        self,
        forms: Sequence[dict[str, Any]],
        short: Sequence[dict[str, Any]],
        read: Callable[[Any], T],
        *,
        alone: Sequence[str] = (),
    ) -> T:
        """What `read` makes of the reply to a request, given in all its forms, the likeliest first. `short`: the same
        forms with one short text. `alone`: all texts of a request that cannot be made smaller, empty for others.

        Raises TooLarge where it is to be made smaller, and RequestRefused with the texts' length where it cannot be;
        Refused, ModelError and BadReply as `post` does.
        """
        for _ in range(len(forms) + 1):
            form = self._form
            try:
                return post(self._url, forms[form], self._key, self.what, read, repeated=self._repeated)
            except Refused as refusal:
                found = self._reason(form, refusal, short)
                if found == "form":
                    last = refusal
                    continue
                if refusal.may_pass and (alone or found != "size"):
                    made = refusal.attempts
                    return post(self._url, forms[form], self._key, self.what, read, attempts_made=made)
                if found == "size" and refusal.may_be_size:
                    if alone:
                        raise self._refused_alone(refusal, alone) from refusal
                    raise TooLarge(refusal.what, refusal.code, refusal.said, refusal.attempts) from refusal
                raise
        raise last  # a server that takes a short text now in this form, now in that

    def in_parts(self, items: Sequence[K], ask: Callable[[Sequence[K]], R]) -> list[R]:
        """What `ask` gives for the items, at most `most` at once, in order. Where it raises TooLarge, as it must not
        for a single item, they are halved and `most` becomes the smaller size. Raises what else `ask` raises."""
        if len(items) > self.most:  # another thread has found this size to be too large
            return self._halves(items, ask)
        try:
            return [ask(items)]
        except TooLarge:
            if len(items) == 1:
                raise
            self.most = min(self.most, (len(items) + 1) // 2)
            return self._halves(items, ask)

    def _halves(self, items: Sequence[K], ask: Callable[[Sequence[K]], R]) -> list[R]:
        middle = (len(items) + 1) // 2
        return self.in_parts(items[:middle], ask) + self.in_parts(items[middle:], ask)

    def _refused_alone(self, refusal: Refused, texts: Sequence[str]) -> RequestRefused:
        kind = "a text" if len(texts) == 1 else "a question with a passage"
        tokens, characters = sum(map(count_tokens, texts)), sum(map(len, texts))
        return RequestRefused(
            f"{self.what}: the server takes a short text, but not {kind} of {tokens:,} tokens ({characters:,} "
            f"characters) by itself; it says {refusal.said} — if that is too long for it, set a smaller chunk_tokens",
            refusal.code,
        )

    def _reason(self, form: int, refusal: Refused, short: Sequence[dict[str, Any]]) -> str:
        """What is to be changed: `size`, `form` (another is set by now), or `nothing`. Several threads may be refused
        at once; one finds out and the others wait for it."""
        if not refusal.is_about_content:
            return "nothing"
        with self._lock:
            if self._form != form:
                return "form"
            if (form, refusal.pattern) in self._sizes:
                return "size"
            others = []
            for candidate in (form, *(place for place in range(len(short)) if place != form)):
                said = accepts(self._url, short[candidate], self._key)
                if said:
                    others.append(said)
                elif candidate == form:
                    self._sizes.add((form, refusal.pattern))
                    return "size"
                else:
                    self._form = candidate
                    return "form"
        refusal.also_said(others[1:][:_SHOWN])
        return "nothing"
