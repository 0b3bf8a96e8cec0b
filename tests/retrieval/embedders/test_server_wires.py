"""Embedding servers as they are: what they want in a request, how they refuse one, and what they reply."""

from __future__ import annotations

import base64
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.retrieval.imitation import Body, Reply, imitated
from workbench.errors import ModelError, RequestRefused
from workbench.retrieval.embedders.embedder import unit_rows
from workbench.retrieval.embedders.server import ServerEmbedder
from workbench.retrieval.spending import Bill, watched
from workbench.text import count_tokens

TEXTS = [f"text {number} {'a' * number}" for number in range(40)]
KEY = "wb-0123-secret"


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("workbench.retrieval.server_request._FIRST_WAIT", 0.001)


def vector(text: str) -> list[float]:
    return [1.0 + text.count("a"), 2.0, float(len(text))]


EXPECTED = unit_rows([vector(text) for text in TEXTS])


def openai(body: Body, usage: Any = None) -> Reply:
    rows = [{"index": i, "embedding": vector(text)} for i, text in enumerate(body["input"])]
    return 200, {"data": rows, "usage": {"prompt_tokens": len(rows)} if usage is None else usage}


def in_base64(body: Body) -> Reply:
    rows = [
        {"index": i, "embedding": base64.b64encode(struct.pack("<3f", *vector(text))).decode()}
        for i, text in enumerate(body["input"])
    ]
    return 200, {"data": rows}


def llama_cpp(body: Body) -> Reply:
    """Its own `/embeddings`, without /v1: a bare list of matrices."""
    return 200, [{"index": i, "embedding": [vector(text)]} for i, text in enumerate(body["input"])]


def embedder(url: str, **options: Any) -> ServerEmbedder:
    return ServerEmbedder("server/m", "m", url, KEY, **{"batch": 64, "concurrency": 1, **options})


@pytest.mark.parametrize("reply", [openai, in_base64, llama_cpp])
def test_vectors_are_read_as_numbers_as_base64_and_as_matrices(reply: Callable[[Body], Reply]) -> None:
    with imitated(reply) as server:
        assert embedder(server.url).embed(TEXTS) == pytest.approx(EXPECTED)
    assert [body["encoding_format"] for body in server.asked] == ["float"]


MISSING = {"error": "encoding_format is missing, encoding_format does not have a valid value"}


def test_openrouter_gets_the_format_that_it_asks_for() -> None:
    wanting: Callable[[Body], Reply] = lambda body: openai(body) if "encoding_format" in body else (400, MISSING)  # noqa: E731
    with imitated(wanting) as server:
        assert embedder(server.url).embed(TEXTS) == pytest.approx(EXPECTED)
    assert len(server.asked) == 1


REFUSALS: list[tuple[int, Any]] = [
    (400, {"error": {"message": "Unrecognized request argument supplied: encoding_format"}}),
    (422, {"detail": [{"type": "extra_forbidden", "loc": ["body", "encoding_format"], "msg": "Extra inputs"}]}),
    (404, {"error": {"message": "No endpoints found that can handle the requested parameters.", "code": 404}}),
    (400, "Bad Request"),
    (413, "no"),
    (500, {"error": "1 validation error for Request"}),
    (500, ""),
    (200, {"error": {"message": "Provider returned error", "code": 400}}),
]


@pytest.mark.parametrize(("status", "said"), REFUSALS)
def test_a_field_that_is_refused_is_left_out_from_then_on_and_no_batch_is_split_for_it(status: int, said: Any) -> None:
    strict: Callable[[Body], Reply] = lambda body: (status, said) if "encoding_format" in body else openai(body)  # noqa: E731
    with imitated(strict) as server:
        model = embedder(server.url)
        assert model.embed(TEXTS) == pytest.approx(EXPECTED)
        assert {len(body["input"]) for body in server.asked} == {1, len(TEXTS)}  # a short text finds it out
        before = len(server.asked)
        model.embed(["another", "one more"])
    assert before <= 5 and len(server.asked) == before + 1


def test_batches_side_by_side_find_it_out_once() -> None:
    with imitated(lambda body: (400, "no") if "encoding_format" in body else openai(body)) as server:
        assert embedder(server.url, batch=5, concurrency=8).embed(TEXTS) == pytest.approx(EXPECTED)
    assert sum(len(body["input"]) == 1 for body in server.asked) == 2  # refused with the field, taken without


def test_a_server_that_refuses_field_and_size_in_the_same_words_is_understood() -> None:
    with imitated(
        lambda body: (400, "Bad Request") if "encoding_format" in body or len(body["input"]) > 10 else openai(body)
    ) as server:
        assert embedder(server.url).embed(TEXTS) == pytest.approx(EXPECTED)
    assert [len(body["input"]) for body in server.asked] == [40, 1, 1, 40, 1, 20, 10, 10, 10, 10]


SIZES: list[tuple[int, Any]] = [
    (400, {"error": {"message": "batch size is invalid, it should not be larger than 10"}}),
    (400, "?"),
    (413, "<html>Request Entity Too Large</html>"),
    (422, {"error": "batch size 40 > maximum allowed batch size 16", "error_type": "Validation"}),
    (429, {"error": {"message": "Request too large for m on tokens per min (TPM): Limit 300, Requested 510"}}),
    (500, {"error": {"code": 500, "message": "input (681 tokens) is too large to process"}}),
    (500, {"error": "n_ubatch"}),
    (503, {"error": "the batch exceeds the physical batch size"}),
    (200, {"error": {"message": "no more than 16 inputs"}}),
]


@pytest.mark.parametrize(("status", "said"), SIZES)
def test_a_batch_that_is_too_large_is_halved_whatever_the_status(status: int, said: Any) -> None:
    with imitated(lambda body: (status, said) if len(body["input"]) > 16 else openai(body)) as server:
        assert embedder(server.url).embed(TEXTS) == pytest.approx(EXPECTED)
    sizes = [len(body["input"]) for body in server.asked]
    assert sizes.count(40) <= 2 and sizes.count(20) == 1 and sizes.count(1) == 1  # the words are remembered
    assert all("encoding_format" in body for body in server.asked)


LONG = "word " * 681


@pytest.mark.parametrize(
    ("status", "said"),
    [
        (400, {"error": "the input length exceeds the context length"}),  # Ollama
        (413, {"error": "Input validation error: `inputs` must have less than 512 tokens. Given: 681"}),
        (422, "unprocessable"),
        (429, {"error": {"message": "Request too large: Limit 512, Requested 681"}}),
        (500, {"error": {"message": "input (681 tokens) is too large to process. increase the physical batch size"}}),
    ],
)
def test_a_text_that_is_too_long_is_one_error_with_its_length_and_the_fix(status: int, said: Any) -> None:
    refuses = lambda body: (status, said) if any(len(text) > 2_000 for text in body["input"]) else openai(body)  # noqa: E731
    with imitated(refuses) as server, pytest.raises(RequestRefused) as caught:
        embedder(server.url).embed(["short", LONG, "shorter"])
    told = str(caught.value)
    words = said if isinstance(said, str) else str(said["error"])[13:50]
    assert f"{count_tokens(LONG):,} tokens (3,405 characters)" in told and "smaller chunk_tokens" in told
    assert words in told and str(status) in told and "\n" not in told
    assert sum(body["input"] == [LONG] for body in server.asked) <= 2


def test_a_model_that_does_not_exist_is_told_at_once_and_nothing_is_split() -> None:
    unknown: Reply = 400, {"error": "model 'm' not found"}
    told = pytest.raises(RequestRefused, match=r"says 400: .*model 'm' not found")
    with imitated(lambda body: unknown) as server, told:
        embedder(server.url).embed(TEXTS)
    assert [len(body["input"]) for body in server.asked] == [40, 1, 1]


@pytest.mark.parametrize(
    "failures",
    [
        [(503, "overloaded")] * 4,
        [(502, "")] * 4,
        [(429, {"error": "Rate limit reached: Limit 900, Used 890, Requested 40. Please try again in 1s"})] * 3,
        [(429, "the batch is too large", {"Retry-After": "0.001"})],
        [(500, "x"), (500, "y"), (500, "x"), (500, "y")],
        [(500, "same", {"Retry-After": "0.001"})] * 3,
        [(200, "no JSON")] * 3,
    ],
)
def test_what_passes_is_waited_for_with_the_batch_as_it_is(failures: list[Reply]) -> None:
    left = [*failures]
    with imitated(lambda body: left.pop(0) if left else openai(body)) as server:
        assert embedder(server.url).embed(TEXTS) == pytest.approx(EXPECTED)
    assert [len(body["input"]) for body in server.asked] == [40] * (len(failures) + 1)


def test_a_server_that_keeps_failing_is_quoted() -> None:
    told = pytest.raises(ModelError, match=r"failed 5 times: the server says 500: .*CUDA error: device lost")
    with imitated(lambda body: (500, {"error": "CUDA error: device lost"})) as server, told:
        embedder(server.url).embed(TEXTS)
    assert [len(body["input"]) for body in server.asked] == [40, 40, 1, 1, 40, 40, 40]


def test_a_server_that_comes_back_has_lost_nothing() -> None:
    left: list[Reply] = [(500, "starting")] * 6
    with imitated(lambda body: left.pop(0) if left else openai(body)) as server:
        model = embedder(server.url)
        assert model.embed(TEXTS) == pytest.approx(EXPECTED)
        model.embed(["x", "y"])
    assert [len(body["input"]) for body in server.asked] == [40, 40, 1, 1, 40, 40, 40, 2]
    assert all("encoding_format" in body for body in (*server.asked[:3], *server.asked[4:]))


def test_a_question_that_a_failing_server_takes_later_is_answered() -> None:
    left: list[Reply] = [(500, "internal error")] * 4
    with imitated(lambda body: left.pop() if left and body["input"] == ["who?"] else openai(body)) as server:
        assert embedder(server.url).embed(["who?"]) == pytest.approx(unit_rows([vector("who?")]))
    assert [body["input"] for body in server.asked].count(["who?"]) == 5


@pytest.mark.parametrize(
    "reply",
    [
        (401, {"error": f"Incorrect API key provided: {KEY}"}),
        (403, f"{KEY} may not"),
        (400, f"you sent Bearer {KEY} and sk-proj-abcdefghijk"),
        (500, f"{KEY} broke it"),
        (503, f"{KEY} broke it"),
        (200, f"<html>{KEY}</html>"),
        (302, f"go with {KEY}", {"Location": "/v2/embeddings"}),
    ],
)
def test_a_key_is_sent_once_to_the_address_given_and_stands_in_no_message(reply: Reply) -> None:
    with imitated(lambda body: reply) as server, pytest.raises(ModelError) as caught:
        embedder(server.url).embed(["a"])
    assert set(server.keys) == {f"Bearer {KEY}"} and set(server.paths) == {"/v1/embeddings"}
    assert "***" in str(caught.value)
    assert KEY not in str(caught.value) and "sk-proj" not in str(caught.value)
    if reply[0] in (302, 401, 403):
        assert len(server.asked) == 1


@pytest.mark.parametrize(
    ("usage", "tokens", "estimated"),
    [
        ({"prompt_tokens": 7, "total_tokens": 9}, 7, False),
        ({"total_tokens": 9}, 9, False),
        ({"prompt_tokens": 0, "total_tokens": 9.0}, 9, False),
        ({"input_tokens": 8}, 8, False),
        ({"prompt_tokens": 0}, 5, True),
        ({"prompt_tokens": "7", "total_tokens": True}, 5, True),
        ([], 5, True),
    ],
)
def test_tokens_are_the_server_s_under_any_name_or_else_our_own_count(
    tmp_path: Path, usage: Any, tokens: int, estimated: bool
) -> None:
    with imitated(lambda body: openai(body, usage)) as server:
        for reused in (False, True):
            with watched() as bills:
                embedder(server.url).cached_in(tmp_path).embed(["a b c", "d e"])
            (bill,) = bills
            assert (bill.tokens, bill.reused, bill.estimated) == (tokens, reused, estimated)
    assert isinstance(bill, Bill) and len(server.asked) == 1
