"""RULER's aggregation tasks: the most common words in a numbered list (cwe) and in a coded text (fwe)."""

from __future__ import annotations

import random
import string
from collections.abc import Sequence
from itertools import islice

from corpora.synthetic.ruler_tasks.vocabulary import single_words
from corpora.synthetic.sheet import Asked
from corpora.synthetic.sizing import Count, largest

CWE_TOKENS, FWE_TOKENS = 120, 50
COMMON = 10
_SHORT = 4_096  # below this length RULER repeats words less often
_CWE_TASK = (
    "The text is a numbered list of words. In these words, some appear more often than others. Memorize the ones that "
    "appear most often."
)
_CWE_QUESTION = (
    "Question: What are the 10 most common words in the above list? Answer: The top 10 words that appear most often in "
    "the list are:"
)
_FWE_QUESTION = (
    "Read the coded text and track the frequency of each coded word. Find the three most frequently appeared coded "
    "words.\nQuestion: Do not provide any explanation. Please ignore the dots '....'. What are the three most "
    "frequently appeared words in the above coded text? Answer: According to the coded text above, the three most "
    "frequently appeared words are:"
)
_ZETA_2 = 1.6449340668482264  # zeta(alpha) for RULER's alpha = 2


def common_words(draw: random.Random, length: int, count: Count) -> tuple[str, Asked]:
    """A numbered list in which ten words occur 30 times each and all others three times (6 and 1 in short texts)."""
    often, seldom = (30, 3) if length >= _SHORT else (6, 1)
    supply = single_words(draw)
    words = [next(supply) for _ in range(40)]
    example = _numbered(_repeated(draw, words, 10 if length >= _SHORT else 3, seldom))
    question = (
        f"{_CWE_TASK} For example:\n{example}\n{_CWE_QUESTION} {_numbered(words[:COMMON])}\n\n"
        f"{_CWE_TASK}\n{_CWE_QUESTION}"
    )
    room = length - CWE_TOKENS - count(question)
    common = [next(supply) for _ in range(COMMON)]
    others: list[str] = []

    def made(number: int) -> str:
        others.extend(islice(supply, max(0, number - len(others))))
        return _numbered(_repeated(random.Random(number), [*common, *others[:number]], often, seldom))

    text = largest(made, count, room, guess=max(1, room // (7 * seldom)), floor=1)
    labels = {"repeats": often}
    return text, Asked(question, common, [(0, len(text))], "cwe", ("ruler", "contains"), labels=labels)


def _repeated(draw: random.Random, words: Sequence[str], often: int, seldom: int) -> list[str]:
    listed = [*(often * list(words[:COMMON])), *(seldom * list(words[COMMON:]))]
    draw.shuffle(listed)
    return listed


def _numbered(words: Sequence[str]) -> str:
    return " ".join(f"{number}. {word}" for number, word in enumerate(words, 1))


def frequent_words(draw: random.Random, length: int, count: Count) -> tuple[str, Asked]:
    """A text of coded words with frequencies ∝ 1 / rank²; the first rank is noise (`...`), ranks 2 to 4 are asked
    for."""
    room = length - FWE_TOKENS - count(_FWE_QUESTION)
    coded: dict[str, None] = {}
    while len(coded) < max(4, room // 50):
        coded["".join(draw.choices(string.ascii_lowercase, k=6))] = None
    words = ["...", *islice(coded, 1, None)]

    def made(number: int) -> str:
        listed = [word for rank, word in enumerate(words, 1) for _ in range(int(number * rank**-2 / _ZETA_2))]
        random.Random(number).shuffle(listed)
        return " ".join(listed)

    text = largest(made, count, room, guess=max(60, room // 2), floor=60)  # below 60, ranks 3 and 4 may tie
    return text, Asked(_FWE_QUESTION, words[1:4], [(0, len(text))], "fwe", ("ruler", "contains"), labels={"alpha": 2.0})
