"""Finds the sentence that an answer comes from, for benchmarks without evidence. Strict, to avoid wrong evidence."""

from __future__ import annotations

import re
import unicodedata

from workbench.text import sentence_spans

# words so common in questions and answers that they do not help to find the place
_COMMON = frozenset(
    "a an and are as at be been by company company's did do does during for from had has have he her him his how i in "
    "into is it its many much no not of on or she than that the their them they this to was were what when where which "
    "who whom whose why will with would".split()
)
_WORD = re.compile(r"\d+(?:\.\d+)?%?|[^\W\d_]+(?:'[^\W\d_]+)?")
_SHORT = 60  # characters; only answers up to this length are searched for verbatim
_TELLING, _DIGITS = 25, 5  # answers with this many characters or digits are distinctive wherever they occur
_LONGEST = 1_000  # characters; longer "sentences", such as whole tables, are ignored
_SHARED = 0.4  # share of the question's words that the sentence must contain


def answer_place(question: str, answer: str, text: str, start: int, end: int) -> tuple[int, int] | None:
    """The one sentence of `text[start:end]` that an answer was taken from, as a character span; None if unclear.

    A candidate contains every word and number of the answer that is not already in the question; the one that shares
    the most words with the question is taken, if it shares at least two in five. Words are compared after NFKC and case
    folding, without stemming; numbers without thousands separators. Failing that, the only sentence that contains a
    short answer verbatim, if it shares a word with the question or the answer is distinctive by its length or digits.
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
