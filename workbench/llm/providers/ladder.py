"""Finding what of a request a server does not take, by elimination.

A request is made of parts that it can go without, or that can be said in several ways: each is a ladder of forms, the
wanted one first. When a server refuses a request, whatever its words or status, one ladder after the other is taken a
form further while the rest stays as it is: a request that passes, or that is refused for another reason, has found the
culprit. What was accepted once is above suspicion from then on, so a server's later refusals are about something else.
What a server has refused is remembered, and recorded with every call that is sent without it.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field

from workbench.llm.providers.refusals import HttpRefusal

# Statuses by which a server objects to what it was sent. The second kind are also used for other reasons, and count
# only when the words name a part of the request, or when another request of the same kind was taken.
_OBJECTS = frozenset({400, 406, 409, 415, 422, 501})
_MAY_OBJECT = frozenset({403, 404, 405})
_FAULTS = 2  # faults of a server in the same words that may pass by themselves
_VARYING = re.compile(r"\d+")


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a request: its name as it is recorded, the number of its forms, words by which servers name it, and
    whether going without it is worth a record."""

    name: str
    forms: int
    words: tuple[str, ...] = ()
    recorded: bool = True


Forms = Mapping[str, int]  # by part: the form in use, from 0
Attempt = Callable[[Forms], Awaitable[None]]


@dataclass
class Ladder:
    """What one server takes. `used` are the forms in use; `taken` the forms that it has accepted."""

    used: dict[str, int] = field(default_factory=dict)
    taken: set[tuple[str, int]] = field(default_factory=set)
    _hopeless: set[str] = field(default_factory=set)
    _seen: Counter[str] = field(default_factory=Counter)

    def form(self, name: str) -> int:
        """The form in use of a part."""
        return self.used.get(name, 0)

    def accept(self, parts: Iterable[Part], forms: Forms) -> None:
        """A request with these forms was answered."""
        self.taken.update((part.name, forms.get(part.name, 0)) for part in parts)

    def left_out(self, parts: Iterable[Part]) -> tuple[str, ...]:
        """The names of the parts that are not sent as they were wanted."""
        return tuple(part.name for part in parts if part.recorded and self.form(part.name))

    def suspects(self, refusal: HttpRefusal, parts: Iterable[Part], forms: Forms) -> list[Part]:
        """The parts that a refusal may be about, those that it names first; none where it is about something else."""
        kind = kind_of(refusal)
        open_parts = [
            part
            for part in parts
            if forms.get(part.name, 0) + 1 < part.forms and (part.name, forms.get(part.name, 0)) not in self.taken
        ]
        named = [part for part in open_parts if _mention(part, refusal.body) is not None]
        named.sort(key=lambda part: _mention(part, refusal.body) or 0)  # "`temperature` must be 1 when thinking is on"
        if kind in self._hopeless or not open_parts:
            return []
        status = refusal.status
        if status >= 500 and status not in _OBJECTS:
            # A passing fault is over by the third time, and what passes while it ends would be blamed for it.
            speaks = bool(named) or (status == 500 and self._seen[kind] >= _FAULTS)
            self._seen[kind] += 1
        elif status in _MAY_OBJECT:
            speaks = bool(named or self.taken or "parameter" in refusal.body)
        else:
            speaks = status in _OBJECTS
        return [*named, *(part for part in open_parts if part not in named)] if speaks else []

    async def settle(self, refusal: HttpRefusal, parts: list[Part], attempt: Attempt) -> None:
        """Send the request in other forms until it passes, and keep what has passed. Raises the refusal that no other
        form mends; what `attempt` raises that is no refusal of the request ends the search."""
        forms, first = dict(self.used), refusal
        while True:
            moved = await self._moved(refusal, parts, attempt, forms)
            if moved is None:
                self.used = forms
                return
            if moved is refusal:
                self._hopeless.add(kind_of(first))
                raise refusal
            refusal = moved

    async def _moved(
        self, refusal: HttpRefusal, parts: list[Part], attempt: Attempt, forms: dict[str, int]
    ) -> HttpRefusal | None:
        """Take one part further, in `forms`: None when the request passes then, another refusal when that is what the
        server objects to next, and the same when no part was to blame."""
        for part in self.suspects(refusal, parts, forms) if refusal.is_about_the_request else ():
            before = forms.get(part.name, 0)
            for form in range(before + 1, part.forms):
                forms[part.name] = form
                try:
                    await attempt(forms)
                except HttpRefusal as other:
                    if kind_of(other) == kind_of(refusal):
                        continue
                    if not other.is_about_the_request:
                        raise
                    return other
                return None
            forms[part.name] = before
        return refusal


def _mention(part: Part, words: str) -> int | None:
    """Where a refusal first speaks of a part; None where it does not."""
    places = [words.find(word) for word in (part.name, *part.words)]
    return min((place for place in places if place >= 0), default=None)


def kind_of(refusal: HttpRefusal) -> str:
    """What refusals that are the same have in common: status and words, without numbers."""
    return f"{refusal.status}: {_VARYING.sub('#', refusal.body)}"
