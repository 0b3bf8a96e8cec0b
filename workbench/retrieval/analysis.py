"""Words of a text for lexical retrieval: the same analyser on both sides, so that "companies" finds "company"."""

from __future__ import annotations

import re
from functools import lru_cache

_WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)?")
STOP_WORDS = frozenset(
    [
        "a",
        "an",
        "and",
        "are",
        "as",
        "at",
        "be",
        "been",
        "but",
        "by",
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
        "in",
        "into",
        "is",
        "it",
        "its",
        "of",
        "on",
        "or",
        "our",
        "she",
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
        "to",
        "was",
        "we",
        "were",
        "what",
        "when",
        "where",
        "which",
        "who",
        "whom",
        "whose",
        "why",
        "will",
        "with",
        "you",
        "your",
    ]
)


@lru_cache(maxsize=200_000)
def stem(word: str) -> str:
    """The Porter stem of a lower-case word (nltk's implementation, which needs no data)."""
    return str(_stemmer().stem(word))  # type: ignore[attr-defined]


@lru_cache(maxsize=1)
def _stemmer() -> object:
    from nltk.stem.porter import PorterStemmer

    return PorterStemmer()


def terms(text: str) -> list[str]:
    """Lower-cased, stop words dropped, stemmed; a text of stop words only keeps them.

    >>> terms("The companies of the Baron's town")
    ['compani', 'baron', 'town']
    """
    words = [word.removesuffix("'s").removesuffix("’s") for word in _WORD.findall(text.lower())]
    kept = [stem(word) for word in words if word and word not in STOP_WORDS]
    return kept or [stem(word) for word in words if word]
