from __future__ import annotations

import pytest

from tests.pipelines.conftest import make_context, make_rig
from workbench.method.fitting import leading, reduced
from workbench.retrieval.embedders.lsa import LsaEmbedder
from workbench.retrieval.indexes.text_index import TextIndex

TEXTS = ["The ferry leaves at noon.", "A zeppelin over Bergen.", "The ferry to Bergen sank.", "Nothing of the kind."]


def index(texts: list[str]) -> TextIndex:
    return TextIndex(texts, LsaEmbedder())


def test_both_searches_find_the_text_by_its_words() -> None:
    assert index(TEXTS).dense("zeppelin", 1)[0][0] == 1
    assert index(TEXTS).sparse("zeppelin", 4) == [(1, pytest.approx(index(TEXTS).sparse("zeppelin", 1)[0][1]))]


def test_words_that_only_the_methods_own_texts_hold_are_known() -> None:
    # the embedder is fitted on these texts, not on the context's chunks
    assert index(["Chapter on zeppelins.", "Chapter on ferries."]).dense("ferries", 1)[0][0] == 1


def test_dense_keeps_to_the_positions_it_is_given() -> None:
    found = index(TEXTS).dense("ferry", 9, among=[1, 2])
    assert [position for position, _ in found] == [2, 1]
    assert index(TEXTS).dense("ferry", 9, among=[]) == []


def test_an_unknown_query_finds_nothing_rather_than_anything() -> None:
    assert index(TEXTS).dense("quux", 3) == [] and index(TEXTS).sparse("quux", 3) == []


def test_no_texts_no_hits() -> None:
    assert len(index([])) == 0
    assert index([]).dense("ferry", 3) == index([]).sparse("ferry", 3) == []


def test_leading_is_the_longest_prefix_that_fits() -> None:
    bench = make_rig(make_context("text"), "x").bench
    items = [f"word{i}" for i in range(50)]
    for room in (0, 1, 7, 40, 10_000):
        kept = leading(items, room, bench, " ".join)
        assert kept == items[: len(kept)]
        assert not kept or bench.count(" ".join(kept)) <= room
        assert len(kept) == len(items) or bench.count(" ".join(items[: len(kept) + 1])) > room


def test_a_part_shrinks_to_the_room_there_is_and_it_is_noted() -> None:
    bench = make_rig(make_context("text"), "x", window=1_000).bench
    assert reduced(300, 850, bench) == 300
    assert bench.notes == []
    assert reduced(2_000, 850, bench, "unit_tokens") == 850
    assert reduced(10, -5, bench) == 1
    assert bench.notes == [("unit_tokens_reduced_to", 850), ("chunk_tokens_reduced_to", 1)]
