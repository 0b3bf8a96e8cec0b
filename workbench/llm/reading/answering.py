"""Finding the sentences that answer, and trimming them to the answer."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from workbench.llm.reading.passages import STOP, Sentence, content_terms, meaning, stem

_NAME = re.compile(r"[A-ZÀ-Þ][\w'’\-]*(?:\s+(?:(?:of|de|von|van)\s+)?[A-ZÀ-Þ][\w'’\-]*)*")
_MONTH = "January|February|March|April|May|June|July|August|September|October|November|December"
_DATE = re.compile(
    rf"\b\d{{1,2}}(?:st|nd|rd|th)? (?:{_MONTH}),? \d{{4}}\b|\b(?:{_MONTH}) \d{{1,2}}(?:st|nd|rd|th)?,? \d{{4}}\b"
    rf"|\b(?:{_MONTH}),? \d{{4}}\b|\b[12]\d{{3}}\b"
)
_NUMBER = re.compile(r"(?<![\w.])\d[\d,]*(?:\.\d+)?(?!\w)")
_LEAD = re.compile(
    r"^(?:(?:as|in|on|at|by|to|of|for|from|with|that|is|was|were|a|an|the|its|his|her|their|be)\s+)+", re.I
)
_TOLD = re.compile(r"^\s*(?:is|are|was|were)?\s*:\s*(\S+?)[.,;]?\s*$")  # "... is: 1234."
_CLAUSE = re.compile(r"[,;:.!?—]|\s(?:and then|which|who|where|because|when|while|but)\s")
_ASKERS = frozenset("who whom whose what which when where why how".split())
_LESS = frozenset(
    map(
        stem,
        [
            "earlier",
            "first",
            "older",
            "oldest",
            "fewer",
            "smaller",
            "less",
            "least",
            "before",
            "shorter",
            "lower",
            "earliest",
        ],
    )
)
_MORE = frozenset(
    map(
        stem,
        [
            "later",
            "last",
            "younger",
            "more",
            "larger",
            "greater",
            "after",
            "longer",
            "higher",
            "latest",
            "bigger",
            "most",
        ],
    )
)
_LONG_QUESTION = 5  # content words besides names
_SAID_AT_LEAST = 0.3  # of the weight of a long question's words, in one sentence
_LONG_SPAN = 7  # words; a clause shorter than that may be the answer itself
_HELD = 0.999  # a sentence "holds" the question when it matches this share of the best one's score


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


class Finder:
    """Scores the sentences of one prompt: inverse sentence frequency of matched terms, names above all."""

    def __init__(self, sentences: Sequence[Sentence]) -> None:
        self.sentences = sentences
        self._frequency = Counter(term for sentence in sentences for term in sentence.terms)
        self._meaning_frequency = Counter(m for sentence in sentences for m in sentence.meanings)

    def weight(self, term: str) -> float:
        """Inverse sentence frequency of a term (or of its meaning, if that is more common)."""
        count = max(self._frequency[term], self._meaning_frequency[meaning(term)])
        return math.log(1 + (len(self.sentences) + 1) / (count + 0.5))

    def score(self, sentence: Sentence, query: Query) -> float:
        """Sum over matched terms; a whole name counts double, a synonym four fifths."""
        total = 0.0
        for name in query.names:
            parts = content_terms(name)
            matched = sum(self.weight(part) for part in parts if part in sentence.terms)
            total += matched * (2.0 if name in sentence.text else 1.0 if len(parts) == 1 else 0.5)
        for term in query.terms:
            if term in sentence.terms:
                total += self.weight(term)
            elif meaning(term) in sentence.meanings:
                total += 0.8 * self.weight(term)
        return total

    def ranked(self, query: Query) -> list[tuple[float, int]]:
        """(score, position) of all sentences with a positive score, best first, earlier first on ties."""
        scored = [(self.score(sentence, query), i) for i, sentence in enumerate(self.sentences)]
        return sorted((item for item in scored if item[0] > 0), key=lambda item: (-item[0], item[1]))


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


def answer(question: str, sentences: Sequence[Sentence], options: Sequence[str] = ()) -> str | None:
    """The answer to a question from sentences, or None when they do not hold it."""
    if not sentences:
        return None
    finder = Finder(sentences)
    query = query_of(question)
    if options:
        return _choose(query, finder, options)
    compared = _alternatives(question)
    if compared:
        return _compare(question, query, finder, compared)
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
    return _trim(asked, last, query)


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
    answers = [_trim(asked.replace("how many", "which"), sentence, query) for sentence in held]
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


def _trim(asked: str, sentence: Sentence, query: Query) -> str:
    """The span of a sentence that has the type the question asks for."""
    text = sentence.text
    if re.match(r"(?:how many|how much|how (?:large|big|long|old|far|tall))", asked):
        number = _NUMBER.search(_after(text, query)) or _NUMBER.search(text)
        if number:
            return number.group()
    if re.search(
        r"\bwhen\b|\bwhat date\b|\bwhich (?:year|date|day)\b|\bwhat (?:year|day|time)\b|\bin what year\b", asked
    ):
        date = _DATE.search(text)
        if date:
            return date.group()
    after = _after(text, query)
    told = _TOLD.match(after)
    if told:
        return told.group(1)
    names = names_in(after, query.names) or names_in(text, query.names)
    wants_name = re.search(
        r"\b(?:who|whom|whose|where|which|town|city|river|place|name|waterway|scene|headquarters)\b", asked
    )
    if names and (wants_name or names_in(after, query.names)):
        return names[0]
    if re.match(r"why|how|explain|describe|in what way|what (?:is|was|does|do|did|can|would) ", asked) and (
        asked.startswith(("why", "how", "explain", "describe")) or len(after.split()) > _LONG_SPAN
    ):
        return text.strip()  # no name, number or date will do: the sentence itself
    span = _CLAUSE.split(after.strip(" ,;:.!?—"), maxsplit=1)[0]
    return _LEAD.sub("", span).strip(" ,;:.\"'") or _LEAD.sub("", after).strip(" ,;:.")


def _after(text: str, query: Query) -> str:
    """What follows the last word of the sentence that the question names, if anything does; else the sentence."""
    wanted = query.meanings | {m for name in query.names for m in map(meaning, content_terms(name))}
    end = 0
    for match in re.finditer(r"[^\W_]+(?:['’][^\W_]+)*", text):
        if meaning(stem(match.group().lower())) in wanted:
            end = match.end()
    rest = text[end:]
    if len(content_terms(rest)) == 0:  # the answer stands before: "X was founded by Y" asked for X
        first = min((text.find(name) for name in query.names if name in text), default=len(text))
        return text[:first] if first > 3 else text
    return rest


def _alternatives(question: str) -> list[str]:
    """The things a question compares: "A or B?" after a comma, or a list after a colon."""
    ordered = re.search(r"\border\b.*:\s*(.+?)\?*$", question)
    if ordered:
        return [_plain(item) for item in re.split(r",|\band\b", ordered.group(1)) if item.strip()]
    either = re.search(r",\s*(.+?)\s+or\s+(.+?)\?*$", question)
    return [_plain(item) for item in either.groups()] if either else []


def _plain(item: str) -> str:
    return re.sub(r"^(?:the|a|an)\s+", "", item.strip(), flags=re.I)


def _compare(question: str, query: Query, finder: Finder, things: Sequence[str]) -> str | None:
    """Look each thing up with the question's other words, and compare the dates or numbers found."""
    shared = {term for thing in things for term in content_terms(thing)}
    terms = tuple(t for t in query.terms if t not in shared and t not in _LESS | _MORE)
    values: list[tuple[tuple[int, ...], str]] = []
    for thing in things:
        found = next((v for s in _mentions(thing, terms, finder) if (v := _value(s.text))), None)
        if found is not None:
            values.append((found, thing))
    if len(values) < len(things):
        return None
    words = set(content_terms(question)) | {stem(w) for w in question.lower().split()}
    most = bool(words & _MORE) and not words & _LESS
    values.sort(key=lambda item: item[0], reverse=most)
    return ", ".join(thing for _, thing in values) if "order" in question.lower() else values[0][1]


def _mentions(thing: str, terms: tuple[str, ...], finder: Finder) -> list[Sentence]:
    ranked = finder.ranked(Query((thing,), terms))
    return [s for _, i in ranked[:6] if thing in (s := finder.sentences[i]).text]


def _value(text: str) -> tuple[int, ...] | None:
    """A date as (year, month, day), else a number, as something that sorts."""
    date = _DATE.search(text)
    if date:
        months = _MONTH.split("|")
        month = next((i for i, name in enumerate(months, 1) if name in date.group()), 0)
        numbers = [int(n) for n in re.findall(r"\d+", date.group())]
        year = max(numbers)
        return (year, month, min(numbers) if len(numbers) > 1 else 0)
    number = _NUMBER.search(text)
    return (int(float(number.group().replace(",", ""))),) if number else None


def _choose(query: Query, finder: Finder, options: Sequence[str]) -> str:
    """The option whose words stand nearest to the question's words."""
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


def notes(question: str, sentences: Sequence[Sentence], most: int = 24) -> list[str]:
    """The sentences worth handing on, verbatim, in the order they stand: the best matches, and sentences about the
    names that the best ones bring up (for questions that need two steps)."""
    if not sentences:
        return []
    finder = Finder(sentences)
    query = query_of(question)
    things = _alternatives(question)
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
