"""Confidence intervals and paired tests. All are seeded, so that the same log gives the same figures.

Answers to questions about one context are correlated, so contexts, not questions, are resampled (cluster bootstrap,
Cameron, Gelbach and Miller 2008; Miller 2024, "Adding error bars to evals", recommends clustering for this reason).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike, NDArray

DRAWS = 4_000
SEED = 20240601
MANY = 60  # clusters that the bootstrap needs for its nominal coverage (with 30 it covers 0.92 to 0.94) ...
FEW = 20  # ... if at least this many effective values are right and as many wrong (with 3 to 16: 0.87 to 0.92)


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


def clustered_interval(
    values: ArrayLike,
    clusters: ArrayLike,
    *,
    draws: int = DRAWS,
    seed: int = SEED,
    bounds: tuple[float, float] = (-np.inf, np.inf),
) -> Interval:
    """Mean and 95 % interval, treating clusters as the independent sampling units. The interval is clipped to `bounds`.

    With 60 clusters or more it is a percentile bootstrap of clusters. With fewer, the bootstrap covers too rarely (0.84
    with five), so the interval uses the cluster-robust standard error with G − 1 degrees of freedom (Cameron and Miller
    2015, §VI): the mean ± t standard errors, or for values between 0 and 1 (`bounds` (0, 1)) Wilson's interval, which
    keeps its coverage near 0 and 1. Such values get Wilson's interval also with 60 clusters or more when fewer than 20
    of their effective number are right, or fewer than 20 wrong. A single cluster says nothing about others: then each
    value is its own cluster, and the interval holds for that cluster only.
    """
    data = np.asarray(values, dtype=np.float64)
    if data.size == 0:
        return Interval(float("nan"), float("nan"), float("nan"), 0, 0)
    sums, counts = _sums(data, units(clusters))
    mean = float(data.mean())
    share = bounds == (0.0, 1.0) and data.min() >= 0.0 and data.max() <= 1.0
    if len(sums) >= MANY and not (share and min(mean, 1 - mean) * _effective_number(data, sums, counts) < FEW):
        low, high = _bootstrap(sums, counts, draws, seed)
    else:
        low, high = _wilson(data, sums, counts) if share else _robust_t(sums, counts)
    low, high = max(low, bounds[0]), min(high, bounds[1])
    return Interval(mean, min(low, mean), max(high, mean), data.size, len(np.unique(np.asarray(clusters))))


def units(clusters: ArrayLike) -> NDArray[np.int64]:
    """The independent unit of each value, numbered: its cluster, or the value itself if there is a single cluster."""
    _, place = np.unique(np.asarray(clusters), return_inverse=True)
    alone = place.size > 0 and place.max() == 0
    return np.arange(place.size) if alone else place.astype(np.int64)


def _bootstrap(sums: NDArray[np.float64], counts: NDArray[np.float64], draws: int, seed: int) -> tuple[float, float]:
    generator = np.random.default_rng(seed)
    groups = len(sums)
    weights = generator.multinomial(groups, np.full(groups, 1 / groups), size=draws)
    low, high = np.quantile((weights @ sums) / (weights @ counts), [0.025, 0.975])
    return float(low), float(high)


def _robust_t(sums: NDArray[np.float64], counts: NDArray[np.float64]) -> tuple[float, float]:
    """The mean ± t times its cluster-robust standard error; of zero width with a single value."""
    groups, mean = len(sums), sums.sum() / counts.sum()
    if groups == 1:
        return float(mean), float(mean)
    reach = _t(groups - 1) * float(np.sqrt(_robust_variance(sums, counts)))
    return float(mean) - reach, float(mean) + reach


def _robust_variance(sums: NDArray[np.float64], counts: NDArray[np.float64]) -> float:
    """Cluster-robust variance of the mean, with the G / (G − 1) correction."""
    groups, mean = len(sums), sums.sum() / counts.sum()
    return float(groups / (groups - 1) * ((sums - mean * counts) ** 2).sum() / counts.sum() ** 2)


def _effective_number(data: NDArray[np.float64], sums: NDArray[np.float64], counts: NDArray[np.float64]) -> float:
    """The effective sample size of values between 0 and 1: mean (1 − mean) / variance of the mean (Korn and Graubard
    1998; Dean and Pagano 2015).

    The variance is taken to be at least that of independent values, since a few clusters may be similar by chance.
    Where the values do not differ at all, e.g. when all are right, the result is their number: an interval of zero
    width would claim more than a few right answers can show.
    """
    mean = float(sums.sum() / counts.sum())
    variance = max(_robust_variance(sums, counts), float(data.var(ddof=1)) / data.size)
    return mean * (1 - mean) / variance if variance > 1e-15 else float(counts.sum())


def _wilson(data: NDArray[np.float64], sums: NDArray[np.float64], counts: NDArray[np.float64]) -> tuple[float, float]:
    """Wilson's score interval of a mean between 0 and 1: all p with (mean − p)² ≤ t² p (1 − p) / n, where n is the
    effective number of values."""
    mean = float(sums.sum() / counts.sum())
    if len(sums) == 1:
        return mean, mean
    squared = _t(len(sums) - 1) ** 2 / _effective_number(data, sums, counts)
    middle = (mean + squared / 2) / (1 + squared)
    reach = float(np.sqrt(squared * mean * (1 - mean) + squared**2 / 4)) / (1 + squared)
    return middle - reach, middle + reach


@lru_cache(maxsize=256)
def _t(freedom: int) -> float:
    """The 97.5 % point of Student's distribution."""
    from scipy.special import stdtrit  # scipy.stats takes a second to import

    return float(stdtrit(freedom, 0.975))


def paired_difference(a: ArrayLike, b: ArrayLike, clusters: ArrayLike, *, seed: int = SEED) -> Interval:
    """Mean of a − b over the same questions, with its interval."""
    return clustered_interval(np.asarray(a, float) - np.asarray(b, float), clusters, seed=seed, bounds=(-1.0, 1.0))


def permutation_test(
    a: ArrayLike, b: ArrayLike, clusters: ArrayLike | None = None, *, draws: int = 10_000, seed: int = SEED
) -> float:
    """Two-sided paired sign-flip test of "no difference in mean"; p in (0, 1].

    With `clusters`, all pairs of a cluster flip together, since they are not independent (in a single cluster each pair
    flips by itself, as in `clustered_interval`). With up to 13 clusters or pairs that differ, exact over all sign
    patterns; else Monte Carlo with the estimate (count + 1) / (draws + 1) (Phipson and Smyth 2010), never zero.
    """
    differences = np.asarray(a, dtype=np.float64) - np.asarray(b, dtype=np.float64)
    if clusters is not None and differences.size:
        differences, _ = _sums(differences, units(clusters))
    differences = differences[np.abs(differences) > 1e-12]
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
    """Holm's step-down adjustment of p-values, in the order given; never below the raw value, never above 1.

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
