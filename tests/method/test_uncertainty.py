from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.method.uncertainty import entropy, hidden_mass, likeliest


def logs(*probabilities: float) -> dict[str, float]:
    return {f"t{i}": math.log(p) for i, p in enumerate(probabilities)}


def test_entropy_of_known_distributions() -> None:
    assert entropy(logs(1.0)) == 0.0
    assert entropy(logs(0.5, 0.5)) == pytest.approx(math.log(2))
    assert entropy(logs(0.25, 0.25)) == pytest.approx(math.log(2))  # renormalised
    assert entropy(logs(0.9, 0.1)) == pytest.approx(-(0.9 * math.log(0.9) + 0.1 * math.log(0.1)))
    assert entropy({}) == math.inf
    assert entropy({"a": -9999.0}) == math.inf


def test_hidden_mass_and_the_likeliest() -> None:
    assert hidden_mass(logs(0.6, 0.3)) == pytest.approx(0.1)
    assert hidden_mass(logs(0.6, 0.4 + 1e-12)) == 0.0
    assert likeliest(logs(0.2, 0.7, 0.1)) == "t1"


@given(st.lists(st.floats(0.001, 1.0), min_size=1, max_size=20))
def test_entropy_lies_between_zero_and_that_of_the_uniform(weights: list[float]) -> None:
    total = sum(weights)
    assert 0.0 <= entropy(logs(*(w / total for w in weights))) <= math.log(len(weights)) + 1e-9
