"""Finding the sentences that answer, and trimming them to the answer."""

from __future__ import annotations

import re
from collections.abc import Sequence

from workbench.llm.reading.choosing import alternatives, choose, compare
from workbench.llm.reading.finder import Finder
from workbench.llm.reading.passages import Sentence, content_terms, meaning, stem
from workbench.llm.reading.query import Query, names_in, query_of
from workbench.llm.reading.spans import trim

_LONG_QUESTION = 5  # content words besides names
_SAID_AT_LEAST = 0.3  # of the weight of a long question's words, in one sentence
_HELD = 0.999  # a sentence "holds" the question when it matches this share of the best one's score


def answer(question: str, sentences: Sequence[Sentence], options: Sequence[str] = ()) -> str | None:
    """The answer to a question from sentences, or None when they do not hold it."""
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
    if not ranked or not _names_held(query, [finder.sentences[i] for _, i in ranked[:3]]):
        return None
    asked = question.lower()
    held = _holding(ranked, query, finder)
    if held and (_wants_list(asked) or (asked.startswith("how many") and len(held) > 1)):
        return _several(asked, held, query)
    if _too_far(query, finder, ranked):
        return None
    last, rest, query = _follow(query, finder, ranked)
    if rest and not any(meaning(term) in last.meanings for term in rest):
        return None
    return trim(asked, last, query)


def _names_held(query: Query, best: Sequence[Sentence]) -> bool:
    """Some sentence at the top holds a name of the question, if it has one."""
    return not query.names or any(
        name in s.text or set(content_terms(name)) & s.terms for s in best for name in query.names
    )


def _too_far(query: Query, finder: Finder, ranked: Sequence[tuple[float, int]]) -> bool:
    """No sentence at the top says much of what a long question asks (short ones are often paraphrased)."""
    if len(query.terms) < _LONG_QUESTION:
        return False
    asked = Query((), query.terms)
    total = sum(map(finder.weight, query.terms))
    return max(finder.score(finder.sentences[i], asked) for _, i in ranked[:5]) < _SAID_AT_LEAST * total


def _holding(ranked: Sequence[tuple[float, int]], query: Query, finder: Finder) -> list[Sentence]:
    """The sentences that match as well as the best one, when that one matches the name and some relation."""
    best = finder.sentences[ranked[0][1]]
    if not query.meanings & best.meanings:
        return []
    return [finder.sentences[i] for score, i in sorted(ranked, key=lambda x: x[1]) if score >= _HELD * ranked[0][0]]


def _wants_list(asked: str) -> bool:
    return bool(
        re.search(r"\blist\b|\bwhich (?:\w+ ){0,2}\w{2,}s (?:did|do|does|were|are|has|have)\b|\bwhat are\b", asked)
    )


def _several(asked: str, held: Sequence[Sentence], query: Query) -> str:
    answers = [trim(asked.replace("how many", "which"), sentence, query) for sentence in held]
    distinct = list(dict.fromkeys(answer for answer in answers if answer))
    return str(len(distinct)) if asked.startswith("how many") else ", ".join(distinct)


def _follow(
    query: Query, finder: Finder, ranked: Sequence[tuple[float, int]]
) -> tuple[Sentence, tuple[str, ...], Query]:
    """From the best sentence over shared names to the sentence that holds the rest of the question (at most 3 hops).

    Returns the last sentence, the question's terms that it has to hold, and the query it answers.
    """
    current = finder.sentences[ranked[0][1]]
    rest = _unheld(query.terms, current)
    seen = {current.text}
    for _ in range(3):
        bridges = names_in(current.text, query.names)
        if not rest or not bridges:
            break
        options = []
        for bridge in bridges:
            hop = Query((bridge,), rest)
            for score, i in finder.ranked(hop)[:5]:
                sentence = finder.sentences[i]
                gained = [t for t in rest if t not in _unheld(rest, sentence)]
                if bridge in sentence.text and gained and sentence.text not in seen:
                    options.append((sum(map(finder.weight, gained)), score, -i, sentence, hop))
        if not options:
            break
        *_, current, query = max(options, key=lambda option: option[:3])
        seen.add(current.text)
        rest, query = _unheld(rest, current), Query(query.names, rest)
    held = tuple(term for term in query.terms if term not in rest) or query.terms
    return current, held, query


def _unheld(terms: Sequence[str], sentence: Sentence) -> tuple[str, ...]:
    ignored = {stem(word) for word in ("person", "name", "organisation", "town", "place", "thing", "kind", "type")}
    return tuple(t for t in terms if t not in ignored and meaning(t) not in sentence.meanings)


def notes(question: str, sentences: Sequence[Sentence], most: int = 24) -> list[str]:
    """The sentences worth handing on, verbatim, in the order they stand: the best matches, and sentences about the
    names that the best ones bring up (for questions that need two steps)."""
    if not sentences:
        return []
    finder = Finder(sentences)
    query = query_of(question)
    things = alternatives(question)
    ranked = finder.ranked(query)
    if not ranked:
        return []
    floor = 0.45 * ranked[0][0]
    kept: dict[int, None] = {}
    for score, i in ranked[:most]:
        if score < floor or not _names_held(query, [finder.sentences[i]]):
            break
        kept[i] = None
    for thing in things:
        kept.update({i: None for _, i in finder.ranked(Query((thing,), query.terms))[:2] if thing in sentences[i].text})
    for i in list(kept)[:4]:
        rest = _unheld(query.terms, finder.sentences[i])
        for bridge in names_in(finder.sentences[i].text, query.names)[:3] if rest else ():
            hops = finder.ranked(Query((bridge,), rest))[:3]
            kept.update({j: None for _, j in hops if bridge in sentences[j].text and len(kept) < most})
    return list(dict.fromkeys(finder.sentences[i].text for i in sorted(kept)))
