"""Embeddings and scores from servers and llama-index objects: batches, retries, and what is refused and never kept."""

from __future__ import annotations

import json
import shutil
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import workbench.retrieval.indexes.in_memory as index_module
from workbench.engine.bench import Equipment, ExperimentBench
from workbench.errors import BadReply, InputError, ModelError, RequestRefused, StoreError
from workbench.llm.gateway import Gateway
from workbench.llm.scripted import ScriptedModel
from workbench.records import Context, Document
from workbench.retrieval.chunks.chunk_table import ChunkTable
from workbench.retrieval.embedders.embedder import unit_rows
from workbench.retrieval.embedders.llama_index import LlamaEmbedder
from workbench.retrieval.embedders.opening import open_embedder
from workbench.retrieval.embedders.server import ServerEmbedder, VectorCache
from workbench.retrieval.indexes.building import index_chunks
from workbench.retrieval.ranking.cross_encoder import open_cross_encoder
from workbench.retrieval.server_request import _retry_after
from workbench.retrieval.spending import dry, watched


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
        self.headers: dict[str, str] = {}
        self.largest = 1_000_000  # texts a request
        self.spoil: Callable[[Any], Any] = lambda reply: reply
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
            self.server.batches.append(body["documents"])
            rows = [{"index": i, "relevance_score": d.count("x")} for i, d in enumerate(body["documents"])]
            reply: dict[str, Any] = {"results": sorted(rows, key=lambda r: -r["relevance_score"])}
        else:
            self.server.batches.append(body["input"])
            data = [
                {"index": i, "embedding": [1.0 + text.count(letter) for letter in "abcd"]}
                for i, text in enumerate(body["input"])
            ]
            reply = {"data": data[::-1], "usage": {"prompt_tokens": len(data)}}
        if len(body.get("input", ())) > self.server.largest:
            failure, reply = 400, {"error": {"message": f"at most {self.server.largest} texts"}}
        raw = json.dumps(self.server.spoil(reply)).encode()
        with self.server.lock:
            self.server.at_once -= 1
        self.send_response(failure or 200)
        self.send_header("Content-Length", str(len(raw)))
        for name, value in self.server.headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(raw)

    def log_message(self, format: str, *args: Any) -> None:
        """Silent."""


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setattr("workbench.retrieval.server_request._FIRST_WAIT", 0.001)
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
    with watched() as bills:
        assert embedder.embed(texts) == pytest.approx(expected(texts))
    assert [len(batch) for batch in server.batches] == [5] * 8
    assert 1 < server.most_at_once <= 4
    assert [(bill.model, bill.texts, bill.tokens, bill.reused) for bill in bills] == [("server/m", 40, 40, False)]


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


def test_an_index_has_its_bill_whoever_had_it_built(server: Server, tmp_path: Path) -> None:
    context = Context((Document("d", "aab brb"),))
    table = ChunkTable(context, [(0, 0, 3), (0, 4, 7)])

    def bills(embedder: Any, directory: Path) -> list[tuple[int, int, bool]]:
        with watched() as told:
            index = index_chunks(context, table, embedder, directory)
            index.prepare("dense")
            index.search("abba", 1, "dense")
        return [(bill.texts, bill.tokens, bill.reused) for bill in told]

    made = lambda: ServerEmbedder("server/m", "m", server.url, None)  # noqa: E731
    assert bills(made(), tmp_path / "one") == [(2, 2, False), (1, 1, False)]  # chunks, then the question
    assert bills(made(), tmp_path / "one") == [(2, 2, True), (1, 1, True)]  # found: paid for before
    shutil.rmtree(next((tmp_path / "one").glob("dense-*")))
    assert bills(made(), tmp_path / "one") == [(2, 2, True), (1, 1, True)]  # built of kept vectors
    server.failures = [0, 404]  # the second request is refused: the first was paid for
    failing = ServerEmbedder("server/m", "m", server.url, None, batch=1, concurrency=1)
    with watched() as told, pytest.raises(RequestRefused):
        index_chunks(context, table, failing, None).prepare("dense")
    assert [bill.tokens for bill in told] == [1]


def test_in_a_plan_no_server_is_asked_and_tokens_are_estimated(server: Server, tmp_path: Path) -> None:
    with dry(), watched() as bills:
        vectors = ServerEmbedder("server/m", "m", server.url, None).cached_in(tmp_path).embed(["a b c", "d", "a b c"])
        assert open_cross_encoder(f"dry@{server.url}").scores("q", ["x y", "z"]) == [0.0, 0.0]
    assert not server.batches
    assert vectors.shape == (3, 16) and vectors[0] == pytest.approx(vectors[2])
    assert np.linalg.norm(vectors, axis=1) == pytest.approx(np.ones(3))
    assert [(bill.step, bill.texts, bill.tokens) for bill in bills] == [("embed", 2, 4), ("rerank", 2, 5)]


def test_texts_of_a_method_and_sentences_of_a_splitter_are_paid_for_once(server: Server, tmp_path: Path) -> None:
    context = Context((Document("d", "The mill burned. The mayor wept. A forge was built. It rained."),))
    for _ in range(2):
        gateway = Gateway(ScriptedModel([]), concurrency=1)
        embedder = ServerEmbedder("server/t", "t", server.url, None)
        equipment = Equipment("r", gateway, 0, 64, 0.0, embedder, tmp_path)
        bench = ExperimentBench(equipment, context, phase="build")
        bench.text_index(["aab", "brb"])
        bench.index(chunk_tokens=20, splitter="semantic:50")
        gateway.close()
        index_module._MEMORY.clear()
        shutil.rmtree(next(tmp_path.glob("chunks-*")))  # cut again by the second
    assert len(server.batches) == 2  # the texts, and the sentences with their neighbours


def test_an_embedder_is_opened_once_and_questions_are_paid_for_once(server: Server, tmp_path: Path) -> None:
    spec = f"server/q@{server.url}"
    assert open_embedder(spec) is open_embedder(spec)
    context = Context((Document("d", "aab brb"),))
    table = ChunkTable(context, [(0, 0, 3), (0, 4, 7)])
    index_chunks(context, table, open_embedder(spec), tmp_path).prepare("dense")
    for _ in range(2):  # another process, which finds the index built
        fresh = ServerEmbedder(spec, "q", server.url, None)
        index_chunks(context, table, fresh, tmp_path).search("abba", 1, "dense")
    assert [sorted(batch) for batch in server.batches] == [["aab", "brb"], ["abba"]]


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


def renumbered(reply: Any) -> Any:
    return {"data": [{**row, "index": 0} for row in reply["data"]]}


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda reply: {"data": reply["data"][1:]}, "1 results for 2 texts"),
        (renumbered, "not numbered from 0 to 1"),
        (lambda reply: {"data": [{**row, "index": str(row["index"])} for row in reply["data"]]}, "not numbered"),
        (lambda reply: {"data": [{**row, "embedding": [float("nan"), 1.0]} for row in reply["data"]]}, "no numbers"),
        (lambda reply: {"data": [{**row, "embedding": [None, 1.0]} for row in reply["data"]]}, "no numbers"),
        (lambda reply: {"data": [{**row, "embedding": []} for row in reply["data"]]}, "empty"),
        (lambda reply: {"data": [{**row, "embedding": "AAAA"} for row in reply["data"]]}, "no list of numbers"),
        (lambda reply: {"data": [{**row, "embedding": [1.0] * (2 + row["index"])} for row in reply["data"]]}, "dimens"),
        (lambda reply: {"object": "list"}, "no list 'data'"),
        (lambda reply: [], "no list 'data'"),
    ],
)
def test_a_reply_that_is_no_answer_is_refused_at_once_and_never_kept(
    server: Server, tmp_path: Path, spoil: Callable[[Any], Any], said: str
) -> None:
    server.spoil = spoil
    embedder = ServerEmbedder("server/m", "m", server.url, None).cached_in(tmp_path)
    with pytest.raises(BadReply, match=f"embeddings of server/m.*{said}"):
        embedder.embed(["a", "b"])
    assert len(server.batches) == 1
    server.spoil = lambda reply: reply
    whole = ServerEmbedder("server/m", "m", server.url, None).cached_in(tmp_path)
    assert whole.embed(["a", "b"]) == pytest.approx(expected(["a", "b"]))
    assert sorted(server.batches[1]) == ["a", "b"]  # nothing was kept of the bad reply


def test_vectors_without_numbers_come_in_the_order_of_the_texts(server: Server) -> None:
    server.spoil = lambda reply: {"data": [{"embedding": row["embedding"]} for row in reply["data"][::-1]]}
    embedder = ServerEmbedder("server/m", "m", server.url, None)
    assert embedder.embed(["a", "bb"]) == pytest.approx(expected(["a", "bb"]))


def test_a_server_that_changed_its_model_is_not_mixed_with_what_is_kept(server: Server, tmp_path: Path) -> None:
    ServerEmbedder("server/m", "m", server.url, None).cached_in(tmp_path).embed(["a"])
    server.spoil = lambda reply: {"data": [{**row, "embedding": row["embedding"][:2]} for row in reply["data"]]}
    with pytest.raises(BadReply, match=r"2 dimensions and others have 4.*delete embeddings.sqlite"):
        ServerEmbedder("server/m", "m", server.url, None).cached_in(tmp_path).embed(["a", "b"])


def test_kept_vectors_that_are_no_numbers_are_asked_for_again(server: Server, tmp_path: Path) -> None:
    embedder = ServerEmbedder("server/m", "m", server.url, None).cached_in(tmp_path)
    VectorCache(tmp_path / "embeddings.sqlite").put({embedder._hash("a"): np.array([np.nan] * 4, np.float32)})
    assert embedder.embed(["a"]) == pytest.approx(expected(["a"]))


def test_a_batch_that_is_refused_is_halved_and_the_size_remembered(server: Server) -> None:
    server.largest = 3
    embedder = ServerEmbedder("server/m", "m", server.url, None, batch=16, concurrency=1)
    texts = ["a" * i for i in range(1, 33)]
    assert embedder.embed(texts) == pytest.approx(expected(texts))
    assert [len(batch) for batch in server.batches if len(batch) > 3] == [16, 8, 4]  # not found out again
    assert [len(batch) for batch in server.batches[:5]] == [16, 1, 8, 4, 2]  # the one: is it the size?
    assert max(len(batch) for batch in server.batches[4:]) == 2


def test_a_refusal_that_has_nothing_to_do_with_size_is_told_in_the_server_s_words(server: Server) -> None:
    server.largest = 0
    with pytest.raises(RequestRefused, match=r"says 400: .*at most 0 texts"):
        ServerEmbedder("server/m", "m", server.url, None, batch=4).embed(["a", "b"])
    assert [len(batch) for batch in server.batches] == [2, 1, 1]  # a short text is refused, too, in either form


def test_a_server_that_asks_for_a_day_gets_a_minute(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    waits: list[float] = []
    monkeypatch.setattr("workbench.retrieval.server_request.time.sleep", lambda s: waits.append(s) if s > 0.1 else None)
    server.failures, server.headers = [429, 429], {"Retry-After": "86400"}
    ServerEmbedder("server/m", "m", server.url, None).embed(["a"])
    assert waits[-2:] == [60.0, 60.0]


def test_retry_after_is_read_as_seconds_and_as_a_date() -> None:
    from email.utils import formatdate

    assert _retry_after("1.5") == 1.5
    assert 25 < _retry_after(formatdate(time.time() + 30, usegmt=True)) <= 30
    assert [_retry_after(value) for value in (None, "", "soon", "nan", "-3")] == [0.0] * 5


def test_reranking_is_tried_again_kept_and_checked(server: Server, tmp_path: Path) -> None:
    server.failures = [503]
    encoder = open_cross_encoder(f"kept@{server.url}")
    assert encoder.scores("q", ["x", "xx", "x"], directory=tmp_path) == [1.0, 2.0, 1.0]
    assert encoder.scores("q", ["xx", "xxx"], directory=tmp_path) == [2.0, 3.0]
    assert encoder.scores("other", ["x"], directory=tmp_path) == [1.0]
    assert server.batches == [["x", "xx"], ["x", "xx"], ["xxx"], ["x"]]
    server.spoil = lambda reply: {"results": [{**row, "index": 0} for row in reply["results"]]}
    with pytest.raises(BadReply, match="reranking by kept: the results are not numbered"):
        encoder.scores("new", ["a", "b"], directory=tmp_path)
    server.spoil = lambda reply: {"results": [{**row, "relevance_score": "high"} for row in reply["results"]]}
    with pytest.raises(BadReply, match="no number"):
        encoder.scores("new", ["a", "b"], directory=tmp_path)


def test_a_cache_in_a_folder_that_is_none_is_one_clear_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match=r"embeddings\.sqlite cannot be used"):
        open_embedder("server/m@http://127.0.0.1:9/v1").cached_in(tmp_path / "file")  # type: ignore[attr-defined]


def letters(alphabet: str) -> Any:
    from llama_index.core.base.embeddings.base import BaseEmbedding

    class Letters(BaseEmbedding):
        def _get_text_embedding(self, text: str) -> list[float]:
            return [float(text.count(letter)) for letter in alphabet]

        def _get_query_embedding(self, query: str) -> list[float]:
            return self._get_text_embedding(query)

        async def _aget_query_embedding(self, query: str) -> list[float]:
            return self._get_query_embedding(query)

    return Letters()


def test_two_llama_index_models_of_one_class_do_not_share_an_index(tmp_path: Path) -> None:
    context = Context((Document("d", "aab brb"),))
    table = ChunkTable(context, [(0, 0, 3), (0, 4, 7)])
    first, second = open_embedder(letters("abz")), open_embedder(letters("zba"))
    assert first.name != second.name and open_embedder(letters("abz")).name == first.name
    one = index_chunks(context, table, first, tmp_path).vectors
    other = index_chunks(context, table, second, tmp_path).vectors
    assert one[0] == pytest.approx(other[0][::-1]) and not np.allclose(one, other)


def test_llama_index_vectors_that_are_none_are_refused() -> None:
    class Short:
        def get_text_embedding_batch(self, texts: Sequence[str]) -> list[list[float]]:
            return [[1.0, float(len(text))] for text in texts][: len(self.kept)]

        kept = "x"

    with pytest.raises(BadReply, match="1 vectors for 2 texts"):
        LlamaEmbedder(Short()).embed(["a", "b"])

    class Undefined(Short):
        def get_text_embedding_batch(self, texts: Sequence[str]) -> list[list[float]]:
            return [[float("nan")] for _ in texts]

    with pytest.raises(BadReply, match="no numbers"):
        LlamaEmbedder(Undefined()).embed(["a", "b"])


def test_a_disk_that_is_full_stops_before_more_is_paid(tmp_path: Path) -> None:
    cache = VectorCache(tmp_path / "embeddings.sqlite")
    pages = cache._connection.execute("PRAGMA page_count").fetchone()[0]
    cache._connection.execute(f"PRAGMA max_page_count = {pages + 1}")
    with pytest.raises(StoreError, match=r"embeddings\.sqlite cannot keep vectors: .*full"):
        cache.put({str(number): np.ones(4_096, np.float32) for number in range(9)})
    assert cache.get(map(str, range(9))) == {}
