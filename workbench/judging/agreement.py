"""Agreement of two scorers of the same answers: a judge with people, a judge with a token metric."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Sequence
from math import sqrt


def correlation(a: Sequence[float], b: Sequence[float]) -> float | None:
    """Pearson's correlation, -1 to 1; None when one side does not vary or there are fewer than two pairs.

    >>> correlation([0.0, 0.5, 1.0], [0.0, 1.0, 2.0])
    1.0
    """
    n = len(a)
    if n != len(b):
        raise ValueError(f"{n} scores against {len(b)}")
    if n < 2:
        return None
    mean_a, mean_b = sum(a) / n, sum(b) / n
    spread_a, spread_b = sum((x - mean_a) ** 2 for x in a), sum((y - mean_b) ** 2 for y in b)
    if spread_a == 0 or spread_b == 0:
        return None
    return sum((x - mean_a) * (y - mean_b) for x, y in zip(a, b, strict=True)) / sqrt(spread_a * spread_b)


def rank_correlation(a: Sequence[float], b: Sequence[float]) -> float | None:
    """Spearman's correlation: Pearson's of the ranks, equal values sharing their mean rank."""
    return correlation(_ranks(a), _ranks(b))


def _ranks(values: Sequence[float]) -> list[float]:
    order = sorted(values)
    first = {value: order.index(value) for value in set(order)}
    count = Counter(order)
    return [first[value] + (count[value] + 1) / 2 for value in values]


def kappa(a: Sequence[Hashable], b: Sequence[Hashable]) -> float | None:
    """Cohen's kappa of two labellings: agreement beyond chance, 1 at most; None when both always say the same label.

    >>> kappa([1, 1, 0, 0], [1, 0, 0, 0])
    0.5
    """
    n = len(a)
    if n == 0 or n != len(b):
        return None
    observed = sum(x == y for x, y in zip(a, b, strict=True)) / n
    counts_a, counts_b = Counter(a), Counter(b)
    chance = sum(counts_a[label] * counts_b[label] for label in counts_a) / n**2
    return None if chance == 1 else (observed - chance) / (1 - chance)
