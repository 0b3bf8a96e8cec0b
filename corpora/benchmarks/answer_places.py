"""Where an answer stands in a text, for benchmarks that name no evidence: strict, so that what is found can be used."""

from __future__ import annotations

import re
import unicodedata

from workbench.text import sentence_spans

# words that stand in questions and answers of every kind and say nothing of the place
_COMMON = frozenset(
    "a an and are as at be been by company company's did do does during for from had has have he her him his how i in "
    "into is it its many much no not of on or she than that the their them they this to was were what when where which "
    "who whom whose why will with would".split()
)
_WORD = re.compile(r"\d+(?:\.\d+)?%?|[^\W\d_]+(?:'[^\W\d_]+)?")
_SHORT = 60  # characters of an answer that may stand in the text word for word
_TELLING, _DIGITS = 25, 5  # characters or digits by which an answer is known wherever it stands
_LONGEST = 1_000  # characters of a place: a table as a whole is none
_SHARED = 0.4  # of the question's words that its place must hold


def answer_place(question: str, answer: str, text: str, start: int, end: int) -> tuple[int, int] | None:
    """The one sentence of `text[start:end]` that an answer was taken from, as characters; None where that is not clear.

    A sentence that holds every word and number of the answer that the question does not say already, and of those the
    one that shares most words with the question, at least two of five. Words are compared in NFKC with case folded, as
    they are written; numbers without their thousands' commas. Failing that, the sentence that holds a short answer word
    for word, if there is just one, and it shares a word with the question or the answer is a long one.
    """
    spans = [(start + a, start + b) for a, b in sentence_spans(text[start:end]) if b - a <= _LONGEST]
    asked = _terms(question)
    new = _terms(answer) - asked
    if new:
        held = [(span, set(_words(text[slice(*span)]))) for span in spans]
        shared = [(len(asked & words) / max(1, len(asked)), span) for span, words in held if new <= words]
        most = max((share for share, _ in shared), default=0.0)
        nearest = [span for share, span in shared if share == most]
        if most >= _SHARED and len(nearest) == 1:
            return nearest[0]
    return _word_for_word(asked, answer, text, spans)


def _word_for_word(asked: set[str], answer: str, text: str, spans: list[tuple[int, int]]) -> tuple[int, int] | None:
    bare = answer.strip().rstrip(".")
    if not 2 <= len(bare) <= _SHORT or not _terms(bare):
        return None
    pattern = re.compile(rf"(?<![\w,.]){re.escape(bare)}(?![\w]|[.,]\d)")
    found = [span for span in spans if pattern.search(text, *span)]
    if len(found) != 1:
        return None
    telling = len(bare) >= _TELLING or len(re.findall(r"\d", bare)) >= _DIGITS
    return found[0] if telling or asked & set(_words(text[slice(*found[0])])) else None


def _terms(text: str) -> set[str]:
    return {word for word in _words(text) if word not in _COMMON}


def _words(text: str) -> list[str]:
    folded = unicodedata.normalize("NFKC", text).casefold().replace("’", "'")
    return [word.removesuffix("'s") for word in _WORD.findall(re.sub(r"(?<=\d),(?=\d)", "", folded))]
