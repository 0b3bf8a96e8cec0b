"""What a provider says instead of a reply: wait, your key is wrong, your money is gone, your prompt is too long."""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from aiohttp import web

from tests.llm.endpoint import Endpoint
from tests.llm.test_faults import QUICK, gateway_at, requests
from workbench.errors import (
    BadReply,
    ContextOverflow,
    ModelTimeout,
    ModelUnusable,
    NoText,
    QuotaSpent,
    RateLimited,
    RequestRefused,
    RunStopped,
    ServerGone,
    StoreError,
)
from workbench.llm.cache import ResponseCache
from workbench.llm.gateway import Gateway
from workbench.llm.limits import Breaker
from workbench.llm.model import ChatRequest, Completion
from workbench.llm.providers.refusals import HttpRefusal, hide_secrets, wait_in
from workbench.llm.retry import RetryPolicy
from workbench.llm.scripted import ScriptedModel
from workbench.records import Call, Reply

KEY = "Incorrect API key provided"


def saying(status: int, message: str, headers: dict[str, str] | None = None) -> Endpoint:
    """An endpoint that answers every request with this error."""

    async def handler(request: web.Request) -> web.Response:
        endpoint.books.requests += 1
        return web.json_response({"error": {"message": message}}, status=status, headers=headers or {})

    endpoint = Endpoint(handler=handler)
    return endpoint


@pytest.mark.parametrize(
    ("said", "seconds"),
    [
        ("Rate limit reached. Please try again in 20s. Visit", 20),
        ("Please try again in 350ms.", 0.35),
        ("Please try again in 1m2.5s", 62.5),
        ("Please try again in 7h12m0s", 25_920),
        ("Please retry after 45 seconds.", 45),
        ("try again in 3 minutes", 180),
        ('"retryDelay": "33.5s"', 33.5),
        ("Please try again in a moment", None),
        ("try again", None),
    ],
)
def test_the_wait_is_read_from_the_words_of_a_refusal(said: str, seconds: float | None) -> None:
    assert wait_in(said) == (None if seconds is None else pytest.approx(seconds))


def test_a_wait_in_words_and_in_milliseconds_stops_everyone() -> None:
    for message, headers in (("Please try again in 400ms", {}), ("slow down", {"retry-after-ms": "400"})):
        calls: list[Call] = []
        served = 0

        async def handler(request: web.Request) -> web.Response:
            nonlocal served
            served += 1
            if served == 1:
                return web.json_response({"error": {"message": message}}, status=429, headers=headers)  # noqa: B023
            choice = {"message": {"content": "ok"}, "finish_reason": "stop"}
            return web.json_response({"choices": [choice], "usage": {"prompt_tokens": 1, "completion_tokens": 1}})

        with Endpoint(handler=handler) as endpoint:
            gateway = gateway_at(endpoint, calls, concurrency=1)
            started = time.perf_counter()
            assert all(isinstance(reply, Reply) for reply in gateway.complete_many(*requests(3)))
            assert time.perf_counter() - started >= 0.4
            gateway.close()


@pytest.mark.parametrize(("status", "message"), [(401, KEY), (404, "The model `x` does not exist"), (403, "no access")])
def test_the_same_refusal_three_times_ends_it(status: int, message: str) -> None:
    calls: list[Call] = []
    with saying(status, message) as endpoint:
        gateway = gateway_at(endpoint, calls, concurrency=1)
        outcomes = gateway.complete_many(*requests(50))
        gateway.close()
    assert endpoint.books.requests == 3
    assert [type(outcome) for outcome in outcomes[:2]] == [RequestRefused] * 2
    assert all(isinstance(outcome, ModelUnusable) for outcome in outcomes[2:])
    assert f"refuses every call; check its {'key' if status != 404 else 'name'}" in str(outcomes[-1])
    assert message in str(outcomes[-1])
    assert len(calls) == 3  # what was never sent is no call


def test_refusals_of_single_requests_do_not_end_it() -> None:
    number = 0

    def reply(request: ChatRequest) -> str | Exception:
        nonlocal number
        number += 1
        return RequestRefused("x: HTTP 403: flagged", 403) if number % 3 else "fine"

    gateway = Gateway(ScriptedModel(reply), concurrency=1)  # type: ignore[arg-type]
    outcomes = gateway.complete_many(*requests(12))
    assert [isinstance(outcome, Reply) for outcome in outcomes] == [False, False, True] * 4


@pytest.mark.parametrize(
    ("status", "message"),
    [
        (429, "You exceeded your current quota, please check your plan (insufficient_quota)"),
        (402, "Insufficient Balance"),
        (400, "Your credit balance is too low to access the Anthropic API"),
    ],
)
def test_a_quota_that_is_used_up_ends_it_at_once(status: int, message: str) -> None:
    calls: list[Call] = []
    with saying(status, message) as endpoint:
        gateway = gateway_at(endpoint, calls, concurrency=1)
        outcomes = gateway.complete_many(*requests(5))
        gateway.close()
    assert endpoint.books.requests == 1
    assert all(isinstance(outcome, ModelUnusable) for outcome in outcomes)
    assert "no quota or credit left" in str(outcomes[0])


def test_a_quota_that_comes_back_soon_is_waited_for() -> None:
    error = HttpRefusal(429, "You exceeded your current quota", 20.0).as_error("m")
    assert isinstance(error, RateLimited)
    assert not isinstance(error, QuotaSpent)


def test_a_wait_of_hours_ends_it_and_one_of_minutes_is_honoured() -> None:
    with saying(429, "Please try again in 7h12m") as endpoint:
        gateway = gateway_at(endpoint, [], concurrency=1)
        outcomes = gateway.complete_many(*requests(3))
        gateway.close()
    assert endpoint.books.requests == 1
    assert "asks to be left alone for 25,920 s" in str(outcomes[2])
    assert 300 <= RetryPolicy().wait_s(1, RateLimited("slow", 300.0)) <= 330


@pytest.mark.parametrize(
    ("body", "window"),
    [
        # our count of the prompt is 8,000 tokens, its reply may take 500
        ("This model's maximum context length is 8192 tokens. However, your messages resulted in 8000 tokens.", 8_192),
        ("maximum context length is 8192 tokens. However, you requested 10500 tokens (10000 in the messages, 500 in the"
         " completion)", 8_192 * 8_000 // 10_000),
        ("The decoder prompt (length 9000) is longer than the maximum model length of 4096.", 4_096 * 8_000 // 9_000),
        ('the request exceeds the available context size", "n_prompt_tokens": 8000, "n_ctx": 4096', 4_096),
        ("prompt is too long: 16000 tokens > 10000 maximum", 5_000),
        ("input length and `max_tokens` exceed context limit: 8000 + 500 > 8200", 8_200),
        ("The input token count (16000) exceeds the maximum number of tokens allowed (10000).", 5_000),
        ("Input tokens exceed the configured limit of 10000 tokens. Your messages resulted in 16000 tokens. Please"
         " reduce the length of the messages.", 5_000),
        ("This model's maximum prompt length is 10000 but the request contains 16000 tokens.", 5_000),
        ("Input length (16000 tokens) exceeds the maximum allowed length (10000 tokens).", 5_000),
        ("Input validation error: `inputs` tokens + `max_new_tokens` must be <= 10000. Given: 16000 `inputs` tokens and"
         " 256 `max_new_tokens`", 5_000),
        ("Input validation error: `inputs` must have less than 10000 tokens. Given: 16000", 5_000),
        ("context_length_exceeded", (8_000 + 500) // 2),  # no figure: half
        ("the prompt exceeds the context length of 8600 tokens", (8_000 + 500) * 3 // 4),  # it would have fitted
    ],
)  # fmt: skip
def test_the_window_is_read_from_the_words_of_an_overflow(body: str, window: int) -> None:
    refusal = HttpRefusal(400, body)
    assert refusal.is_overflow
    assert refusal.window(8_000, 500) == window
    assert window < 8_500


def test_an_overflow_found_by_the_server_keeps_its_words_and_is_recorded() -> None:
    calls: list[Call] = []
    said = "This model's maximum context length is 5 tokens. However, your messages resulted in 19 tokens"
    with saying(400, said) as endpoint:
        gateway = gateway_at(endpoint, calls)
        (outcome,) = gateway.complete_many(*requests(1))
        gateway.close()
    assert isinstance(outcome, ContextOverflow)
    assert said in str(outcome)
    assert outcome.fits is not None
    assert outcome.fits <= 5
    (call,) = calls
    assert said in (call.error or "")
    assert call.attempts == 1


class Whole(ScriptedModel):
    """Its script holds completions."""

    def __init__(self, completions: list[Completion]) -> None:
        super().__init__([])
        self._completions = completions

    def complete(self, request: ChatRequest) -> Completion:
        self.history.append(request)
        return self._completions.pop(0)


def test_a_reply_that_will_be_empty_again_is_not_asked_for_again() -> None:
    for completion, words in (
        (Completion("", 10, 0, finish_reason="content_filter"), "content filter"),
        (Completion("", 10, 16, reasoning_tokens=16, finish_reason="length"), "went into thinking"),
        (Completion("", 10, 16, finish_reason="length"), "went into thinking"),
        (Completion("", 10, 16, thoughts="Is it Oslo?"), "it holds thoughts only"),
        (Completion("", 10, 16), "it used them unseen"),
        (Completion("I cannot", 10, 2, finish_reason="refusal"), "the model refuses to reply: I cannot"),
    ):
        model = Whole([completion] * 5)
        calls: list[Call] = []
        gateway = Gateway(model, record=lambda call, *_: calls.append(call), retry=QUICK)  # noqa: B023
        (outcome,) = gateway.complete_many(*requests(1))
        assert isinstance(outcome, NoText)
        assert words in str(outcome)
        assert len(model.history) == 1
        assert (calls[0].prompt_tokens, calls[0].retry_prompt_tokens) == (10, 0)  # the provider bills it, once
        assert calls[0].ended in ("withheld", "empty", "refused")


def test_a_full_disk_leaves_no_paid_call_unrecorded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[Call] = []
    cache = ResponseCache(tmp_path / "responses.sqlite")

    def full(*_: object) -> None:
        raise sqlite3.OperationalError("database or disk is full")

    monkeypatch.setattr(cache, "_put", full)
    gateway = Gateway(ScriptedModel(["Ada"]), cache=cache, record=lambda call, *_: calls.append(call))
    (outcome,) = gateway.complete_many(*requests(1))
    assert isinstance(outcome, StoreError)
    assert "free space" in str(outcome)
    assert [call.error for call in calls] == [None]


def test_equal_calls_in_flight_are_paid_once(tmp_path: Path) -> None:
    calls: list[Call] = []
    asked, tags = requests(2)
    with Endpoint(delay_s=0.1) as endpoint:
        gateway = gateway_at(endpoint, calls, cache=ResponseCache(tmp_path / "responses.sqlite"))
        outcomes = gateway.complete_many([asked[0]] * 8 + [asked[1]], [*(tags * 4), tags[0]])
        gateway.close()
    assert all(isinstance(outcome, Reply) for outcome in outcomes)
    assert endpoint.books.requests == 2
    assert sorted(call.from_cache for call in calls) == [False] * 2 + [True] * 7


def test_an_equal_call_is_sent_when_the_first_one_fails(tmp_path: Path) -> None:
    asked, tags = requests(1)
    with Endpoint(script=["cut"], delay_s=0.1) as endpoint:
        once = RetryPolicy(attempts=1)
        gateway = gateway_at(endpoint, [], cache=ResponseCache(tmp_path / "responses.sqlite"), retry=once)
        first, second = gateway.complete_many(asked * 2, tags * 2)
        gateway.close()
    assert isinstance(first, BadReply)
    assert isinstance(second, Reply)


def test_timeouts_in_a_row_open_the_breaker() -> None:
    clock = iter(range(0, 10_000, 10))
    breaker = Breaker(threshold=3, clock=lambda: next(clock))
    model = ScriptedModel([ModelTimeout("no answer in time")] * 50)
    gateway = Gateway(model, breaker=breaker, concurrency=1, retry=RetryPolicy(attempts=1))
    outcomes = gateway.complete_many(*requests(10))
    assert any(isinstance(outcome, ServerGone) for outcome in outcomes)
    assert len(model.history) < 10


@pytest.fixture
def closed() -> Iterator[Gateway]:
    gateway = Gateway(ScriptedModel(["never"]))
    gateway.close()
    yield gateway


def test_nothing_is_sent_once_the_gateway_is_closed(closed: Gateway) -> None:
    asked, tags = requests(1)
    with pytest.raises(RunStopped, match="broken off"):
        closed.complete(asked[0], tags[0])


@pytest.mark.parametrize(
    "secret",
    ["sk-proj-abcDEF123456", "gsk_abcdef123456", "hf_abcdefghijkl", "xai-abcdef123456", "AIzaSyA-1234567890abc",
     "nvapi-abcdef123", "key-0123456789"],
)  # fmt: skip
def test_keys_of_providers_are_blotted_out(secret: str) -> None:
    hidden = hide_secrets(f"Incorrect API key provided: {secret}. See https://x.org/?key={secret}&a=b")
    assert secret not in hidden
    assert secret[-6:] not in hidden
    assert hidden.startswith("Incorrect API key provided: ***")
    assert hidden.endswith("&a=b")


def test_a_bearer_token_is_blotted_out() -> None:
    assert hide_secrets('{"Authorization": "Bearer abc.def-ghi"}') == '{"Authorization": "***"}'


def test_a_key_in_an_address_is_blotted_out_whatever_it_looks_like() -> None:
    assert hide_secrets("GET /v1?key=0123abc&x=1") == "GET /v1?key=***&x=1"
    assert json.loads(hide_secrets('{"url": "/v1?api_key=0123abc"}')) == {"url": "/v1?api_key=***"}
