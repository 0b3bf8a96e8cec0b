"""Every fault at once: all questions end, and our books equal the endpoint's."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.llm.endpoint import FAULTS, WORDS, Endpoint
from workbench.errors import ModelError
from workbench.llm.cache import ResponseCache
from workbench.llm.gateway import CallTag, Gateway
from workbench.llm.limits import Breaker
from workbench.llm.model import ChatRequest
from workbench.llm.prices import Price
from workbench.llm.providers.opening import open_model
from workbench.llm.retry import RetryPolicy
from workbench.records import Call, Message, Reply

QUESTIONS = 500
PRICE = Price(input=0.15, output=0.60)
QUICK = RetryPolicy(base_s=0.01, longest_s=0.5)


def requests(number: int) -> tuple[list[ChatRequest], list[CallTag]]:
    asked = [ChatRequest((Message("user", f"Question {n}: which one?"),), 16) for n in range(number)]
    return asked, [CallTag("run", f"q{n}", "ctx", "answer", "answer", (), f"c{n}") for n in range(number)]


def gateway_at(endpoint: Endpoint, calls: list[Call], *, token_timeout: float = 2.0, **options: object) -> Gateway:
    # long enough that a busy machine is not taken for a server that hangs: the endpoint bills what it sent
    model = open_model(f"openai/tiny@{endpoint.url}", window=4_096, tokenizer="o200k_base", token_timeout=token_timeout)
    settings: dict[str, object] = {"concurrency": 64, "price": PRICE, "retry": QUICK, **options}
    return Gateway(model, record=lambda call, *_: calls.append(call), **settings)  # type: ignore[arg-type]


def test_with_every_fault_at_ten_percent_all_questions_end_and_the_books_agree(tmp_path: Path) -> None:
    calls: list[Call] = []
    with Endpoint(faults=dict.fromkeys(FAULTS, 0.1), seed=11, hang_s=6.0) as endpoint:
        cache = ResponseCache(tmp_path / "responses.sqlite")
        gateway = gateway_at(endpoint, calls, cache=cache)
        outcomes = gateway.complete_many(*requests(QUESTIONS))
        gateway.close()
    books = endpoint.books
    assert set(books.faults) == set(FAULTS)  # each of them happened
    answered = [outcome for outcome in outcomes if isinstance(outcome, Reply)]
    assert all(reply.text == "".join(WORDS) for reply in answered)
    assert all(isinstance(outcome, Reply | ModelError) for outcome in outcomes)
    assert len(answered) > QUESTIONS * 0.6  # four attempts in five meet a fault

    assert sorted(call.question_id or "" for call in calls) == sorted(f"q{n}" for n in range(QUESTIONS))
    assert sum(call.error is None for call in calls) == len(answered)
    assert all(call.error for call in calls if call.reply_hash is None)
    assert sum(call.attempts for call in calls) == books.requests

    good = [call for call in calls if call.error is None]
    assert sum(call.prompt_tokens for call in good) == books.billed_prompt
    assert sum(call.completion_tokens for call in good) == books.billed_completion
    assert sum(call.retry_prompt_tokens for call in calls) == books.broken_prompt
    assert sum(call.retry_completion_tokens for call in calls) == books.broken_completion
    billed = PRICE.cost(books.billed_prompt, 0, 0, books.billed_completion)
    broken = PRICE.cost(books.broken_prompt, 0, 0, books.broken_completion)
    assert sum(call.cost_usd for call in calls) == pytest.approx(billed, rel=1e-9)
    assert sum(call.retry_cost_usd for call in calls) == pytest.approx(broken, rel=1e-9)

    # what was answered is kept, what failed is not: asked again, only the failures are paid for
    with Endpoint() as healthy:
        again: list[Call] = []
        model = open_model(f"openai/tiny@{healthy.url}", window=4_096, tokenizer="o200k_base")
        model.cache_identity = gateway.model.name  # type: ignore[attr-defined] # the endpoint moved to another port
        retry = Gateway(model, cache=cache, record=lambda call, *_: again.append(call))
        assert all(isinstance(outcome, Reply) for outcome in retry.complete_many(*requests(QUESTIONS)))
        retry.close()
    assert healthy.books.requests == QUESTIONS - len(answered)
    assert sum(call.from_cache for call in again) == len(answered)


def test_retry_after_stops_everyone_until_it_is_over() -> None:
    calls: list[Call] = []
    with Endpoint(script=["429"], retry_after="0.4") as endpoint:
        gateway = gateway_at(endpoint, calls, concurrency=1)
        started = time.perf_counter()
        gateway.complete_many(*requests(3))
        elapsed = time.perf_counter() - started
        gateway.close()
    assert endpoint.books.requests == 3 + 1
    assert elapsed >= 0.4
    assert max(call.total_s for call in calls) < 0.3  # waiting is in queue_s
    assert max(call.queue_s for call in calls) >= 0.4


def test_an_overloaded_server_is_asked_less_at_once() -> None:
    calls: list[Call] = []
    with Endpoint(script=["429"] * 16, retry_after=None, delay_s=0.01) as endpoint:
        gateway = gateway_at(endpoint, calls, concurrency=16, retry=RetryPolicy(base_s=0.2))
        outcomes = gateway.complete_many(*requests(16))
        limit = gateway.places.limit
        gateway.close()
    assert all(isinstance(outcome, Reply) for outcome in outcomes)
    assert endpoint.books.faults["429"] == 16
    assert limit < 16


def test_a_request_rate_limit_is_kept() -> None:
    calls: list[Call] = []
    with Endpoint() as endpoint:
        gateway = gateway_at(endpoint, calls)
        model = open_model(f"openai/tiny@{endpoint.url}", window=4_096, tokenizer="o200k_base", rpm=600)
        gateway = Gateway(model, concurrency=64, record=lambda call, *_: calls.append(call))
        started = time.perf_counter()
        gateway.complete_many(*requests(66))  # 60 at once, then 9 a second
        elapsed = time.perf_counter() - started
        gateway.close()
    assert elapsed >= 6 / 9


def test_a_server_that_restarts_is_waited_for() -> None:
    calls: list[Call] = []
    with Endpoint() as endpoint:
        port = endpoint.port
    gateway = gateway_at(endpoint, calls, breaker=Breaker(cool_s=0.05, patience_s=20))
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(gateway.complete_many, *requests(20))
        time.sleep(0.5)  # nobody listens
        revived = Endpoint()
        revived.port = port
        with revived:
            outcomes = waiting.result(timeout=30)
            gateway.close()
    assert sum(isinstance(outcome, Reply) for outcome in outcomes) >= 15


def test_closing_cancels_what_hangs() -> None:
    with Endpoint(script=["hang"] * 4, hang_s=3) as endpoint, ThreadPoolExecutor(1) as pool:
        model = open_model(f"openai/tiny@{endpoint.url}", window=4_096, tokenizer="o200k_base")
        gateway = Gateway(model, concurrency=4)
        waiting = pool.submit(gateway.complete_many, *requests(4))
        time.sleep(0.2)
        started = time.perf_counter()
        gateway.close()
        assert time.perf_counter() - started < 2
        assert not any(isinstance(outcome, Reply) for outcome in waiting.result(timeout=5))
