"""The HTTP client against a local endpoint: what it sends, what it measures, and how each fault ends."""

from __future__ import annotations

import contextlib
import json
import socket
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from aiohttp import web

from tests.llm.endpoint import WORDS, Endpoint
from workbench.errors import (
    BadReply,
    ContextOverflow,
    ModelError,
    ModelTimeout,
    RateLimited,
    RequestRefused,
    ServerGone,
    WorkbenchError,
)
from workbench.llm.model import ChatRequest, Completion, Model, count_messages
from workbench.llm.providers.openai_compatible import OpenAiCompatible
from workbench.llm.providers.opening import open_model
from workbench.records import Message

SECRET = "sk-live-5ecre7-abcdefgh"
ASKED = ChatRequest((Message("system", "Be brief."), Message("user", "Which one?")), max_tokens=32, seed=3)


@pytest.fixture(autouse=True)
def key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", SECRET)
    monkeypatch.setenv("ANTHROPIC_API_KEY", SECRET)


def model_at(endpoint: Endpoint, kind: str = "openai", **options: Any) -> Model:
    return open_model(f"{kind}/tiny@{endpoint.url}", window=8_192, tokenizer="o200k_base", **options)


def answer_with(*events: Any, status: int = 200, headers: dict[str, str] | None = None) -> Callable[..., Any]:
    """A handler that answers with these events as a stream, or with a status and a JSON body."""

    async def handler(request: web.Request) -> web.StreamResponse:
        await request.read()
        if status != 200:
            return web.json_response(events[0], status=status, headers=headers)
        lines = [f"data: {e if isinstance(e, str) else json.dumps(e)}\n\n" for e in events]
        return web.Response(text="".join(lines), content_type="text/event-stream")

    return handler


def test_a_reply_carries_text_tokens_and_times() -> None:
    with Endpoint(delay_s=0.05) as endpoint:
        model = model_at(endpoint)
        got = model.complete(ASKED)
    assert got.text == "".join(WORDS)
    assert got.prompt_tokens == count_messages(model, ASKED.messages)
    assert got.completion_tokens == len(WORDS)
    assert got.token_source == "server"
    assert got.first_token_s is not None
    assert 0.05 <= got.first_token_s <= got.total_s < 5


def test_the_request_says_what_was_asked_and_the_key_stands_in_the_header_only() -> None:
    schema = {"type": "object", "properties": {"x": {"type": "integer"}}}
    with Endpoint() as endpoint:
        model_at(endpoint).complete(ChatRequest(ASKED.messages, 32, temperature=0.5, seed=3, schema=schema))
        body, headers = endpoint.books.bodies[0], endpoint.books.headers[0]
    assert body["messages"] == [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "Which one?"},
    ]
    assert (body["model"], body["max_tokens"], body["temperature"], body["seed"]) == ("tiny", 32, 0.5, 3)
    assert body["response_format"]["json_schema"]["schema"] == schema
    assert body["stream_options"]["include_usage"] is True
    assert headers["Authorization"] == f"Bearer {SECRET}"
    assert SECRET not in json.dumps(body)


def test_tokens_are_counted_here_when_the_server_reports_none() -> None:
    with Endpoint(usage=False) as endpoint:
        model = model_at(endpoint)
        got = model.complete(ASKED)
    assert got.prompt_tokens == count_messages(model, ASKED.messages)
    assert got.completion_tokens == len(WORDS)
    assert got.token_source == "tiktoken:o200k_base"


def test_cached_and_reasoning_tokens_are_read_from_the_usage() -> None:
    usage = {
        "prompt_tokens": 100,
        "completion_tokens": 20,
        "prompt_tokens_details": {"cached_tokens": 64},
        "completion_tokens_details": {"reasoning_tokens": 12},
    }
    events = (
        {"choices": [{"delta": {"reasoning_content": "hm"}}]},
        {"choices": [{"delta": {"content": "ok"}, "finish_reason": "length"}]},
        {"choices": [], "usage": usage},
        "[DONE]",
    )
    with Endpoint(handler=answer_with(*events)) as endpoint:
        got = model_at(endpoint).complete(ASKED)
    assert (got.text, got.finish_reason) == ("ok", "length")  # hidden reasoning is no part of the text
    assert (got.prompt_tokens, got.cached_tokens) == (100, 64)
    assert (got.completion_tokens, got.reasoning_tokens) == (20, 12)


def test_a_server_that_does_not_stream_is_read_whole() -> None:
    async def whole(request: web.Request) -> web.Response:
        choice = {"message": {"content": "ok"}, "finish_reason": "stop"}
        return web.json_response({"choices": [choice], "usage": {"prompt_tokens": 9, "completion_tokens": 1}})

    with Endpoint(handler=whole) as endpoint:
        got = model_at(endpoint).complete(ASKED)
    assert (got.text, got.prompt_tokens, got.first_token_s) == ("ok", 9, None)


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        ("429", RateLimited),
        ("500", ModelError),
        ("malformed", BadReply),
        ("no_choices", BadReply),
        ("cut", BadReply),
        ("drop", BadReply),
        ("hang", ModelTimeout),
        ("error", ModelError),
    ],
)
def test_each_fault_has_its_error(fault: str, error: type[WorkbenchError]) -> None:
    with Endpoint(script=[fault]) as endpoint, pytest.raises(error) as caught:
        model_at(endpoint, token_timeout=0.2).complete(ASKED)
    assert SECRET not in str(caught.value)


def test_a_cut_stream_says_what_had_been_spent() -> None:
    with Endpoint(script=["cut"]) as endpoint:
        model = model_at(endpoint)
        with pytest.raises(BadReply) as caught:
            model.complete(ASKED)
    spent = caught.value.spent
    assert isinstance(spent, Completion)
    assert spent.prompt_tokens == count_messages(model, ASKED.messages)
    assert spent.completion_tokens == len(WORDS) // 2


def test_nobody_listening_is_server_gone() -> None:
    with Endpoint() as endpoint:
        model = model_at(endpoint)
    with pytest.raises(ServerGone):
        model.complete(ASKED)


@pytest.mark.parametrize(("sent", "seconds"), [("7", 7.0), ("0.5", 0.5), ("nonsense", None), (None, None)])
def test_retry_after_is_read(sent: str | None, seconds: float | None) -> None:
    with Endpoint(script=["429"], retry_after=sent) as endpoint, pytest.raises(RateLimited) as caught:
        model_at(endpoint).complete(ASKED)
    assert caught.value.retry_after == seconds


def test_openai_reset_headers_stand_in_for_retry_after() -> None:
    headers = {"x-ratelimit-remaining-tokens": "0", "x-ratelimit-reset-tokens": "1m2.5s"}
    handler = answer_with({"error": {"message": "slow down"}}, status=429, headers=headers)
    with Endpoint(handler=handler) as endpoint, pytest.raises(RateLimited) as caught:
        model_at(endpoint).complete(ASKED)
    assert caught.value.retry_after == 60 + 2.5


OVERFLOWS = {
    "openai": (
        400,
        {
            "error": {
                "message": "This model's maximum context length is 8192 tokens. However, your messages resulted "
                "in 9001 tokens. Please reduce the length of the messages.",
                "code": "context_length_exceeded",
            }
        },
    ),
    "vllm": (
        400,
        {
            "object": "error",
            "message": "'max_tokens' or 'max_completion_tokens' is too large: 512. This model's maximum context length "
            "is 16384 tokens and your request has 16000 input tokens",
        },
    ),
    "vllm longer than window": (
        400,
        {"error": {"message": "The prompt (total length 9000) is longer than the maximum model length of 8192"}},
    ),
    "ollama": (400, {"error": "the request exceeds the available context size, try increasing it"}),
    "llama.cpp": (500, {"error": {"type": "exceed_context_size_error", "message": "too large"}}),
    "anthropic": (
        400,
        {"type": "error", "error": {"type": "invalid_request_error", "message": "prompt is too long: 210000 tokens"}},
    ),
    "anthropic with reply": (
        400,
        {"error": {"message": "input length and `max_tokens` exceed context limit: 199000 + 2000 > 200000"}},
    ),
}


@pytest.mark.parametrize("wording", OVERFLOWS)
def test_a_prompt_over_the_servers_window_is_an_overflow_in_every_wording(wording: str) -> None:
    status, body = OVERFLOWS[wording]
    with Endpoint(handler=answer_with(body, status=status)) as endpoint, pytest.raises(ContextOverflow):
        model_at(endpoint).complete(ASKED)


_CUT = (
    {"choices": [{"delta": {"content": "hm"}, "finish_reason": "stop"}]},
    {"choices": [], "usage": {"prompt_tokens": 1_024, "completion_tokens": 1}},
    "[DONE]",
)


def test_a_server_that_cuts_the_prompt_is_asked_for_its_window(monkeypatch: pytest.MonkeyPatch) -> None:
    long = ChatRequest((Message("user", "word " * 4_000),), 32)
    with Endpoint(handler=answer_with(*_CUT)) as endpoint:
        model = model_at(endpoint, kind="ollama")
        # Ollama tells the window in force once a model is loaded
        monkeypatch.setattr(model, "_window_in_force", lambda: 1_024)
        with pytest.raises(ContextOverflow) as caught:
            model.complete(long)
    assert caught.value.fits == 1_024
    assert caught.value.spent.completion_tokens == 1  # that it made no sense is no reason to leave it off the bill


def test_a_figure_alone_neither_discards_a_paid_reply_nor_lowers_the_window() -> None:
    long = ChatRequest((Message("user", "word " * 4_000),), 32)
    with Endpoint(handler=answer_with(*_CUT)) as endpoint:
        model = model_at(endpoint)
        completion = model.complete(long)
    assert completion.text == "hm"
    assert completion.contradiction == "the server counts 1,024 tokens of a prompt in which we count 4,008"
    assert model.window == 8_192


def test_other_refusals_are_not_retried_and_hide_keys() -> None:
    handler = answer_with({"error": {"message": f"Incorrect API key provided: {SECRET}"}}, status=401)
    with Endpoint(handler=handler) as endpoint, pytest.raises(RequestRefused) as caught:
        model_at(endpoint).complete(ASKED)
    assert "401" in str(caught.value)
    assert SECRET not in str(caught.value)


def refusing(*names: str) -> Callable[..., Any]:
    """A server that does not know some parameters."""

    async def handler(request: web.Request) -> web.Response:
        body = await request.json()
        for name in names:
            if name in body:
                hint = " Use 'max_completion_tokens' instead." if name == "max_tokens" else ""
                message = f"Unsupported parameter: '{name}' is not supported with this model.{hint}"
                return web.json_response({"error": {"message": message}}, status=400)
        return web.json_response({"choices": [{"message": {"content": ",".join(sorted(body))}}]})

    return handler


SAID = {"choices": [{"delta": {"content": "yes no"}, "finish_reason": "stop"}]}


@pytest.mark.parametrize(
    "usage",
    [["no", "object"], "n/a", {"prompt_tokens": "many", "completion_tokens": None}, {"prompt_tokens_details": "none"},
     {"prompt_tokens": -7, "completion_tokens": -1}, {"prompt_tokens": True, "completion_tokens": float("inf")}],
)  # fmt: skip
def test_a_usage_that_makes_no_sense_is_replaced_by_our_own_count(usage: Any) -> None:
    with Endpoint(handler=answer_with(SAID, {"choices": [], "usage": usage}, "[DONE]")) as endpoint:
        model = model_at(endpoint)
        got = model.complete(ASKED)
    assert (got.text, got.prompt_tokens) == ("yes no", count_messages(model, ASKED.messages))
    assert got.completion_tokens == model.count("yes no")
    assert got.token_source == model.token_source


def test_more_cached_tokens_than_prompt_tokens_are_not_believed() -> None:
    usage = {"prompt_tokens": 10, "completion_tokens": 1, "prompt_tokens_details": {"cached_tokens": 99}}
    with Endpoint(handler=answer_with(SAID, {"choices": [], "usage": usage}, "[DONE]")) as endpoint:
        assert model_at(endpoint).complete(ASKED).cached_tokens == 10


@pytest.mark.parametrize("event", [{"choices": [None]}, {"choices": [{"delta": "yes"}]}, {"choices": 7}])
def test_an_unknown_shape_is_a_bad_reply_with_what_was_spent(event: Any) -> None:
    with Endpoint(handler=answer_with(SAID, event, "[DONE]")) as endpoint, pytest.raises(BadReply) as caught:
        model_at(endpoint).complete(ASKED)
    assert caught.value.spent is not None
    assert caught.value.spent.text == "yes no"


def test_content_in_parts_is_joined() -> None:
    parts = [{"type": "text", "text": "yes"}, {"type": "text", "text": " no"}]
    event = {"choices": [{"delta": {"content": parts}, "finish_reason": "stop"}]}
    with Endpoint(handler=answer_with(event, "[DONE]")) as endpoint:
        assert model_at(endpoint).complete(ASKED).text == "yes no"


def test_an_error_in_the_middle_of_a_stream_says_what_had_been_spent() -> None:
    broken = {"error": {"message": "the engine died", "code": 500}}
    with Endpoint(handler=answer_with({"choices": [{"delta": {"content": "yes"}}]}, broken)) as endpoint:
        model = model_at(endpoint)
        with pytest.raises(ModelError, match="the engine died") as caught:
            model.complete(ASKED)
        assert caught.value.spent is not None
        assert caught.value.spent.prompt_tokens == count_messages(model, ASKED.messages)
        assert caught.value.spent.text == "yes"


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_redirect_is_refused_and_neither_key_nor_prompt_follow_it(status: int) -> None:
    with Endpoint() as other:
        handler = answer_with({}, status=status, headers={"Location": f"{other.url}/chat/completions?token=t0ken"})
        with Endpoint(handler=handler) as endpoint, pytest.raises(RequestRefused, match="redirects to 127") as caught:
            model_at(endpoint).complete(ASKED)
        assert other.books.requests == 0
    assert "t0ken" not in str(caught.value)


def test_parameters_that_the_server_refuses_are_left_out_from_then_on() -> None:
    with Endpoint(handler=refusing("max_tokens", "temperature", "seed")) as endpoint:
        model = model_at(endpoint)
        reply = model.complete(replace(ASKED, seed=3))
        sent = reply.text.split(",")
        assert isinstance(model, OpenAiCompatible)
    assert "max_completion_tokens" in sent
    assert not {"max_tokens", "temperature", "seed"} & set(sent)
    assert set(reply.left_out) == {"temperature", "seed"}  # the reply's limit went under another name


def test_neither_the_models_repr_nor_its_name_holds_the_key() -> None:
    with Endpoint() as endpoint:
        model = model_at(endpoint)
    assert SECRET not in repr(model) + model.name + repr(vars(model))


def test_a_server_that_lets_no_connection_stand_is_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("workbench.llm.providers.transport._CONNECT_S", 0.3)
    with socket.socket() as deaf, contextlib.ExitStack() as callers:
        deaf.bind(("127.0.0.1", 0))
        deaf.listen(0)  # whoever is not accepted waits, and the next ones' calls are not even heard
        for _ in range(4):
            caller = callers.enter_context(socket.socket())
            caller.setblocking(False)
            caller.connect_ex(deaf.getsockname())
        model = open_model(
            f"openai/tiny@http://127.0.0.1:{deaf.getsockname()[1]}/v1", window=100, tokenizer="o200k_base"
        )
        with pytest.raises(ServerGone, match="no connection"):
            model.complete(ASKED)
