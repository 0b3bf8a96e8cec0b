"""A question as the embedded reader understands it: its names and its other words."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from workbench.llm.reading.passages import STOP, content_terms, meaning

_NAME = re.compile(r"[A-ZÀ-Þ][\w'’\-]*(?:\s+(?:(?:of|de|von|van)\s+)?[A-ZÀ-Þ][\w'’\-]*)*")
_ASKERS = frozenset("who whom whose what which when where why how".split())


@dataclass(frozen=True, slots=True)
class Query:
    """A question's names and its other content terms."""

    names: tuple[str, ...]
    terms: tuple[str, ...]

    @property
    def meanings(self) -> frozenset[str]:
        return frozenset(map(meaning, self.terms))


def query_of(question: str) -> Query:
    """Names are capitalised spans but for the first word of the question."""
    names = []
    for match in _NAME.finditer(question):
        words = match.group().split()
        while words and (words[0].lower() in STOP or words[0].lower() in _ASKERS):
            words = words[1:]
        if words:
            names.append(" ".join(words).removesuffix("'s").removesuffix("’s"))
    named = {term for name in names for term in content_terms(name)}
    terms = [term for term in content_terms(question) if term not in named]
    return Query(tuple(dict.fromkeys(names)), tuple(dict.fromkeys(terms)))


def names_in(text: str, without: Iterable[str] = ()) -> list[str]:
    """Capitalised spans of a sentence, its ordinary first word left out, and those of `without`."""
    taken = {term for name in without for term in content_terms(name)}
    found = []
    for match in _NAME.finditer(text):
        words = match.group().split()
        while words and words[0].lower() in STOP | _ASKERS:
            words = words[1:]
        name = " ".join(words).strip("'’-")
        if not name or (match.start() == 0 and len(words) == 1 and " " not in name and name.lower() in STOP):
            continue
        terms = content_terms(name)
        if terms and not any(term in taken for term in terms):
            found.append(name)
    return list(dict.fromkeys(found))
