"""BM25: rank-bm25 is the definition; our matrix gives its scores."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rank_bm25 import BM25L, BM25Okapi, BM25Plus

from workbench.errors import UnknownName
from workbench.retrieval.analysis import terms
from workbench.retrieval.indexes.bm25 import Bm25Index, Bm25Options, Variant
from workbench.retrieval.top_k import best, packed_strings, unpacked_strings

RANK_BM25 = {"okapi": BM25Okapi, "l": BM25L, "plus": BM25Plus}
WORD = st.sampled_from("baron town river mill company companies corn the of ship ships winter".split())
TEXT = st.lists(WORD, min_size=1, max_size=12).map(" ".join)


@pytest.mark.parametrize("variant", sorted(RANK_BM25))
@settings(max_examples=60, deadline=None)
@given(texts=st.lists(TEXT, min_size=1, max_size=12), query=TEXT)
def test_scores_are_those_of_rank_bm25(variant: Variant, texts: list[str], query: str) -> None:
    expected = RANK_BM25[variant]([terms(text) for text in texts]).get_scores(terms(query))
    scores = Bm25Index(texts, Bm25Options(variant)).scores(query)
    assert np.abs(scores - expected).max() < 1e-9


def test_parameters_reach_the_scores() -> None:
    texts = ["corn in the mill", "the mill of the baron by the river, a mill of stone", "winter"]
    expected = BM25Okapi([terms(t) for t in texts], k1=0.9, b=0.4, epsilon=0.1).get_scores(terms("baron mill"))
    made = Bm25Index(texts, Bm25Options(k1=0.9, b=0.4, epsilon=0.1))
    assert made.scores("baron mill") == pytest.approx(expected, abs=1e-9)


def test_search_is_the_sorted_scores_without_the_untouched() -> None:
    texts = ["alpha beta", "gamma", "alpha alpha delta", "beta", "eta theta", "iota kappa"]
    index = Bm25Index(texts)
    scores = index.scores("alpha beta")
    assert index.search("alpha beta", 10) == [(p, scores[p]) for p in sorted((0, 2, 3), key=lambda p: -scores[p])]
    assert index.search("omega", 3) == []


def test_what_plus_gives_every_text_makes_no_hit() -> None:
    index = Bm25Index(["alpha beta", "gamma", "delta"], Bm25Options("plus"))
    assert index.scores("beta")[1] > 0
    assert [position for position, _ in index.search("beta", 5)] == [0]
    assert index.search("beta", 5)[0][1] == pytest.approx(index.scores("beta")[0], abs=1e-12)


def test_companies_find_company_and_stop_words_find_nothing() -> None:
    index = Bm25Index(["The company was founded in May.", "A river.", "What is the mill?"])
    assert [p for p, _ in index.search("Which companies are these?", 3)] == [0]
    assert [p for p, _ in index.search("what is the river", 3)] == [1]


@pytest.mark.parametrize(
    ("language", "text", "query"),
    [
        ("german", "Die Häuser der Stadt brannten.", "Welches Haus brannte in der Stadt?"),
        ("french", "Les chevaux mangeaient.", "Où mangeait le cheval, que mangeaient-ils ?"),
        ("russian", "Старые книги лежали на столе.", "Где лежала книга?"),
        ("spanish", "Las canciones antiguas", "¿Cuál es la canción antigua?"),
        ("english", "大阪城は古い。", "大阪城"),
    ],
)
def test_each_language_has_one_analyser_for_both_sides(language: str, text: str, query: str) -> None:
    index = Bm25Index([text, "xyz", "abc"], Bm25Options(language=language))
    assert [p for p, _ in index.search(query, 3)] == [0]


def test_a_language_or_variant_that_does_not_exist_lists_those_that_do() -> None:
    with pytest.raises(UnknownName, match="german"):
        Bm25Index(["a"], Bm25Options(language="klingon"))
    with pytest.raises(UnknownName, match="okapi"):
        Bm25Options("bm26")  # type: ignore[arg-type]


def test_texts_without_words_score_zero() -> None:
    index = Bm25Index(["...", "", "!"])
    assert index.scores("anything").tolist() == [0.0, 0.0, 0.0]
    assert Bm25Index([]).search("anything", 3) == []


def test_an_index_of_its_arrays_scores_the_same() -> None:
    index = Bm25Index(["alpha beta", "gamma\ud800 beta", "delta"], Bm25Options("plus"))
    again = Bm25Index.of_arrays(index.arrays(), 3, index.options)
    assert again.scores("beta delta").tolist() == index.scores("beta delta").tolist()


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(-2, 6), max_size=40), st.integers(1, 12), st.integers(0, 3))
def test_best_is_a_sort(values: list[int], k: int, thinned: int) -> None:
    scores = np.zeros(len(values) * 300)
    scores[:: 300 if thinned else 1][: len(values)] = values
    expected = sorted(np.flatnonzero(scores).tolist(), key=lambda p: (-scores[p], p))[:k]
    assert best(scores, k) == [(p, scores[p]) for p in expected]


@given(st.lists(st.text(max_size=5), max_size=8))
def test_strings_survive_packing(strings: list[str]) -> None:
    assert unpacked_strings(*packed_strings(strings)) == strings
