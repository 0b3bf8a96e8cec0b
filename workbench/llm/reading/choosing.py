"""Questions that name their possible answers: multiple choice, the earlier of two, several in order."""

from __future__ import annotations

import re
from collections.abc import Sequence

from workbench.llm.reading.finder import Finder
from workbench.llm.reading.passages import Sentence, content_terms, stem
from workbench.llm.reading.query import Query
from workbench.llm.reading.spans import value

_LESS = frozenset(
    map(stem, "earlier first older oldest fewer smaller less least before shorter lower earliest".split())
)
_MORE = frozenset(map(stem, "later last younger more larger greater after longer higher latest bigger most".split()))


def alternatives(question: str) -> list[str]:
    """The things that a question compares, as in "…, A or B?" or "in what order: A, B and C?"; empty when it compares
    none."""
    ordered = re.search(r"\border\b.*:\s*(.+?)\?*$", question)
    if ordered:
        return [_plain(item) for item in re.split(r",|\band\b", ordered.group(1)) if item.strip()]
    either = re.search(r",\s*(.+?)\s+or\s+(.+?)\?*$", question)
    return [_plain(item) for item in either.groups()] if either else []


def _plain(item: str) -> str:
    return re.sub(r"^(?:the|a|an)\s+", "", item.strip(), flags=re.I)


def compare(question: str, query: Query, finder: Finder, things: Sequence[str]) -> str | None:
    """The earlier, later, smaller or larger of `things`, or all of them in order: each is looked up with the question's
    other words, and the dates or numbers found are compared. None when one of them has no date or number."""
    shared = {term for thing in things for term in content_terms(thing)}
    terms = tuple(t for t in query.terms if t not in shared and t not in _LESS | _MORE)
    values: list[tuple[tuple[int, ...], str]] = []
    for thing in things:
        found = next((v for s in _mentions(thing, terms, finder) if (v := value(s.text))), None)
        if found is not None:
            values.append((found, thing))
    if len(values) < len(things):
        return None
    words = set(content_terms(question)) | {stem(w) for w in question.lower().split()}
    most = bool(words & _MORE) and not words & _LESS
    values.sort(key=lambda item: item[0], reverse=most)
    return ", ".join(thing for _, thing in values) if "order" in question.lower() else values[0][1]


def _mentions(thing: str, terms: tuple[str, ...], finder: Finder) -> list[Sentence]:
    """The sentences that name a thing, among those that match it and the terms best."""
    ranked = finder.ranked(Query((thing,), terms))
    return [s for _, i in ranked[:6] if thing in (s := finder.sentences[i]).text]


def choose(query: Query, finder: Finder, options: Sequence[str]) -> str:
    """The option with the best support, as "B. text": its words stand in the sentences that match the question."""
    best = []
    for number, option in enumerate(options):
        both = Query(query.names, (*query.terms, *content_terms(option)))
        own = Query((), tuple(content_terms(option)))
        total = sum(finder.weight(term) for term in own.terms) or 1.0
        top = finder.ranked(both)[:3]
        support = sum(finder.score(finder.sentences[i], own) * score for score, i in top) / total
        best.append((-support, number))
    letter = chr(ord("A") + min(best)[1])
    return f"{letter}. {options[min(best)[1]]}"
