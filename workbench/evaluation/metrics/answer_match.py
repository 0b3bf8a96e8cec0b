"""Answer matching on normalised words, as in SQuAD."""

from __future__ import annotations

import re
import string
from collections import Counter
from collections.abc import Sequence

from workbench.evaluation.metrics._registry import metric_function

_ARTICLES = re.compile(r"\b(a|an|the)\b")
_PUNCTUATION = str.maketrans("", "", string.punctuation)


def normalize_answer(text: str) -> str:
    """SQuAD's normalisation: lower case, ASCII punctuation and articles removed, white space collapsed.

    >>> normalize_answer("The well-known  Tower!")
    'wellknown tower'
    """
    return " ".join(_ARTICLES.sub(" ", text.lower().translate(_PUNCTUATION)).split())


def bag_f1(prediction: Sequence[str], reference: Sequence[str]) -> float:
    """F1 of two bags of words; 0 when they share none, even when both are empty (as in SQuAD v1)."""
    common = sum((Counter(prediction) & Counter(reference)).values())
    if common == 0:
        return 0.0
    precision, recall = common / len(prediction), common / len(reference)
    return 2 * precision * recall / (precision + recall)


@metric_function(1)
def token_f1(prediction: str, references: list[str]) -> float:
    """Best token F1 over the references (SQuAD v1.1, LongBench `qa_f1_score`).

    >>> round(token_f1("the old tower", ["tower"]), 3)
    0.667
    """
    words = normalize_answer(prediction).split()
    return max((bag_f1(words, normalize_answer(reference).split()) for reference in references), default=0.0)


@metric_function(1)
def exact_match(prediction: str, references: list[str]) -> float:
    """1 when the normalised prediction equals a normalised reference (SQuAD v1.1)."""
    said = normalize_answer(prediction)
    return float(any(said == normalize_answer(reference) for reference in references))


@metric_function(1)
def contains(prediction: str, references: list[str]) -> float:
    """1 when the normalised prediction contains a normalised reference as whole words."""
    said = f" {normalize_answer(prediction)} "
    return float(any(f" {normalize_answer(r)} " in said for r in references if normalize_answer(r)))


@metric_function(1, own_rule=True)
def nq_open(prediction: str, references: list[str], *, official: bool = True) -> float:
    """1 when the reply's first line contains a normalised answer (`best_subspan_em` of Lost in the Middle).

    Officially also inside words; without `official`, the whole reply is searched for the answer as whole words.

    >>> nq_open("Parisian cafés", ["Paris"]), nq_open("Well.\\nParis", ["Paris"])
    (1.0, 0.0)
    """
    if not official:
        return contains(prediction, references)
    said = normalize_answer(prediction.split("\n")[0])
    return float(any(normalize_answer(reference) in said for reference in references))


@metric_function(1)
def list_f1(prediction: str, references: list[str]) -> float:
    """F1 of two sets of items, split at commas, semicolons, line breaks and `and`; each reference is a full list.

    >>> list_f1("Ada, Bo and Cy", ["Bo; Ada"])
    0.8
    """
    said = _items(prediction)
    return max((bag_f1(said, _items(reference)) for reference in references), default=0.0)


def _items(text: str) -> list[str]:
    parts = re.split(r"[,;\n]|\band\b", text)
    return list(dict.fromkeys(item for item in map(normalize_answer, parts) if item))


@metric_function(1)
def ordered_match(prediction: str, references: list[str]) -> float:
    """Share of the reference list's item pairs that the prediction names in the same order (Kendall-style, 0 to 1).

    All pairs of an item that is not named count as wrong; for a reference with one item, 1 when it is named.
    """
    return max((_order(prediction, reference) for reference in references), default=0.0)


def _order(prediction: str, reference: str) -> float:
    said = normalize_answer(prediction)
    items = _items(reference)
    places = [said.find(item) for item in items]
    if len(items) < 2:
        return float(bool(items) and places[0] >= 0)
    pairs = [(a, b) for i, a in enumerate(places) for b in places[i + 1 :]]
    return sum(0 <= a < b for a, b in pairs) / len(pairs)
