"""Intervals and paired tests. Everything is seeded: the same log gives the same figures.

Questions of one context stand or fall together, so contexts, not questions, are resampled (cluster bootstrap, Cameron,
Gelbach and Miller 2008; Miller 2024, "Adding error bars to evals", recommends clustering for the same reason).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

DRAWS = 4_000
SEED = 20240601


@dataclass(frozen=True, slots=True)
class Interval:
    """A mean with its 95 % interval; `n` values in `clusters` clusters."""

    mean: float
    low: float
    high: float
    n: int
    clusters: int


def _sums(values: NDArray[np.float64], clusters: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Sum and count of the values of each cluster."""
    _, place = np.unique(np.asarray(clusters), return_inverse=True)
    sums = np.bincount(place, weights=values).astype(np.float64)
    return sums, np.bincount(place).astype(np.float64)


def clustered_interval(values: ArrayLike, clusters: ArrayLike, *, draws: int = DRAWS, seed: int = SEED) -> Interval:
    """Mean and percentile-bootstrap 95 % interval; clusters are drawn with replacement.

    With fewer than five clusters, resampling them alone says next to nothing, so that questions are resampled inside
    the drawn clusters too (two-stage bootstrap, Davison and Hinkley 1997, §3.8).
    """
    data = np.asarray(values, dtype=np.float64)
    if data.size == 0:
        return Interval(float("nan"), float("nan"), float("nan"), 0, 0)
    means = _resampled_means(data, np.asarray(clusters), draws, seed)
    low, high = np.quantile(means, [0.025, 0.975])
    mean = float(data.mean())
    return Interval(
        mean, min(float(low), mean), max(float(high), mean), data.size, len(np.unique(np.asarray(clusters)))
    )


def _resampled_means(
    data: NDArray[np.float64], clusters: NDArray[np.object_], draws: int, seed: int
) -> NDArray[np.float64]:
    generator = np.random.default_rng(seed)
    sums, counts = _sums(data, clusters)
    groups = len(sums)
    if groups >= 5:
        chosen = generator.integers(0, groups, size=(draws, groups))
        resampled: NDArray[np.float64] = sums[chosen].sum(axis=1) / counts[chosen].sum(axis=1)
        return resampled
    _, place = np.unique(clusters, return_inverse=True)
    members = [data[place == group] for group in range(groups)]
    means = np.empty(draws)
    for draw in range(draws):
        picked = [members[group] for group in generator.integers(0, groups, size=groups)]
        sample = [group[generator.integers(0, group.size, size=group.size)] for group in picked]
        means[draw] = np.concatenate(sample).mean()
    return means


def paired_difference(a: ArrayLike, b: ArrayLike, clusters: ArrayLike, *, seed: int = SEED) -> Interval:
    """Mean of a − b over the same questions, with its interval."""
    return clustered_interval(np.asarray(a, float) - np.asarray(b, float), clusters, seed=seed)


def permutation_test(a: ArrayLike, b: ArrayLike, *, draws: int = 10_000, seed: int = SEED) -> float:
    """Two-sided paired sign-flip test of "no difference in mean"; p in (0, 1].

    Exact over all sign patterns up to 13 differing pairs, else Monte Carlo with the (count + 1) / (draws + 1) estimate
    (Phipson and Smyth 2010), which is never zero.
    """
    differences = np.asarray(a, dtype=np.float64) - np.asarray(b, dtype=np.float64)
    differences = differences[differences != 0]
    if differences.size == 0:
        return 1.0
    observed = abs(differences.sum()) * (1 - 1e-12)
    if differences.size <= 13:
        patterns = (np.arange(2**differences.size)[:, None] >> np.arange(differences.size)) & 1
        sums = (1 - 2 * patterns) @ differences
        return float((np.abs(sums) >= observed).mean())
    generator = np.random.default_rng(seed)
    hits, done = 0, 0
    while done < draws:
        batch = min(2_000, draws - done)
        signs = generator.integers(0, 2, size=(batch, differences.size), dtype=np.int8) * 2 - 1
        hits += int((np.abs(signs @ differences) >= observed).sum())
        done += batch
    return (hits + 1) / (draws + 1)


def holm(p_values: Sequence[float]) -> list[float]:
    """Holm's step-down adjustment, in the order given; never below the raw value, never above 1.

    >>> [round(p, 3) for p in holm([0.01, 0.04, 0.03])]
    [0.03, 0.06, 0.06]
    """
    order = sorted(range(len(p_values)), key=lambda i: p_values[i])
    adjusted = [0.0] * len(p_values)
    highest = 0.0
    for step, i in enumerate(order):
        highest = max(highest, min(1.0, (len(p_values) - step) * p_values[i]))
        adjusted[i] = highest
    return adjusted
