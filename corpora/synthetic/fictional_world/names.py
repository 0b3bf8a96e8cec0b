"""Invented names: made of syllables, never repeated, none a part of another, and unlikely to be English words."""

from __future__ import annotations

import random

_ONSETS = tuple("b br c cl d dr f g gr h k l m n p pr r s st t th tr v w y".split(" "))
_VOWELS = tuple("a e i o u ae ei ou ia".split(" "))
_CODAS = tuple("l n r s th m nd rn lk ss x v d".split(" "))
TOWN_ENDS = ("ford", "bury", "mouth", "stead", "holm", "wick", "garth", "minster", "haven", "moor", "combe", "dale")
_SHORTEST = 5  # letters; shorter invented words are too often real words (Born, Then, Moss)


class Names:
    """A source of new words. No word is a substring of another, so that a match in a text is unambiguous."""

    def __init__(self, draw: random.Random) -> None:
        self._draw = draw
        self._words: set[str] = set()
        self._parts: set[str] = set()

    def word(self, syllables: int, end: str | None = None) -> str:
        """A new capitalised word of that many syllables (more when these run out), ending in `end` or a consonant."""
        for attempt in range(100_000):
            count = syllables + attempt // 40
            stem = "".join(self._draw.choice(_ONSETS) + self._draw.choice(_VOWELS) for _ in range(count))
            word = stem + (self._draw.choice(_CODAS) if end is None else end)
            if len(word) >= _SHORTEST and self._is_apart(word):
                self._take(word)
                return word.capitalize()
        raise AssertionError("the syllables cannot run out: every failure lengthens the word")

    def _is_apart(self, word: str) -> bool:
        return word not in self._parts and not any(part in self._words for part in _substrings(word))

    def _take(self, word: str) -> None:
        self._words.add(word)
        self._parts.update(_substrings(word))


def _substrings(word: str) -> list[str]:
    """The word's substrings that are long enough to be words themselves."""
    return [word[i:j] for i in range(len(word)) for j in range(i + _SHORTEST, len(word) + 1)]
