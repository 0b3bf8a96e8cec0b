"""Replies that are none, and what servers say instead of a reply."""

from __future__ import annotations

import time

import pytest

from tests.servers.asking import Desk, in_file
from tests.servers.script import Situation
from tests.servers.server import Answer, Serving
from tests.servers.table import WIRES
from tests.servers.wire import SECRET
from workbench.errors import BadReply, ModelUnusable, NoText, QuotaSpent, RequestRefused
from workbench.llm.known_providers import PROVIDERS
from workbench.records import Message

ENDS = [(name, end) for name, wire in WIRES.items() for end in wire.ends]
KEYED = [name for name, wire in WIRES.items() if not wire().has_key({})]
WRONG = "sk-live-0ther-zyxwvuts"


@pytest.mark.parametrize(("name", "end"), ENDS)
def test_a_reply_that_ends_otherwise_is_no_answer(name: str, end: str, serving: Serving) -> None:
    wire = WIRES[name](Situation(ends=end))
    with Desk(serving, wire, in_file()) as desk:
        asked = desk.ask()
    meant, call = wire.ends[end], asked.record
    assert call.ended == meant
    if meant == "cut":
        assert asked.reply.text
        return
    if meant in ("withheld", "refused"):
        assert isinstance(asked.error, NoText)
        assert asked.error.ended == meant
        assert call.attempts == 1, "a second try is refused, too"
    if meant == "broken":
        assert isinstance(asked.error, BadReply)
        assert call.attempts == 3
    used = call.completion_tokens + call.retry_completion_tokens
    assert (used > 0) == (end != "filtered"), "what had come by then was paid for"


@pytest.mark.parametrize(("name", "end"), [(name, end) for name, end in ENDS if end not in ("cut", "error")])
def test_a_whole_reply_that_ends_otherwise_is_no_answer(name: str, end: str, serving: Serving) -> None:
    wire = WIRES[name](Situation(ends=end))
    with Desk(serving, wire, in_file(stream=False)) as desk:
        assert desk.ask().record.ended == wire.ends[end]


@pytest.mark.parametrize("name", [name for name, end in ENDS if end == "filtered"])
def test_a_prompt_that_a_filter_refuses_is_sent_once(name: str, serving: Serving) -> None:
    wire = WIRES[name](Situation())
    with Desk(serving, wire, in_file()) as desk:
        desk.ask()  # what the server does not take is known from here on
        before = len(desk.chats)
        wire.situation = Situation(ends="filtered")
        desk.ask((Message("user", "Something terrible."),))
        assert len(desk.chats) == before + 1


@pytest.mark.parametrize("name", KEYED)
def test_a_wrong_key_is_refused_once_and_hidden(name: str, serving: Serving, monkeypatch: pytest.MonkeyPatch) -> None:
    wire = WIRES[name]()
    monkeypatch.setenv(PROVIDERS[wire.provider].key_env, WRONG)
    with Desk(serving, wire, in_file()) as desk:
        asked = [desk.ask() for _ in range(4)]
        assert len(desk.chats) == 3, "one request for each, until it is clear that all will be refused"
    assert [type(one.error) for one in asked] == [RequestRefused, RequestRefused, ModelUnusable, ModelUnusable]
    assert "check its key" in str(asked[-1].error)
    assert not [one for one in asked if WRONG in f"{one.error}{one.call}" or SECRET in f"{one.error}{one.call}"]


@pytest.mark.parametrize("name", WIRES)
def test_a_server_that_asks_for_a_pause_gets_it(name: str, serving: Serving) -> None:
    wire = WIRES[name]()
    told = wire.too_many(0.05)
    waits = bool(told.headers) or "retry in" in str(told.value)
    wire = WIRES[name](Situation(first=[told]))
    with Desk(serving, wire, in_file()) as desk:
        started = time.perf_counter()
        asked = desk.ask()
        took = time.perf_counter() - started
    assert asked.reply.text == "The capital is Oslo."
    assert asked.record.attempts == 2
    assert not waits or took >= 0.05


HTML = "<html><head><title>502 Bad Gateway</title></head><body>cloudflare</body></html>"
IN_PLACE = {
    "an error with status 200": Answer(200, {"error": {"message": "Provider returned error", "code": 502}}),
    "a rate limit with status 200": Answer(200, {"error": {"message": "Try again in 20ms", "code": "429"}}),
    "a page of a proxy": Answer(502, HTML, content_type="text/html"),
    "a page with status 200": Answer(200, HTML, content_type="text/html"),
    "nothing at all": Answer(200, b""),
    "an empty stream": Answer(pieces=[b"data: [DONE]\n\n"], content_type="text/event-stream"),
    "half a page of JSON": Answer(200, '{"id": "chatcmpl-1", "choices": [{"mess'),
    "overloaded": Answer(529, {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}),
    "busy": Answer(503, {"error": {"message": "The system is busy; temperature and seed were fine."}}),
    "loading": Answer(503, {"error": {"code": 503, "message": "Loading model", "type": "unavailable_error"}}),
}


@pytest.mark.parametrize("name", ["openai", "anthropic", "openrouter", "llamacpp"])
@pytest.mark.parametrize("said", IN_PLACE)
def test_what_comes_in_place_of_a_reply_is_asked_for_again(said: str, name: str, serving: Serving) -> None:
    wire = WIRES[name](Situation(first=[IN_PLACE[said]] * 2))
    with Desk(serving, wire, in_file()) as desk:
        asked = desk.ask()
    assert asked.reply.text == "The capital is Oslo."
    assert asked.record.attempts == 3
    assert asked.record.retry_completion_tokens == 0
    assert "temperature" in wire.seen, "nothing in the request was to blame"


@pytest.mark.parametrize("name", WIRES)
def test_an_empty_account_ends_it_at_once(name: str, serving: Serving) -> None:
    wire = WIRES[name]()
    wire = WIRES[name](Situation(first=[wire.no_money()] * 20))
    with Desk(serving, wire, in_file()) as desk:
        asked = desk.ask()
        assert len(desk.chats) == 1
    assert isinstance(asked.error, ModelUnusable | QuotaSpent), asked.error
    assert "quota or credit" in str(asked.error)


@pytest.mark.parametrize("name", [name for name, wire in WIRES.items() if hasattr(wire, "request_too_large")])
def test_a_request_that_no_waiting_helps_is_sent_once(name: str, serving: Serving) -> None:
    wire = WIRES[name]()
    wire = WIRES[name](Situation(first=[wire.request_too_large()] * 20))  # type: ignore[attr-defined]
    with Desk(serving, wire, in_file()) as desk:
        asked = desk.ask()
        assert len(desk.chats) == 1
    assert isinstance(asked.error, RequestRefused)
    assert "no waiting helps" in str(asked.error)
