"""Dense search: every index gives cosines, exact search gives the sort."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from workbench.errors import UnknownName
from workbench.retrieval.embedders.embedder import unit_rows
from workbench.retrieval.indexes.vector import FLAT_UP_TO, HNSW_UP_TO, DenseIndex, chosen_kind


def clustered(number: int, width: int = 32) -> NDArray[np.float32]:
    """Vectors around a hundred centres, as texts lie around topics."""
    draw = np.random.default_rng(7)
    centres = draw.standard_normal((100, width))
    return unit_rows(centres[draw.integers(100, size=number)] + 0.5 * draw.standard_normal((number, width)))


@pytest.fixture(scope="module")
def vectors() -> NDArray[np.float32]:
    return clustered(3_000)


def test_flat_search_is_the_sorted_cosines(vectors: NDArray[np.float32]) -> None:
    found = DenseIndex(vectors).search(vectors[5], 7)
    cosines = vectors.astype(np.float64) @ vectors[5].astype(np.float64)
    assert [p for p, _ in found] == np.argsort(-cosines)[:7].tolist()
    assert [s for _, s in found] == pytest.approx(sorted(cosines, reverse=True)[:7], abs=1e-6)


@pytest.mark.parametrize("kind", ["flat", "hnsw", "ivfpq"])
def test_equal_vectors_are_ranked_by_position(kind: str, vectors: NDArray[np.float32]) -> None:
    doubled = np.concatenate([vectors[:1_000], vectors[:1_000]])
    found = DenseIndex(doubled, kind).search(vectors[3], 2)
    assert [p for p, _ in found] == [3, 1_003]
    assert found[0][1] == found[1][1] == pytest.approx(1.0, abs=1e-6)


@pytest.mark.parametrize("kind", ["hnsw", "ivfpq"])
def test_approximate_indexes_say_how_much_they_find(kind: str, vectors: NDArray[np.float32]) -> None:
    index = DenseIndex(vectors, kind)
    assert index.kind == kind
    assert 0.9 < index.recall <= 1.0
    exact = DenseIndex(vectors)
    hits = sum(
        len({p for p, _ in index.search(vectors[i], 10)} & {p for p, _ in exact.search(vectors[i], 10)})
        for i in range(0, 3_000, 100)
    )
    assert hits / 300 == pytest.approx(index.recall, abs=0.08)


@pytest.mark.parametrize("kind", ["flat", "hnsw", "ivfpq"])
def test_a_kept_index_finds_the_same(kind: str, vectors: NDArray[np.float32], tmp_path: Path) -> None:
    index = DenseIndex(vectors, kind)
    index.write(tmp_path / "index.faiss")
    again = DenseIndex.read(tmp_path / "index.faiss", vectors, index.kind, index.recall)
    assert again.search(vectors[9], 5) == index.search(vectors[9], 5)
    assert again.recall == index.recall


def test_the_size_chooses_the_index() -> None:
    assert [chosen_kind("auto", n) for n in (0, FLAT_UP_TO, FLAT_UP_TO + 1, HNSW_UP_TO + 1)] == [
        "flat",
        "flat",
        "hnsw",
        "ivfpq",
    ]
    assert chosen_kind("ivfpq", 50) == "flat"  # too few to train codes on
    with pytest.raises(UnknownName, match="hnsw"):
        chosen_kind("annoy", 10)


def test_more_is_asked_than_there_is() -> None:
    assert len(DenseIndex(clustered(4)).search(clustered(4)[0], 10)) == 4
    assert DenseIndex(np.zeros((0, 4), np.float32)).search(np.ones(4, np.float32), 3) == []
