"""From one sentence to the next over a name that both hold, as questions of several steps need."""

from __future__ import annotations

from collections.abc import Sequence

from workbench.llm.reading.finder import Finder
from workbench.llm.reading.passages import Sentence, meaning, stem
from workbench.llm.reading.query import Query, names_in

_MOST_HOPS = 3
_CANDIDATES = 5  # sentences looked at for each name
# Words that say what kind of thing is asked for; the answering sentence need not repeat them.
_KINDS = frozenset(map(stem, "person name organisation town place thing kind type".split()))


def follow(
    query: Query, finder: Finder, ranked: Sequence[tuple[float, int]]
) -> tuple[Sentence, tuple[str, ...], Query]:
    """From the best sentence over shared names to the sentence that holds the rest of the question.

    Returns the last sentence, the terms of the question that it has to hold, and the query that it answers.
    """
    current = finder.sentences[ranked[0][1]]
    rest = unheld(query.terms, current)
    seen = {current.text}
    for _ in range(_MOST_HOPS):
        bridges = names_in(current.text, query.names)
        if not rest or not bridges:
            break
        options = []
        for bridge in bridges:
            hop = Query((bridge,), rest)
            for score, i in finder.ranked(hop)[:_CANDIDATES]:
                sentence = finder.sentences[i]
                gained = [t for t in rest if t not in unheld(rest, sentence)]
                if bridge in sentence.text and gained and sentence.text not in seen:
                    options.append((sum(map(finder.weight, gained)), score, -i, sentence, hop))
        if not options:
            break
        *_, current, query = max(options, key=lambda option: option[:3])
        seen.add(current.text)
        rest, query = unheld(rest, current), Query(query.names, rest)
    held = tuple(term for term in query.terms if term not in rest) or query.terms
    return current, held, query


def unheld(terms: Sequence[str], sentence: Sentence) -> tuple[str, ...]:
    """The terms whose meaning a sentence does not hold, without those that only say what kind of thing is asked for."""
    return tuple(t for t in terms if t not in _KINDS and meaning(t) not in sentence.meanings)
