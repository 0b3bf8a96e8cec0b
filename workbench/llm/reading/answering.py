"""Answering a question from sentences: find those that hold the answer, and trim them to it."""

from __future__ import annotations

import re
from collections.abc import Sequence

from workbench.llm.reading.choosing import alternatives, choose, compare
from workbench.llm.reading.finder import Finder, hold_a_name
from workbench.llm.reading.hops import follow
from workbench.llm.reading.passages import Sentence, meaning
from workbench.llm.reading.query import Query, query_of
from workbench.llm.reading.spans import trim

_LONG_QUESTION = 5  # content words besides names
_SAID_AT_LEAST = 0.3  # of the weight of a long question's words, in one sentence
_HELD = 0.999  # a sentence "holds" the question when it matches this share of the best one's score
_WANTS_LIST = re.compile(
    r"\blist\b|\bwhich (?:\w+ ){0,2}\w{2,}s (?:did|do|does|were|are|has|have)\b|\bwhat are\b"
)  # of a question in lower case


def answer(question: str, sentences: Sequence[Sentence], options: Sequence[str] = ()) -> str | None:
    """The answer to a question, or None when the sentences do not hold it; with `options`, always one of them."""
    if not sentences:
        return None
    finder = Finder(sentences)
    query = query_of(question)
    if options:
        return choose(query, finder, options)
    compared = alternatives(question)
    if compared:
        return compare(question, query, finder, compared)
    ranked = finder.ranked(query)
    if not ranked or not hold_a_name([finder.sentences[i] for _, i in ranked[:3]], query):
        return None
    asked = question.lower()
    held = _holding(ranked, query, finder)
    if held and (_WANTS_LIST.search(asked) or (asked.startswith("how many") and len(held) > 1)):
        return _several(asked, held, query)
    if _too_far(query, finder, ranked):
        return None
    last, rest, query = follow(query, finder, ranked)
    if rest and not any(meaning(term) in last.meanings for term in rest):
        return None
    return trim(asked, last, query)


def _holding(ranked: Sequence[tuple[float, int]], query: Query, finder: Finder) -> list[Sentence]:
    """The sentences that match as well as the best one, when that one holds some word of the question besides names."""
    best = finder.sentences[ranked[0][1]]
    if not query.meanings & best.meanings:
        return []
    return [finder.sentences[i] for score, i in sorted(ranked, key=lambda x: x[1]) if score >= _HELD * ranked[0][0]]


def _several(asked: str, held: Sequence[Sentence], query: Query) -> str:
    """The answers of several sentences as a list, or how many they are."""
    answers = [trim(asked.replace("how many", "which"), sentence, query) for sentence in held]
    distinct = list(dict.fromkeys(answer for answer in answers if answer))
    return str(len(distinct)) if asked.startswith("how many") else ", ".join(distinct)


def _too_far(query: Query, finder: Finder, ranked: Sequence[tuple[float, int]]) -> bool:
    """Whether no sentence at the top says much of what a long question asks; short questions are often paraphrased, so
    nothing is asked of theirs."""
    if len(query.terms) < _LONG_QUESTION:
        return False
    asked = Query((), query.terms)
    total = sum(map(finder.weight, query.terms))
    return max(finder.score(finder.sentences[i], asked) for _, i in ranked[:5]) < _SAID_AT_LEAST * total
