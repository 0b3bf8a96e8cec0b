from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workbench.retrieval.embedders.embedder import unit_rows
from workbench.retrieval.graphs.soft_clusters import soft_clusters


def scattered(rows: int, topics: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    draw = np.random.default_rng(seed)
    centres = draw.normal(size=(topics, 32))
    labels = np.arange(rows) % topics
    return unit_rows(centres[labels] + 0.1 * draw.normal(size=(rows, 32))), labels


def test_topics_far_apart_are_not_mixed() -> None:
    vectors, labels = scattered(60, 3)
    for cluster in soft_clusters(vectors, seed=224):
        assert len(set(labels[cluster])) == 1


@pytest.mark.parametrize("rows", [0, 1, 2, 11])
def test_few_rows_are_one_cluster(rows: int) -> None:
    vectors, _ = scattered(rows, 2)
    assert soft_clusters(vectors, seed=224) == ([list(range(rows))] if rows else [])


@settings(max_examples=8, deadline=None)
@given(rows=st.integers(0, 40), topics=st.integers(1, 5), seed=st.integers(0, 99))
def test_every_row_is_in_a_cluster_and_the_outcome_is_repeatable(rows: int, topics: int, seed: int) -> None:
    vectors, _ = scattered(rows, topics, seed)
    found = soft_clusters(vectors, seed=1)
    assert {row for cluster in found for row in cluster} == set(range(rows))
    assert all(cluster == sorted(set(cluster)) for cluster in found)
    assert found == soft_clusters(vectors, seed=1)


def test_rows_that_are_all_alike_or_empty_do_not_break_it() -> None:
    same = unit_rows(np.ones((30, 8)))
    assert {row for cluster in soft_clusters(same, seed=1) for row in cluster} == set(range(30))
    assert {row for c in soft_clusters(np.zeros((30, 8), np.float32), seed=1) for row in c} == set(range(30))
