"""LooGLE's measures (bigai-nlco/LooGLE at 6734382): n-gram overlap, cloze, and reordering of a timeline."""

from __future__ import annotations

import ast
import re
import warnings
from collections.abc import Mapping, Sequence

from workbench.evaluation.metrics._registry import NotApplicable, metric_function
from workbench.evaluation.metrics.rouge import pltrdy


def _bleu(prediction: str, references: list[str], weights: tuple[float, float, float, float]) -> float:
    from nltk.translate.bleu_score import sentence_bleu

    said = prediction.replace("\n", " ").split()
    if not said:
        return 0.0
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # nltk warns when no n-gram overlaps, but the 0 says that already
        scores = [float(sentence_bleu([r.replace("\n", " ").split()], said, weights=weights)) for r in references]
    return min(1.0, max(scores, default=0.0))


@metric_function(1, own_rule=True)
def loogle_bleu1(prediction: str, references: list[str]) -> float:
    """BLEU on words, unigrams only (nltk)."""
    return _bleu(prediction, references, (1, 0, 0, 0))


@metric_function(1, own_rule=True)
def loogle_bleu4(prediction: str, references: list[str], *, official: bool = True) -> float:
    """BLEU on words (nltk): officially of 4-grams only; without `official`, with the usual equal weights for 1 to 4."""
    return _bleu(prediction, references, (0, 0, 0, 1) if official else (0.25, 0.25, 0.25, 0.25))


@metric_function(1, own_rule=True)
def loogle_rouge1(prediction: str, references: list[str], *, official: bool = True) -> float:
    """ROUGE-1 of the package `rouge`: officially its recall, without `official` its F1."""
    return max((pltrdy(prediction, r, "rouge-1", "r" if official else "f") for r in references), default=0.0)


@metric_function(1, own_rule=True)
def loogle_rouge2(prediction: str, references: list[str], *, official: bool = True) -> float:
    """ROUGE-2 of the package `rouge`: officially its recall, without `official` its F1."""
    return max((pltrdy(prediction, r, "rouge-2", "r" if official else "f") for r in references), default=0.0)


@metric_function(1, own_rule=True)
def loogle_rouge_l(prediction: str, references: list[str], *, official: bool = True) -> float:
    """ROUGE-L of the package `rouge`: officially its recall, without `official` its F1."""
    return max((pltrdy(prediction, r, "rouge-l", "r" if official else "f") for r in references), default=0.0)


@metric_function(1, own_rule=True)
def loogle_meteor(prediction: str, references: list[str], *, official: bool = True) -> float:
    """METEOR (nltk); the official code takes the *sets* of words in arbitrary order, here sorted to be reproducible."""
    from nltk.translate.meteor_score import single_meteor_score

    def words(text: str) -> list[str]:
        split = text.replace("\n", " ").split()
        return sorted(set(split)) if official else split

    try:
        return max((float(single_meteor_score(words(r), words(prediction))) for r in references), default=0.0)
    except LookupError:
        raise NotApplicable("METEOR needs nltk's data: python -m nltk.downloader wordnet") from None


def cloze_counts(prediction: str, gold: Mapping[str, str]) -> tuple[int, int, int]:
    """Numbers of exactly right, partly right (sharing a word), and all masks of one cloze task.

    A reply that is not a mapping has none right. The benchmark's score is the sum of the first or second number over
    the sum of the third.

    >>> cloze_counts("{'<mask-0>': 'Ada Hale', '<mask-1>': 'Bo'}", {"<mask-0>": "Ada Hale", "<mask-1>": "Bo Ott"})
    (1, 2, 2)
    """
    try:
        said = ast.literal_eval(prediction.strip())
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return 0, 0, len(gold)
    if not isinstance(said, dict):
        return 0, 0, len(gold)
    exact = sum(said.get(mask) == value for mask, value in gold.items())
    partly = sum(
        bool(set(str(said[mask]).split()) & set(value.split())) for mask, value in gold.items() if mask in said
    )
    return exact, partly, len(gold)


@metric_function(1, needs=("masks",), own_rule=True)
def loogle_cloze(prediction: str, references: list[str], *, masks: Mapping[str, str], official: bool = True) -> float:
    """Share of the masks that the reply fills with exactly the gold name.

    The reply must be a mapping of masks to names; without `official`, the first one inside the reply is read.
    """
    exact, _, asked = cloze_counts(_mapping_in(prediction, official), masks)
    return exact / asked if asked else 0.0


@metric_function(1, needs=("masks",), own_rule=True)
def loogle_cloze_partial(
    prediction: str, references: list[str], *, masks: Mapping[str, str], official: bool = True
) -> float:
    """Share of the masks that the reply fills with a name that shares a word with the gold one; see `loogle_cloze`."""
    _, partly, asked = cloze_counts(_mapping_in(prediction, official), masks)
    return partly / asked if asked else 0.0


def _mapping_in(reply: str, official: bool) -> str:
    found = None if official else re.search(r"\{[^{}]*\}", reply)
    return found.group() if found else reply


def timeline(reply: str) -> list[int]:
    """The order that a reply gives, as numbers from 0: by its roman numerals, or without any by its arabic numbers. So
    dates beside roman numerals are ignored.

    >>> timeline("II (in 1965), I (in 1966), III"), timeline("2, 1")
    ([1, 0, 2], [1, 0])
    """
    found = [_roman(numeral) for numeral in re.findall(r"\b[IVXLCDM]+\b", reply)]
    return [number - 1 for number in found or map(int, re.findall(r"\b\d{1,3}\b", reply))]


def _roman(numeral: str) -> int:
    values = [{"I": 1, "V": 5, "X": 10, "L": 50, "C": 100, "D": 500, "M": 1000}[letter] for letter in numeral]
    following = [*values[1:], 0]
    return sum(-value if value < after else value for value, after in zip(values, following, strict=True))


def reorder_deviations(said: Sequence[int], gold: Sequence[int]) -> dict[str, float] | None:
    """How far an order is from the gold one, each measure from 0 (the same) to 1 (as far as possible); None when it is
    not a permutation of the gold order.

    LSD and LMD: mean squared and mean distance of the places. SD: number of swaps needed. SDD: total distance of these
    swaps. As in the paper; the released script prints the largest possible deviation instead of the measured one.
    """
    n = len(gold)
    if n < 2 or sorted(said) != sorted(gold):
        return None
    place = {item: i for i, item in enumerate(said)}
    moved = [place[item] for item in gold]
    reverse = list(range(n))[::-1]
    return {
        "lsd": _squares(moved) / _squares(reverse),
        "lmd": _distances(moved) / _distances(reverse),
        "sd": _swaps(moved) / (n - 1),
        "sdd": min(1.0, _swap_distance(moved) / _swap_distance(reverse)),
    }


def _reordered(prediction: str, references: list[str], name: str) -> float:
    """1 minus the deviation `name`, best over the references; 0 for a reply that does not order all items."""
    golds = [gold for gold in map(timeline, references) if len(gold) > 1 and len(set(gold)) == len(gold)]
    if not golds:
        raise NotApplicable("the gold answer is no order")
    found = [reorder_deviations(timeline(prediction), gold) for gold in golds]
    return max((1.0 - deviations[name] for deviations in found if deviations), default=0.0)


@metric_function(1, own_rule=True)
def loogle_lsd(prediction: str, references: list[str]) -> float:
    """1 minus the normalised location square deviation of a timeline; LooGLE prints the deviation itself."""
    return _reordered(prediction, references, "lsd")


@metric_function(1, own_rule=True)
def loogle_lmd(prediction: str, references: list[str]) -> float:
    """1 minus the normalised location mean deviation of a timeline."""
    return _reordered(prediction, references, "lmd")


@metric_function(1, own_rule=True)
def loogle_sd(prediction: str, references: list[str]) -> float:
    """1 minus the normalised swap deviation of a timeline."""
    return _reordered(prediction, references, "sd")


@metric_function(1, own_rule=True)
def loogle_sdd(prediction: str, references: list[str]) -> float:
    """1 minus the normalised swap distance deviation of a timeline."""
    return _reordered(prediction, references, "sdd")


def _squares(order: Sequence[int]) -> float:
    return sum((item - i) ** 2 for i, item in enumerate(order)) / len(order)


def _distances(order: Sequence[int]) -> float:
    return sum(abs(item - i) for i, item in enumerate(order)) / len(order)


def _swaps(order: Sequence[int]) -> int:
    """The fewest swaps of any two places that sort a permutation: its length minus its number of cycles."""
    seen: set[int] = set()
    cycles = 0
    for start in order:
        if start not in seen:
            cycles += 1
        while start not in seen:
            seen.add(start)
            start = order[start]
    return len(order) - cycles


def _swap_distance(order: Sequence[int]) -> int:
    """Total distance of the swaps that sort a permutation greedily, each the one that gains most per distance."""
    items = list(order)
    total = 0
    while any(item != i for i, item in enumerate(items)):
        pairs = [(i, j) for i in range(len(items)) for j in range(i + 1, len(items))]

        def gain(pair: tuple[int, int]) -> float:
            i, j = pair
            before = abs(items[i] - i) + abs(items[j] - j)
            return (before - abs(items[j] - i) - abs(items[i] - j)) / (j - i)

        i, j = max(pairs, key=gain)
        items[i], items[j] = items[j], items[i]
        total += j - i
    return total
