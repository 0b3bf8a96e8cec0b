"""Text analysis for lexical retrieval, the same for texts and queries, so that "companies" finds "company"."""

from __future__ import annotations

import re
import unicodedata
from array import array
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice, pairwise
from typing import TYPE_CHECKING, Any

from workbench.retrieval.stop_words import stop_words

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

STOP_WORDS = stop_words("english")
# Scripts written without spaces between words (Thai, Lao, Burmese, Khmer, kana, Han), without their punctuation. Their
# runs are cut into overlapping pairs, as Lucene does with Han.
_UNSPACED = (
    "\u0e01-\u0e3a\u0e40-\u0e4e\u0e50-\u0e59\u0e80-\u0edf\u1000-\u1049\u1050-\u109f\ua9e0-\ua9fe\uaa60-\uaa7f"
    "\u1780-\u17d3\u17d7\u17dc-\u17e9\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
)
_HAS_UNSPACED = re.compile(f"[{_UNSPACED}]")
_RUNS = re.compile(f"[{_UNSPACED}]+|[^{_UNSPACED}]+")
_KANA = "\u3040"  # scripts before it write vowels as marks on letters; from it on, every character is a letter
_BEYOND_LATIN = re.compile("[^\x00-\u02ff\u2010-\u2027\u2030-\u205e]")
_LATIN_WORD = re.compile(r"[^\W_]+(?:'[^\W_]+)?")
# Translates ASCII letters to lower case and everything between words to spaces
_ASCII = bytes(ord(c.lower()) if (c := chr(code)).isalnum() or c == "'" else ord(" ") for code in range(128)).ljust(256)
# Invisible characters that may stand inside a word (Unicode's Cf and variation selectors), and the optional marks of
# Arabic and Hebrew: vowels, and the stroke that stretches a word.
_IGNORED = re.compile(
    "[\u00ad\u034f\u0600-\u0605\u061c\u06dd\u070f\u0890\u0891\u08e2\u180b-\u180f\u200c-\u200f\u202a-\u202e\u2060-\u2064"
    "\u2066-\u206f\ufe00-\ufe0f\ufeff\ufff9-\ufffb\U000e0000-\U000e01ef"
    "\u0591-\u05bd\u05bf\u05c1\u05c2\u05c4\u05c5\u05c7\u0610-\u061a\u0640\u064b-\u065f\u0670\u06d6-\u06dc\u06df-\u06e4"
    "\u06e7\u06e8\u06ea-\u06ed]"
)
_DOTTED_I = "i\u0307"  # what İ becomes in lower case
_ROWS = 50_000  # texts counted at once, which bounds the memory for word numbers


@lru_cache(maxsize=200_000)
def stem(word: str) -> str:
    """The Porter stem of a lower-case English word."""
    return str(_stemmer("english").stemWord(word))


@lru_cache(maxsize=16)
def _stemmer(language: str) -> Any:
    import Stemmer  # PyStemmer loads in a tenth of a second; nltk takes several seconds

    stemmer = Stemmer.Stemmer("porter" if language == "english" else language)
    stemmer.maxCacheSize = 0  # callers ask once per word or cache the stems; PyStemmer's cache costs 3× what it saves
    return stemmer


def folded(text: str) -> str:
    """A text in the form in which words are compared: Unicode NFKC ("ﬁ" becomes "fi", full-width letters become plain
    ones, a letter and its accent become one character), case folded, without invisible characters and without the
    vowel marks of Arabic and Hebrew.

    >>> folded("ﬁnance co\u00adoperate")
    'finance cooperate'
    """
    if text.isascii():
        return text.lower()
    text = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())
    text = text.replace("’", "'").replace("ʼ", "'").replace("\u00ad", "")
    if _BEYOND_LATIN.search(text):
        # the zero-width space separates words of Khmer and Thai
        text = _IGNORED.sub("", text.replace("\u200b", " ").replace(_DOTTED_I, "i"))
    return text


@lru_cache(maxsize=1)
def _marked() -> tuple[re.Pattern[str], re.Pattern[str]]:
    """Patterns of a word whose letters carry marks, and of one such letter. Made on first use: collecting the marks
    takes some milliseconds."""
    # each range above U+FFFF slows matching, so only those of scripts in use are listed (Chakma, Adlam)
    places = (*range(0x300, 0x10000), *range(0x11100, 0x11148), *range(0x1E944, 0x1E94B))
    marks = "".join(c for c in map(chr, places) if unicodedata.category(c) in ("Mn", "Mc"))
    return re.compile(f"\\w[\\w{marks}]*(?:'\\w[\\w{marks}]*)?"), re.compile(f".[{marks}]*", re.DOTALL)


def words(text: str) -> list[str]:
    """Folded words in order; runs of unspaced scripts as overlapping pairs of letters.

    >>> words("Don't stop at 东京塔.")
    ["don't", 'stop', 'at', '东京', '京塔']
    """
    if text.isascii():  # same result as the pattern, three times as fast
        parts = text.encode().translate(_ASCII).decode().split()
        if "'" not in text:
            return parts
        return [word for part in parts for word in (_LATIN_WORD.findall(part) if "'" in part else (part,))]
    text = folded(text)
    if not _BEYOND_LATIN.search(text):
        return _LATIN_WORD.findall(text)
    word, letter = _marked()
    whole: list[str] = word.findall(text.replace("_", " "))
    if not _HAS_UNSPACED.search(text):
        return whole
    found: list[str] = []
    for run in (run for word in whole for run in _RUNS.findall(word)):
        if len(run) < 3 or not _HAS_UNSPACED.match(run):
            found.append(run)
        elif run[0] >= _KANA:
            found += [run[i : i + 2] for i in range(len(run) - 1)]
        else:
            letters = letter.findall(run)
            found += ["".join(pair) for pair in pairwise(letters)] or letters
    return found


class Analyser:
    """Turns words into index terms for one language: cuts possessive 's, drops stop words and stems (Porter for
    English, else Snowball). `none` neither drops stop words nor stems. Raises UnknownName for an unknown language."""

    def __init__(self, language: str = "english") -> None:
        self.language = language
        self._stop_words = frozenset(folded(word) for word in stop_words(language))
        self._stem: Callable[[str], str] = _unchanged
        if language == "english":
            self._stem = stem
        elif language != "none":
            self._stem = lru_cache(maxsize=200_000)(_stemmer(language).stemWord)

    def term(self, word: str) -> str | None:
        """The term of a folded word; None for a stop word."""
        bare = word.removesuffix("'s")
        return None if not bare or bare in self._stop_words else self._stem(bare)

    def term_anyway(self, word: str) -> str | None:
        """The term of a word even if it is a stop word, for texts of stop words only."""
        bare = word.removesuffix("'s")
        return self._stem(bare) if bare else None

    def terms_of(self, words: Sequence[str]) -> list[str | None]:
        """`term` of each word. Several times as fast, but without a cache: for words that occur once."""
        bare = [word.removesuffix("'s") for word in words]
        stems = bare if self.language == "none" else _stemmer(self.language).stemWords(bare)
        dropped = self._stop_words | {""}
        return [None if word in dropped else term for word, term in zip(bare, stems, strict=True)]

    def __call__(self, text: str) -> list[str]:
        """The terms of a text; a text of nothing but stop words keeps them."""
        found = words(text)
        kept = [term for word in found if (term := self.term(word)) is not None]
        return kept or [term for word in found if (term := self.term_anyway(word)) is not None]


def _unchanged(word: str) -> str:
    return word


@lru_cache(maxsize=16)
def analyser(language: str = "english") -> Analyser:
    """The shared analyser of a language."""
    return Analyser(language)


def terms(text: str, language: str = "english") -> list[str]:
    """The terms of a text: folded, without stop words, stemmed; a text of nothing but stop words keeps them.

    >>> terms("The companies of the Baron's town")
    ['compani', 'baron', 'town']
    """
    return analyser(language)(text)


@dataclass(frozen=True)
class TermCounts:
    """How often each text contains each term: `matrix` is a scipy CSR array of int32, texts × terms; `vocabulary`
    names its columns, sorted; `lengths` are the terms per text. BM25 and LSA are both built from it, so that a corpus
    is analysed once."""

    vocabulary: tuple[str, ...]
    matrix: Any
    language: str = "english"

    @property
    def lengths(self) -> NDArray[np.int64]:
        """Number of terms in each text, repeats included."""
        import numpy as np

        return np.asarray(self.matrix.sum(axis=1, dtype=np.int64)).ravel()


def count_terms(texts: Iterable[str], language: str = "english") -> TermCounts:
    """Term counts of texts. About two million words a second: each distinct word is stemmed only once."""
    import numpy as np
    from scipy import sparse

    numbers = _Terms(analyser(language))
    blocks = list(_blocks(texts, numbers))
    if not blocks:
        return TermCounts((), sparse.csr_array((0, 0), dtype=np.int32), language)
    terms = numbers.terms()
    order = sorted(range(len(terms)), key=terms.__getitem__)
    place = np.empty(len(terms), dtype=np.int32)
    place[order] = np.arange(len(terms), dtype=np.int32)
    counted = []
    while blocks:
        columns, starts = blocks.pop()
        shape = (len(starts) - 1, len(terms))
        block = sparse.csr_array((np.ones(len(columns), dtype=np.int32), place[columns], starts), shape=shape)
        block.sum_duplicates()  # also sorts the columns of each row
        counted.append(block)
    matrix = counted[0] if len(counted) == 1 else sparse.vstack(counted[::-1], format="csr")
    return TermCounts(tuple(map(terms.__getitem__, order)), matrix, language)


class _Terms:
    """Numbers words by first appearance, and the terms that they become."""

    def __init__(self, analyse: Analyser) -> None:
        self._analyse = analyse
        self._terms = _numbering()
        self._words = _numbering()
        self._of_word = array("i")
        self.word_number = self._words.__getitem__

    def terms(self) -> list[str]:
        """The terms in the order of their numbers."""
        return list(self._terms)

    def of_words(self, numbers: NDArray[np.int32], ends: NDArray[np.int64]) -> NDArray[np.int32]:
        """Term numbers for word numbers; -1 where a word is dropped. `numbers` holds texts one after the other, text i
        from `ends[i]` to `ends[i + 1]`. A text of nothing but stop words keeps them."""
        import numpy as np

        new = list(islice(self._words, len(self._of_word), None))
        number = self._terms.__getitem__
        self._of_word.extend([-1 if term is None else number(term) for term in self._analyse.terms_of(new)])
        found = np.array(self._of_word, dtype=np.int32)[numbers]
        kept = np.concatenate([[0], np.cumsum(found >= 0)])
        bare = np.flatnonzero((np.diff(kept[ends]) == 0) & (np.diff(ends) > 0))
        if len(bare):
            words = list(self._words)
            for start, end in zip(ends[bare].tolist(), ends[bare + 1].tolist(), strict=True):
                anyway = [self._analyse.term_anyway(words[word]) for word in numbers[start:end].tolist()]
                found[start:end] = [-1 if term is None else number(term) for term in anyway]
        return found


def _numbering() -> defaultdict[str, int]:
    """A dict that gives each string a number from 0 at its first look-up."""
    numbers: defaultdict[str, int] = defaultdict()
    numbers.default_factory = numbers.__len__
    return numbers


def _blocks(texts: Iterable[str], numbers: _Terms) -> Iterator[tuple[NDArray[np.int32], NDArray[np.int32]]]:
    """Blocks of texts: their term numbers one after the other, and where each text begins."""
    held = array("i")
    ends = array("q", [0])
    for text in texts:
        held.extend(map(numbers.word_number, words(text)))
        ends.append(len(held))
        if len(ends) > _ROWS:
            yield _block(held, ends, numbers)
            held, ends = array("i"), array("q", [0])
    if len(ends) > 1:
        yield _block(held, ends, numbers)


def _block(held: array[int], ends: array[int], numbers: _Terms) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    import numpy as np

    bounds = np.frombuffer(ends, dtype=np.int64)
    found = numbers.of_words(np.frombuffer(held, dtype=np.int32) if len(held) else np.zeros(0, np.int32), bounds)
    kept = found >= 0
    before = np.concatenate([[0], np.cumsum(kept)])
    return found[kept], before[bounds].astype(np.int32)
