"""Sentences of a prompt, analysed once: pipelines show the same chunks again and again."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass
from functools import lru_cache

from workbench.text import sentences

_WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)*", re.UNICODE)
_SUFFIX = re.compile(r"(?:'s|’s)$")
STOP = frozenset(
    [
        "a",
        "an",
        "and",
        "any",
        "are",
        "as",
        "at",
        "be",
        "been",
        "being",
        "but",
        "by",
        "can",
        "could",
        "did",
        "do",
        "does",
        "for",
        "from",
        "had",
        "has",
        "have",
        "he",
        "her",
        "hers",
        "him",
        "his",
        "how",
        "i",
        "if",
        "in",
        "into",
        "is",
        "it",
        "its",
        "just",
        "may",
        "me",
        "more",
        "most",
        "much",
        "my",
        "no",
        "nor",
        "not",
        "of",
        "off",
        "on",
        "one",
        "or",
        "our",
        "out",
        "over",
        "own",
        "she",
        "should",
        "so",
        "some",
        "such",
        "than",
        "that",
        "the",
        "their",
        "them",
        "then",
        "there",
        "these",
        "they",
        "this",
        "those",
        "through",
        "to",
        "too",
        "under",
        "until",
        "up",
        "us",
        "very",
        "was",
        "we",
        "were",
        "what",
        "when",
        "where",
        "which",
        "while",
        "who",
        "whom",
        "whose",
        "why",
        "will",
        "with",
        "would",
        "you",
        "your",
        "many",
        "long",
        "ago",
        "also",
    ]
)
# Words that say the same in questions and in texts. General English, kept small; each line is one meaning.
_MEANINGS = (
    "born birth birthplace native nativity",
    "die died death dead passed deceased",
    "work worked works job profession occupation trade career craft calling living vocation livelihood",
    "employ employed employer employment wages payroll hired service",
    "teach taught teacher tutor mentor master apprentice apprenticed pupil student instructed learned",
    "found founded founder established establish founding set created creator started",
    "river stream waterway flows water",
    "inhabitants population people residents souls",
    "office offices headquarters seat based headquartered",
    "place scene held happened occurred venue location located site",
    "began begin begun start started first opened commence commenced",
    "end ended finished closed concluded last",
    "visit visited visits travelled traveled went journey journeys trip",
    "marry married wife husband spouse wed wedding",
    "child children son daughter kids",
    "live lived lives home resides resided residence house",
    "write wrote written author writer penned",
    "name named called known",
    "year date day when month",
    "buy bought purchase purchased acquired",
    "kill killed murdered slain",
    "film movie picture",
    "director directed directs",
    "big large size larger bigger largest biggest",
    "country nation nationality",
    "city town village",
    "company firm business corporation",
    "like likes enjoy enjoys love loves favorite favourite hobby",
    "car vehicle automobile",
    "doctor physician",
    "picture painting painted painter",
)


@lru_cache(maxsize=100_000)
def stem(word: str) -> str:
    """A light stem: plural, -ing and -ed endings (Porter's would cost a package import of a second)."""
    if len(word) > 4 and word.endswith("ies"):
        return word[:-3] + "y"
    for end in ("ing", "ed", "es", "s"):
        if word.endswith(end) and len(word) - len(end) >= 3 and not word.endswith("ss"):
            return word[: -len(end)].rstrip("e")
    return word.rstrip("e") if len(word) > 3 else word


_GROUP: dict[str, int] = {}
for _number, _line in enumerate(_MEANINGS):
    for _word in _line.split():
        _GROUP.setdefault(stem(_word), _number)


def meaning(term: str) -> str:
    """A term's meaning: the same string for words of one line of the lexicon, else the term itself."""
    group = _GROUP.get(term)
    return term if group is None else f"#{group}"


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence, its stemmed content words and their meanings, and its words in order."""

    text: str
    terms: frozenset[str]
    meanings: frozenset[str]


@dataclass(frozen=True, slots=True)
class Analysed:
    """The sentences of a paragraph, and the CPU seconds that their analysis took."""

    sentences: tuple[Sentence, ...]
    seconds: float


@lru_cache(maxsize=8_192)
def analysed(block: str) -> Analysed:
    """A paragraph, analysed once."""
    started = time.thread_time()
    found = tuple(_sentence(text) for text in sentences(block))
    return Analysed(found, time.thread_time() - started)


def _sentence(text: str) -> Sentence:
    terms = frozenset(content_terms(text))
    return Sentence(text, terms, frozenset(meaning(term) for term in terms))


def content_terms(text: str) -> list[str]:
    """Stemmed words without stop words, in order."""
    words = (_SUFFIX.sub("", word) for word in _WORD.findall(text.lower()))
    return [stem(word) for word in words if word not in STOP]


@dataclass(frozen=True, slots=True)
class Read:
    """The sentences of a text, and the CPU seconds spared because some of it was analysed before."""

    sentences: list[Sentence]
    spared_s: float


def read(text: str) -> Read:
    """The sentences of a text, paragraph by paragraph, without heading lines in brackets."""
    started = time.thread_time()
    found: list[Sentence] = []
    owed = 0.0
    for block in text.split("\n\n"):
        body = block.strip()
        if body.startswith("["):
            first, _, rest = body.partition("\n")
            body = rest if first.endswith("]") else body
        if body:
            paragraph = analysed(body)
            found.extend(paragraph.sentences)
            owed += paragraph.seconds
    return Read(found, max(0.0, owed - (time.thread_time() - started)))
