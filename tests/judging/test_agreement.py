"""Agreement of scorers, against numpy and worked examples."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import spearmanr

from workbench.judging.agreement import correlation, kappa, rank_correlation

PAIRS = st.lists(st.tuples(st.sampled_from([0.0, 0.5, 1.0]), st.integers(0, 5)), min_size=2, max_size=30)


@given(PAIRS)
def test_correlations_are_those_of_numpy_and_scipy(pairs: list[tuple[float, int]]) -> None:
    a, b = [x for x, _ in pairs], [float(y) for _, y in pairs]
    if len(set(a)) < 2 or len(set(b)) < 2:
        assert correlation(a, b) is None
        return
    assert correlation(a, b) == pytest.approx(np.corrcoef(a, b)[0, 1], abs=1e-9)
    assert rank_correlation(a, b) == pytest.approx(spearmanr(a, b).statistic, abs=1e-9)


def test_kappa_is_agreement_beyond_chance() -> None:
    # 20 + 15 of 50 agree; by chance 25 * 30 / 2500 + 25 * 20 / 2500 = 0.5 would
    a = ["yes"] * 25 + ["no"] * 25
    b = ["yes"] * 20 + ["no"] * 5 + ["yes"] * 10 + ["no"] * 15
    assert kappa(a, b) == pytest.approx((0.7 - 0.5) / (1 - 0.5))
    assert kappa([1, 1], [1, 1]) is None
