"""The span of a sentence that answers a question: a number, a date, a name or a clause."""

from __future__ import annotations

import re

from workbench.llm.reading.passages import Sentence, content_terms, meaning, stem
from workbench.llm.reading.query import Query, names_in

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
_LONG_SPAN = 7  # words; a clause shorter than that may be the answer itself
# What a question in lower case asks for.
_ASKS_NUMBER = re.compile(r"(?:how many|how much|how (?:large|big|long|old|far|tall))")
_ASKS_DATE = re.compile(
    r"\bwhen\b|\bwhat date\b|\bwhich (?:year|date|day)\b|\bwhat (?:year|day|time)\b|\bin what year\b"
)
_ASKS_NAME = re.compile(r"\b(?:who|whom|whose|where|which|town|city|river|place|name|waterway|scene|headquarters)\b")
_ASKS_REASON = ("why", "how", "explain", "describe")
_MAY_ASK_REASON = re.compile(r"in what way|what (?:is|was|does|do|did|can|would) ")


def trim(asked: str, sentence: Sentence, query: Query) -> str:
    """The span of a sentence that has the type asked for; `asked` is the question in lower case."""
    text = sentence.text
    after = _after(text, query)
    if _ASKS_NUMBER.match(asked) and (number := _NUMBER.search(after) or _NUMBER.search(text)):
        return number.group()
    if _ASKS_DATE.search(asked) and (date := _DATE.search(text)):
        return date.group()
    if told := _TOLD.match(after):
        return told.group(1)
    nearest = names_in(after, query.names)
    names = nearest or names_in(text, query.names)
    if names and (nearest or _ASKS_NAME.search(asked)):
        return names[0]
    if asked.startswith(_ASKS_REASON) or (_MAY_ASK_REASON.match(asked) and len(after.split()) > _LONG_SPAN):
        return text.strip()  # no name, number or date will do: the sentence itself
    span = _CLAUSE.split(after.strip(" ,;:.!?—"), maxsplit=1)[0]
    return _LEAD.sub("", span).strip(" ,;:.\"'") or _LEAD.sub("", after).strip(" ,;:.")


def _after(text: str, query: Query) -> str:
    """What a sentence says behind the last word that the question has, too; where that is nothing, what it says before
    the question's first name ("X was founded by Y" asked for X); failing that, all of it."""
    wanted = query.meanings | {m for name in query.names for m in map(meaning, content_terms(name))}
    end = 0
    for match in re.finditer(r"[^\W_]+(?:['’][^\W_]+)*", text):
        if meaning(stem(match.group().lower())) in wanted:
            end = match.end()
    rest = text[end:]
    if len(content_terms(rest)) == 0:
        first = min((text.find(name) for name in query.names if name in text), default=len(text))
        return text[:first] if first > 3 else text
    return rest


def value(text: str) -> tuple[int, ...] | None:
    """The first date of a text as (year, month, day), zero where a part is missing, else its first number; what sorts
    by size. None when the text has neither."""
    date = _DATE.search(text)
    if date:
        months = _MONTH.split("|")
        month = next((i for i, name in enumerate(months, 1) if name in date.group()), 0)
        numbers = [int(n) for n in re.findall(r"\d+", date.group())]
        year = max(numbers)
        return (year, month, min(numbers) if len(numbers) > 1 else 0)
    number = _NUMBER.search(text)
    return (int(float(number.group().replace(",", ""))),) if number else None
