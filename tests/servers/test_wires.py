"""Every provider's wire, imitated: replies, streamed and whole, as their providers count them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.servers.asking import Desk, in_file
from tests.servers.script import Situation
from tests.servers.server import Serving
from tests.servers.table import WIRES
from tests.servers.wire import SECRET
from workbench.llm.cache import ResponseCache
from workbench.llm.providers.opening import open_model
from workbench.records import Message

EVERY = pytest.mark.parametrize("name", WIRES)
LONG = "It is said that a country has one capital and many towns. " * 400
UNLOADED = {"data": [{"state": "not-loaded", "max_context_length": 131_072}]}
SHARED = (
    Message("system", "Be brief."),
    Message("user", f"{LONG}\n\nWhat is the capital of Norway?", shared=len(LONG)),
)


@EVERY
@pytest.mark.parametrize("stream", [True, False], ids=["streamed", "whole"])
def test_a_reply_is_read_and_counted(name: str, stream: bool, serving: Serving) -> None:
    wire = WIRES[name](Situation(cached=1_024))
    with Desk(serving, wire, in_file(stream=stream)) as desk:
        asked = desk.ask(SHARED)
    made, call = wire.made[-1], asked.record
    assert asked.reply.text == "The capital is Oslo."
    assert (call.ended, call.thoughts, call.reasoning_tokens) == ("answered", "", 0)
    if wire.tells_usage or not stream:
        assert (call.prompt_tokens, call.completion_tokens) == (made.prompt, made.completion)
        assert call.token_source == "server"
    else:
        assert call.completion_tokens == desk.model.count("The capital is Oslo.")
        assert call.token_source == desk.model.token_source
    assert (call.cached_tokens, call.cache_write_tokens) == (made.cached if wire.tells_cached else 0, made.written)
    assert call.served_model == wire.served
    assert call.contradiction == ""
    assert (call.first_token_s is not None) == (stream and not wire.refuses_streams)
    assert call.attempts == 1


@EVERY
def test_the_key_stands_in_its_header_and_nowhere_else(name: str, serving: Serving) -> None:
    wire = WIRES[name]()
    with Desk(serving, wire, in_file()) as desk:
        desk.ask()
        sent = desk.chats[-1]
    assert SECRET not in json.dumps(dict(sent.body)) + sent.path + repr(desk.calls) + repr(desk.model)
    assert [name for name, value in sent.headers.items() if SECRET in value] == [
        {"azure": "api-key", "anthropic": "x-api-key"}.get(wire.provider, "authorization")
    ]


@EVERY
def test_what_was_refused_once_is_not_sent_again(name: str, serving: Serving) -> None:
    wire = WIRES[name]()
    with Desk(serving, wire, in_file()) as desk:
        first, number = desk.ask(), len(desk.chats)
        second = desk.ask((Message("user", "And of Denmark?"),))
        assert len(desk.chats) == number + 1, "the second call had to be tried again"
    assert first.record.left_out == second.record.left_out
    assert set(first.record.left_out) <= {"seed", "temperature", "stream", "stream_options"}


@EVERY
def test_a_reply_is_kept_whatever_the_provider_calls_the_model(name: str, serving: Serving, tmp_path: Path) -> None:
    wire = WIRES[name]()
    with Desk(serving, wire, in_file(), ResponseCache(tmp_path / "responses.sqlite")) as desk:
        desk.ask()
        number = len(desk.chats)
        again = desk.ask()
        assert len(desk.chats) == number
    assert again.record.from_cache
    assert again.reply.text == "The capital is Oslo."


@EVERY
def test_the_window_is_found_where_the_provider_tells_it(name: str, serving: Serving) -> None:
    wire = WIRES[name]()
    serving.play(wire)
    model = open_model(f"{wire.provider}/{wire.model}@{serving.root}{wire.base}")
    assert (model.window, model.window_source) == wire.found_window  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("name", "path", "told", "found"),
    [
        ("ollama", "/api/ps", {"models": []}, (4_096, "assumed")),
        ("lmstudio", "/api/v0/models", UNLOADED, (8_192, "assumed")),
        ("vllm", "/v1/models", {"data": [{"max_model_len": None}]}, (8_192, "assumed")),
        ("vllm", "/v1/models", {"data": "none"}, (8_192, "assumed")),
        ("llamacpp", "/props", {}, (8_192, "assumed")),
        ("openrouter", "/api/v1/models", {"data": []}, (32_000, "assumed")),
    ],
)  # fmt: skip
def test_a_window_that_is_not_in_force_or_not_told_is_not_taken(
    name: str, path: str, told: dict[str, Any], found: tuple[int, str], serving: Serving
) -> None:
    wire = WIRES[name]()
    if isinstance(told.get("data"), list):
        told = {"data": [{"id": wire.model, **entry} for entry in told["data"]]}
    wire.tells = lambda path, _at=path: told if path == _at else None  # type: ignore[method-assign, misc]
    serving.play(wire)
    model = open_model(f"{wire.provider}/{wire.model}@{serving.root}{wire.base}")
    assert (model.window, model.window_source) == found  # type: ignore[attr-defined]


@EVERY
def test_a_wire_refuses_what_it_is_said_to_refuse(name: str, serving: Serving) -> None:
    wire = WIRES[name]()
    headers = {"authorization": f"Bearer {SECRET}", "api-key": SECRET, "x-api-key": SECRET}
    headers["anthropic-version"] = "2023-06-01"
    hello = [{"role": "user", "content": "Hello"}]
    good = {"model": wire.model, "messages": hello, wire.limit_name: 300, **wire.always}
    assert wire.post(wire.chat_path, good, headers).status == 200
    for refused in wire.refuses:
        assert wire.post(wire.chat_path, {**good, **refused.fields}, headers).status >= 400, refused.what
