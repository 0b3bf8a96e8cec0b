"""Reranking servers as they are: TEI, Jina, Cohere, Voyage, vLLM, each as strict as it is."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tests.retrieval.imitation import Body, Imitation, Reply, imitated
from workbench.errors import BadReply, RequestRefused
from workbench.records import Chunk, Hit
from workbench.retrieval.asking import Asker
from workbench.retrieval.ranking.cross_encoder import ServerCrossEncoder, open_cross_encoder
from workbench.retrieval.ranking.rerank import Rerank, reranked
from workbench.retrieval.spending import watched

PASSAGES = ["x", "", "xxx", "xx", "xxxxx"]
SCORES = [0.1, 0.0, 0.3, 0.2, 0.5]


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("workbench.retrieval.server_request._FIRST_WAIT", 0.001)


def ranked(documents: list[str], name: str = "relevance_score", top: int | None = None) -> list[dict[str, Any]]:
    rows = [{"index": i, name: text.count("x") / 10} for i, text in enumerate(documents)]
    return sorted(rows, key=lambda row: -row[name])[:top]


def tei(body: Body) -> Reply:
    if "texts" not in body:
        return 422, "Failed to deserialize the JSON body into the target type: missing field `texts`"
    if len(body["texts"]) > 4:
        return 422, {"error": "batch size 5 > maximum allowed batch size 4", "error_type": "Validation"}
    return 200, ranked(body["texts"], "score")


def voyage(body: Body) -> Reply:
    unknown = sorted(set(body) - {"model", "query", "documents", "top_k", "return_documents", "truncation"})
    if unknown:
        return 400, {"detail": f"Argument '{unknown[0]}' is not supported by our API"}
    rows = ranked(body["documents"], top=body.get("top_k", 3))
    return 200, {"object": "list", "data": rows, "usage": {"total_tokens": 26}}


def jina(body: Body) -> Reply:
    unknown = sorted(set(body) - {"model", "query", "documents", "top_n", "return_documents"})
    if unknown or "documents" not in body:
        return 422, {"detail": [{"type": "extra_forbidden", "loc": ["body", *unknown], "msg": "not permitted"}]}
    rows = ranked(body["documents"], top=body.get("top_n", 3))
    return 200, {"results": rows, "usage": {"total_tokens": 26}}


def cohere(body: Body) -> Reply:
    if set(body) - {"model", "query", "documents", "top_n", "max_tokens_per_doc"}:
        return 400, {"message": "invalid request"}
    units = {"billed_units": {"search_units": 1, "input_tokens": 26.0}}
    return 200, {"id": "r", "results": ranked(body["documents"], top=body.get("top_n", 3)), "meta": units}


def vllm(body: Body) -> Reply:
    """Whatever it does not know, it ignores."""
    if "documents" not in body:
        return 400, {"error": {"message": "documents: Field required", "code": 400}}
    rows = [{**row, "document": {"text": "…"}} for row in ranked(body["documents"], top=body["top_n"])]
    return 200, {"results": rows, "usage": {"prompt_tokens": 26, "total_tokens": 26}}


def bare(body: Body) -> Reply:
    if set(body) != {"model", "query", "documents"}:
        return 500, {"detail": "Internal Server Error"}
    return 200, {"results": ranked(body["documents"])}


def encoder(server: Imitation) -> ServerCrossEncoder:
    return ServerCrossEncoder("r", server.url)


@pytest.mark.parametrize(
    ("wire", "form"),
    [
        (tei, {}),
        (voyage, {"model": "r", "top_k": 3, "return_documents": False}),
        (jina, {"model": "r", "top_n": 3, "return_documents": False}),
        (cohere, {"model": "r", "top_n": 3}),
        (vllm, {"model": "r", "top_n": 3, "top_k": 3, "return_documents": False}),
        (bare, {"model": "r"}),
    ],
)
def test_each_server_s_form_is_found_and_remembered_and_all_passages_have_scores(
    wire: Callable[[Body], Reply], form: Body
) -> None:
    with imitated(wire) as server:
        model = encoder(server)
        with watched() as bills:
            assert model.scores("q", PASSAGES) == SCORES
        found = len(server.asked)
        assert model.scores("another", PASSAGES[:3]) == SCORES[:3]
    assert found <= 12 and len(server.asked) == found + 1
    texts = "texts" if wire is tei else "documents"
    assert server.asked[-1] == {"query": "another", texts: PASSAGES[:3], **form}
    reported = wire not in (tei, bare)
    assert [(bill.tokens, bill.estimated, bill.search_units) for bill in bills] == [
        (26 if reported else bills[0].tokens, not reported, 1.0 if wire is cohere else 0.0)
    ]
    assert bills[0].tokens >= 9  # five questions and four texts, at the least


def test_more_passages_than_a_server_takes_are_sent_in_halves() -> None:
    with imitated(tei) as server:
        assert encoder(server).scores("q", PASSAGES * 4 + ["xxxxxx"]) == [*SCORES * 4, 0.6]
        many = ["x" * number for number in range(20)]
        assert encoder(server).scores("q", many) == pytest.approx([number / 10 for number in range(20)])
    assert max(len(body["texts"]) for body in server.asked[-4:]) <= 4


def test_a_model_that_no_form_reaches_is_one_error_with_what_each_form_was_told() -> None:
    def reply(body: Body) -> Reply:
        return (404, "no model r") if "documents" in body else (422, "no field documents")

    told = r"reranking by r: .*404: no model r; asked in other forms: 422: no field documents$"
    with imitated(reply) as server, pytest.raises(RequestRefused, match=told):
        encoder(server).scores("q", PASSAGES)
    assert len(server.asked) == 8


def test_a_passage_that_is_too_long_is_one_error_with_its_length() -> None:
    def reply(body: Body) -> Reply:
        long = any(len(text) > 900 for text in body.get("documents", ()))
        return (400, {"error": "This model's maximum context length is 512 tokens"}) if long else vllm(body)

    with (
        imitated(reply) as server,
        pytest.raises(RequestRefused, match=r"1,003 characters.*maximum context length.*chunk"),
    ):
        encoder(server).scores("who", ["x", "y" * 1_000])
    assert len(server.asked) == 4  # both, a short text, the first, the second: and never another form


def top_three(body: Body) -> Reply:
    return 200, {"results": ranked(body["documents"], top=3)}


def test_passages_that_a_server_leaves_out_have_no_score_and_stay_so(tmp_path: Path) -> None:
    with imitated(top_three) as server:
        for _ in range(2):  # the second from what is kept
            found = encoder(server).scores("q", PASSAGES, directory=tmp_path)
            assert found == [None, None, 0.3, 0.2, 0.5]
        assert len(server.asked) == 1
        assert encoder(server).scores("q", PASSAGES[:2], directory=tmp_path) == [0.1, 0.0]  # another list
    assert len(server.asked) == 2


def test_left_out_passages_keep_their_order_after_the_ranked_ones_and_are_noted() -> None:
    notes: list[tuple[str, object]] = []
    asker = Asker(None, len, lambda prompt, tokens: 0, lambda *note: notes.append(note))  # type: ignore[arg-type]
    hits = [Hit(Chunk("d", i, i + 1, text), 1.0, i + 1) for i, text in enumerate(PASSAGES)]
    index: Any = SimpleNamespace(directory=None)
    with imitated(top_three) as server:
        how = Rerank("cross_encoder", cross_encoder=f"left-out@{server.url}")
        found = reranked("q", hits, how, index, asker)
    open_cross_encoder.cache_clear()
    assert [(hit.chunk.start, hit.score, hit.rank) for hit in found] == [
        (4, 0.5, 1),
        (2, 0.3, 2),
        (3, 0.2, 3),
        (0, 0.0, 4),
        (1, 0.0, 5),
    ]
    assert notes == [("candidates_not_scored", 2)]


GOOD = {"index": 0, "relevance_score": 0.5}


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ([GOOD, GOOD], "not numbered from 0 to 1, each once"),
        ([GOOD, {**GOOD, "index": 2}], "not numbered"),
        ([GOOD, {**GOOD, "index": -1}], "not numbered"),
        ([GOOD, {**GOOD, "index": "1"}], "not numbered"),
        ([{**GOOD, "index": False}], "not numbered"),
        ([{"relevance_score": 0.5}, {"relevance_score": 0.4}], "not numbered"),
        ([{"index": 0, "score": "0.5"}], "a score is no number: '0.5'"),
        ([{"index": 0, "relevance_score": None}], "a score is no number: None"),
        ([{"index": 0, "relevance_score": float("nan")}], "a score is no number: nan"),
        ([{"index": 0, "relevance_score": True}], "a score is no number"),
        ([{"index": 0}], "a score is no number"),
        ([0.5, 0.4], "holds no list 'results'"),
        ({"state": "loading"}, "holds no list 'results': .*loading"),
    ],
)
@pytest.mark.parametrize("form", ["results", "data", ""])
def test_a_reply_that_is_no_ranking_is_one_error_and_nothing_is_kept(
    tmp_path: Path, rows: Any, said: str, form: str
) -> None:
    with imitated(lambda body: (200, {form: rows} if form else rows)) as server:
        with pytest.raises(BadReply, match=f"reranking by r: .*{said}"):
            encoder(server).scores("q", ["x", "b"], directory=tmp_path)
        assert len(server.asked) == 1
        server.reply = vllm
        assert encoder(server).scores("q", ["x", "b"], directory=tmp_path) == [0.1, 0.0]


def test_a_reply_without_any_result_is_an_error() -> None:
    with (
        imitated(lambda body: (200, {"results": []})) as server,
        pytest.raises(BadReply, match="no results for 5 texts"),
    ):
        encoder(server).scores("q", PASSAGES)
