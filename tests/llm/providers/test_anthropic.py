"""Anthropic's wire format against a local endpoint: what is sent, counted, and called by our names."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from aiohttp import web

from tests.llm.endpoint import Endpoint
from tests.llm.providers.test_openai_compatible import ASKED, SECRET, answer_with, model_at
from workbench.errors import RateLimited


@pytest.fixture(autouse=True)
def key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", SECRET)


def claude() -> Callable[..., Any]:
    usage = {"input_tokens": 10, "cache_read_input_tokens": 90, "cache_creation_input_tokens": 5}

    async def handler(request: web.Request) -> web.Response:
        body = await request.json()
        assert body["system"] == "Be brief."
        assert [m["role"] for m in body["messages"]] == ["user"]
        assert request.headers["x-api-key"] == SECRET
        events: Iterator[Any] = iter(
            (
                {"type": "message_start", "message": {"usage": {**usage, "output_tokens": 1}}},
                {"type": "content_block_delta", "delta": {"type": "text_delta", "text": "the"}},
                {"type": "content_block_delta", "delta": {"type": "text_delta", "text": " red"}},
                {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 2}},
                {"type": "message_stop"},
            )
        )
        text = "".join(f"event: {e['type']}\ndata: {json.dumps(e)}\n\n" for e in events)
        return web.Response(text=text, content_type="text/event-stream")

    return handler


def test_anthropic_messages_count_what_the_cache_served_and_took() -> None:
    with Endpoint(handler=claude(), path="/v1/messages") as endpoint:
        got = model_at(endpoint, kind="anthropic").complete(ASKED)
    assert (got.text, got.finish_reason) == ("the red", "stop")
    assert got.prompt_tokens == 10 + 90 + 5
    assert (got.cached_tokens, got.cache_write_tokens, got.completion_tokens) == (90, 5, 2)


def test_anthropic_overload_is_a_rate_limit() -> None:
    event = {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}
    with (
        Endpoint(handler=answer_with(event), path="/v1/messages") as endpoint,
        pytest.raises(RateLimited),
    ):
        model_at(endpoint, kind="anthropic").complete(ASKED)


@pytest.mark.parametrize(
    ("said", "reason"),
    [("model_context_window_exceeded", "length"), ("refusal", "refusal"), ("max_tokens", "length")],
)
def test_anthropic_stop_reasons_have_our_names(said: str, reason: str) -> None:
    whole = {"type": "message", "content": [{"text": "ok"}], "stop_reason": said, "usage": {"input_tokens": 3}}
    with Endpoint(handler=answer_with(whole, status=200), path="/v1/messages") as endpoint:
        assert model_at(endpoint, kind="anthropic").complete(ASKED).finish_reason == reason


def test_anthropic_models_that_take_no_temperature_are_asked_without() -> None:
    bodies: list[dict[str, Any]] = []

    async def picky(request: web.Request) -> web.Response:
        bodies.append(await request.json())
        if "temperature" in bodies[-1]:
            message = "`temperature` is deprecated for this model."
            return web.json_response({"type": "error", "error": {"message": message}}, status=400)
        return web.json_response({"type": "message", "content": [{"text": "ok"}], "stop_reason": "end_turn"})

    with Endpoint(handler=picky, path="/v1/messages") as endpoint:
        model = model_at(endpoint, kind="anthropic")
        replies = [model.complete(ASKED) for _ in range(2)]
    assert [(reply.text, reply.left_out) for reply in replies] == [("ok", ("temperature",))] * 2
    assert ["temperature" in body for body in bodies] == [True, False, False]
