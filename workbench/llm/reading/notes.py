"""Notes on a part of a text: the sentences that bear on a question, verbatim."""

from __future__ import annotations

from collections.abc import Sequence

from workbench.llm.reading.choosing import alternatives
from workbench.llm.reading.finder import Finder, hold_a_name
from workbench.llm.reading.hops import unheld
from workbench.llm.reading.passages import Sentence
from workbench.llm.reading.query import Query, names_in, query_of

_WORTH = 0.45  # a sentence is worth a note when it matches this share of the best one's score


def notes(question: str, sentences: Sequence[Sentence], most: int = 24) -> list[str]:
    """The sentences worth handing on, in the order of the text: the best matches, and sentences about the names that
    the best ones bring up, for questions that need two steps. About `most` of them."""
    if not sentences:
        return []
    finder = Finder(sentences)
    query = query_of(question)
    things = alternatives(question)
    ranked = finder.ranked(query)
    if not ranked:
        return []
    floor = _WORTH * ranked[0][0]
    kept: dict[int, None] = {}
    for score, i in ranked[:most]:
        if score < floor or not hold_a_name([finder.sentences[i]], query):
            break
        kept[i] = None
    for thing in things:
        kept.update({i: None for _, i in finder.ranked(Query((thing,), query.terms))[:2] if thing in sentences[i].text})
    for i in list(kept)[:4]:
        rest = unheld(query.terms, finder.sentences[i])
        for bridge in names_in(finder.sentences[i].text, query.names)[:3] if rest else ():
            hops = finder.ranked(Query((bridge,), rest))[:3]
            kept.update({j: None for _, j in hops if bridge in sentences[j].text and len(kept) < most})
    return list(dict.fromkeys(finder.sentences[i].text for i in sorted(kept)))
