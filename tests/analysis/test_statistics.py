"""Intervals and tests against independent implementations and known laws."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from workbench.analysis.statistics import clustered_interval, holm, paired_difference, permutation_test

P_VALUES = st.lists(st.floats(0, 1), min_size=1, max_size=12)


@given(P_VALUES)
def test_holm_is_the_step_down_rule(p_values: list[float]) -> None:
    m = len(p_values)
    ranked = sorted(p_values)
    # Holm 1979: the adjusted p of the i-th smallest is max over j ≤ i of (m − j + 1) p_(j), at most 1
    by_rule = [min(1.0, max((m - j) * ranked[j] for j in range(i + 1))) for i in range(m)]
    assert sorted(holm(p_values)) == pytest.approx(sorted(by_rule))
    assert all(adjusted >= p for adjusted, p in zip(holm(p_values), p_values, strict=True))


def test_permutation_test_is_exact_on_few_pairs() -> None:
    a, b = [1, 1, 1, 0, 1, 1], [0, 0, 1, 0, 0, 0.5]
    expected = stats.permutation_test(
        (np.array(a), np.array(b)), lambda x, y: np.mean(x - y), permutation_type="samples", n_resamples=np.inf
    )
    assert permutation_test(a, b) == pytest.approx(expected.pvalue)
    # by hand: 4 pairs of 1, 1, 1, 0.5 and all signs; only the two extreme patterns reach |3.5|
    assert permutation_test(a, b) == 2 / 2**4


def test_permutation_test_on_many_pairs_agrees_with_scipy() -> None:
    draw = np.random.default_rng(1)
    a, b = draw.random(80), draw.random(80) * 0.85
    expected = stats.permutation_test(
        (a, b), lambda x, y: np.mean(x - y), permutation_type="samples", n_resamples=20_000, rng=2
    ).pvalue
    assert permutation_test(a, b) == pytest.approx(expected, abs=0.01)


def test_no_difference_is_no_evidence() -> None:
    assert permutation_test([1, 0, 1], [1, 0, 1]) == 1.0
    draw = np.random.default_rng(3)
    p = [permutation_test(draw.integers(0, 2, 40), draw.integers(0, 2, 40), draws=400) for _ in range(200)]
    assert 0.01 <= np.mean(np.array(p) < 0.05) <= 0.10  # the test holds its level


def test_many_clusters_are_bootstrapped() -> None:
    values = np.random.default_rng(4).random(80)
    interval = clustered_interval(values, np.arange(80), draws=40_000)
    expected = stats.bootstrap((values,), np.mean, n_resamples=40_000, method="percentile", rng=5).confidence_interval
    assert (interval.low, interval.high) == pytest.approx((expected.low, expected.high), abs=0.005)


def test_few_clusters_get_the_t_interval_of_their_means() -> None:
    values, clusters = [0, 1, 0, 0, 1, 1, 1, 0, 0, 0], np.repeat(np.arange(5), 2)
    means = np.reshape(values, (5, 2)).mean(axis=1)
    expected = stats.ttest_1samp(means, 0).confidence_interval()
    interval = clustered_interval(values, clusters)
    assert (interval.low, interval.high) == pytest.approx((expected.low, expected.high))


@pytest.mark.parametrize("sizes", [(2, 2, 2, 2, 2), (1, 3, 2, 5, 1, 4)])
def test_a_share_gets_wilson_s_interval_of_its_effective_number(sizes: tuple[int, ...]) -> None:
    """Both ends solve (mean − p)² = t² p (1 − p) / n, with n = mean (1 − mean) / variance and the variance of a
    regression on a constant with clustered errors."""
    draw = np.random.default_rng(9)
    clusters = np.repeat(np.arange(len(sizes)), sizes)
    values = draw.integers(0, 2, clusters.size).astype(float)
    interval = clustered_interval(values, clusters, bounds=(0, 1))
    mean, groups = values.mean(), len(sizes)
    meat = sum((values[clusters == g] - mean).sum() ** 2 for g in range(groups))
    robust = groups / (groups - 1) * meat / values.size**2
    number = mean * (1 - mean) / max(robust, values.var(ddof=1) / values.size)
    for end in (interval.low, interval.high):
        assert (mean - end) ** 2 == pytest.approx(stats.t.ppf(0.975, groups - 1) ** 2 * end * (1 - end) / number)
    assert 0 < interval.low < mean < interval.high < 1


def test_contexts_that_are_alike_by_chance_show_no_more_than_independent_answers() -> None:
    """Five contexts with one right answer of two each: their means do not differ, the answers do."""
    interval = clustered_interval([0, 1] * 5, np.repeat(np.arange(5), 2), bounds=(0, 1))
    number = 0.25 / (np.var([0, 1] * 5, ddof=1) / 10)
    t_squared = stats.t.ppf(0.975, 4) ** 2
    assert (0.5 - interval.low) ** 2 == pytest.approx(t_squared * interval.low * (1 - interval.low) / number)


@pytest.mark.parametrize("clusters", [6, 90])
def test_all_right_is_no_certainty(clusters: int) -> None:
    interval = clustered_interval(np.ones(clusters * 3), np.repeat(np.arange(clusters), 3), bounds=(0, 1))
    t_squared = stats.t.ppf(0.975, clusters - 1) ** 2
    assert (interval.mean, interval.high) == (1.0, 1.0)
    assert interval.low == pytest.approx(1 / (1 + t_squared / (3 * clusters)))  # Wilson's, of 3 × clusters values


def test_a_share_of_many_contexts_is_bootstrapped_unless_few_are_right_or_wrong() -> None:
    for wrong, bootstrapped in ((50, True), (22, True), (18, False), (94, False)):
        values = (np.arange(100) >= wrong).astype(float)
        interval = clustered_interval(values, np.arange(100), draws=40_000, bounds=(0, 1))
        by_rank = stats.binom.ppf([0.025, 0.975], 100, values.mean()) / 100  # of resampling 100 values of 0 and 1
        squared = stats.t.ppf(0.975, 99) ** 2 / 99  # Wilson's; the variance of 0 and 1 with one degree of freedom less
        reach = np.sqrt(squared * values.mean() * (1 - values.mean()) + squared**2 / 4)
        wilson = [(values.mean() + squared / 2 + sign * reach) / (1 + squared) for sign in (-1, 1)]
        expected = by_rank if bootstrapped else wilson
        assert (interval.low, interval.high) == pytest.approx(expected, abs=0.0101 if bootstrapped else 1e-9)


@pytest.mark.parametrize("contexts", [7, 70])
def test_a_high_share_covers_the_truth(contexts: int) -> None:
    """Of seven contexts, mean ± t standard errors would cover 0.95 of right answers 0.82 times; a bootstrap of seventy
    0.92 times."""
    draw = np.random.default_rng(contexts)
    covered = 0
    for _ in range(1_000):
        clusters = np.repeat(np.arange(contexts), draw.integers(1, 20, contexts))
        values = draw.random(clusters.size) < draw.beta(9.5, 0.5, contexts)[clusters]
        interval = clustered_interval(values, clusters, bounds=(0, 1))
        covered += interval.low <= 0.95 <= interval.high
    assert covered / 1_000 >= 0.93


def test_one_cluster_is_taken_by_its_values() -> None:
    values = [0, 1, 1, 0, 1]
    expected = stats.ttest_1samp(values, 0).confidence_interval()
    interval = clustered_interval(values, ["book"] * 5)
    assert (interval.low, interval.high, interval.clusters) == pytest.approx((expected.low, expected.high, 1))
    assert permutation_test(values, [0] * 5, ["book"] * 5) == 2 / 2**3


@pytest.mark.parametrize("contexts", [2, 5, 10])
def test_few_contexts_cover_the_truth_and_reject_no_truth(contexts: int) -> None:
    draw = np.random.default_rng(contexts)
    of = np.repeat(np.arange(contexts), 21)
    covered, rejected = 0, 0
    for _ in range(2_000):
        difference = draw.normal(draw.normal(0, 0.2, contexts)[of], 0.4)
        interval = clustered_interval(difference, of)
        covered += interval.low <= 0 <= interval.high
        rejected += permutation_test(difference, np.zeros(of.size), of) < 0.05
    assert covered / 2_000 >= 0.93
    assert rejected / 2_000 <= 0.07


def test_pairs_of_a_context_flip_together() -> None:
    """Three contexts, of 2, 2 and 1 questions: differences 1, 1 | 1, 0 | -1 sum to 2, 1, -1."""
    p = permutation_test([1, 1, 1, 0, 0], [0, 0, 0, 0, 1], ["a", "a", "b", "b", "c"])
    sums = [abs(2 * i + 1 * j - 1 * k) for i in (1, -1) for j in (1, -1) for k in (1, -1)]
    assert p == sum(value >= 2 for value in sums) / 8


def test_clustering_widens_the_interval() -> None:
    """Ten contexts whose questions all stand or fall together hold ten observations, not a hundred."""
    values = np.repeat([0, 1, 0, 1, 1, 0, 1, 1, 0, 1], 10)
    together = clustered_interval(values, np.repeat(np.arange(10), 10))
    apart = clustered_interval(values, np.arange(100))
    assert (together.high - together.low) > 2.5 * (apart.high - apart.low)
    assert (together.n, together.clusters) == (100, 10)


def test_the_interval_covers_the_truth_as_often_as_it_says() -> None:
    draw = np.random.default_rng(8)
    covered = 0
    for trial in range(300):
        level = draw.normal(0, 0.2, 30)  # each context has its own difficulty
        scores = np.concatenate([draw.normal(0.5 + level[c], 0.3, 6) for c in range(30)])
        interval = clustered_interval(scores, np.repeat(np.arange(30), 6), draws=600, seed=trial)
        covered += interval.low <= 0.5 <= interval.high
    assert 0.90 <= covered / 300 <= 0.98


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1), st.integers(0, 5)), min_size=1, max_size=40))
def test_intervals_hold_their_mean(rows: list[tuple[float, float, int]]) -> None:
    a, b, clusters = (list(column) for column in zip(*rows, strict=True))
    interval = paired_difference(a, b, clusters)
    assert interval.low <= interval.mean <= interval.high
    assert interval.mean == pytest.approx(np.mean(a) - np.mean(b))
