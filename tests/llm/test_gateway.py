"""The gateway: one record per call, nothing sent that does not fit, nothing used that is not kept."""

from __future__ import annotations

import math
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from workbench.errors import BudgetReached, ContextOverflow, ModelError, NoText, RateLimited, RequestRefused, ServerGone
from workbench.llm.accounting import Spent
from workbench.llm.attempts import Sender
from workbench.llm.cache import ResponseCache
from workbench.llm.drive import Send, Sleep, Take
from workbench.llm.gateway import CallTag, Gateway
from workbench.llm.model import ChatRequest, Completion, count_messages
from workbench.llm.prices import Price
from workbench.llm.retry import RetryPolicy
from workbench.llm.scripted import ScriptedModel
from workbench.records import Call, Message, Reply

QUICK = RetryPolicy(base_s=0.001)


class Log:
    """Receives records like the run log does."""

    def __init__(self) -> None:
        self.calls: list[Call] = []
        self.texts: list[tuple[str, str | None]] = []

    def __call__(self, call: Call, prompt: str, reply: str | None) -> None:
        self.calls.append(call)
        self.texts.append((prompt, reply))


class Person(BaseModel):
    name: str
    age: int


def ask(text: str = "Who?", max_tokens: int = 16, **options: Any) -> ChatRequest:
    return ChatRequest((Message("user", text),), max_tokens, **options)


def tag(call_id: str = "c1", step: str = "answer", parents: tuple[str, ...] = ()) -> CallTag:
    return CallTag("run", "q1", "ctx", "answer", step, parents, call_id)


@pytest.fixture
def log() -> Log:
    return Log()


@pytest.fixture
def cache(tmp_path: Path) -> ResponseCache:
    return ResponseCache(tmp_path / "responses.sqlite")


def test_a_call_is_recorded_whole(log: Log) -> None:
    model = ScriptedModel(["Ada"], seconds=1.5)
    gateway = Gateway(model, price=Price(input=1_000_000, output=2_000_000), record=log)
    reply = gateway.complete(ask(), tag(parents=("before",)))
    assert (reply.text, reply.call_id, reply.parsed) == ("Ada", "c1", None)
    (call,) = log.calls
    prompt = count_messages(model, ask().messages)
    assert (call.prompt_tokens, call.completion_tokens) == (prompt, 1)
    assert call.cost_usd == prompt * 1 + 1 * 2
    assert (call.run_id, call.question_id, call.phase, call.step, call.parents) == (
        "run",
        "q1",
        "answer",
        "answer",
        ("before",),
    )
    assert (call.total_s, call.attempts, call.from_cache, call.error) == (1.5, 1, False, None)
    assert log.texts == [("<user>\nWho?", "Ada")]


def test_without_a_price_cost_is_unknown_and_tokens_are_still_there(log: Log) -> None:
    Gateway(ScriptedModel(["Ada"]), record=log).complete(ask(), tag())
    assert log.calls[0].cost_usd is None
    assert log.calls[0].prompt_tokens > 0


def test_what_does_not_fit_the_window_is_never_sent_and_is_recorded(log: Log) -> None:
    model = ScriptedModel(["never"], window=100)
    gateway = Gateway(model, record=log)
    with pytest.raises(ContextOverflow) as caught:
        gateway.complete(ask("word " * 90), tag())
    assert (caught.value.prompt_tokens, caught.value.reply_tokens, caught.value.window) == (
        count_messages(model, ask("word " * 90).messages),
        16,
        100,
    )
    assert model.history == []
    assert log.calls[0].attempts == 0
    assert (log.calls[0].error or "").startswith("ContextOverflow")


@pytest.mark.parametrize(("spare", "fits"), [(0, True), (-1, False)])
def test_the_window_is_filled_to_the_token(spare: int, fits: bool) -> None:
    probe = ScriptedModel([])
    window = count_messages(probe, ask().messages) + 16 + spare
    gateway = Gateway(ScriptedModel(["Ada"], window=window))
    if fits:
        assert gateway.complete(ask(), tag()).text == "Ada"
    else:
        with pytest.raises(ContextOverflow):
            gateway.complete(ask(), tag())


def test_a_cached_reply_is_replayed_with_its_original_figures(log: Log, cache: ResponseCache) -> None:
    price = Price(input=1.0, output=1.0)
    model = ScriptedModel(["Ada"], seconds=2.0)
    first = Gateway(model, cache=cache, record=log, price=price).complete(ask(), tag())
    again = Gateway(model, cache=cache, record=log, price=price).complete(ask(), tag())
    assert first == again
    assert len(model.history) == 1
    original, replayed = log.calls
    assert (original.from_cache, replayed.from_cache) == (False, True)
    for figure in ("prompt_tokens", "completion_tokens", "cost_usd", "total_s", "first_token_s", "token_source"):
        assert getattr(original, figure) == getattr(replayed, figure)


def test_fresh_asks_again_and_keeps_the_new_reply(cache: ResponseCache) -> None:
    model = ScriptedModel(["old", "new"])
    Gateway(model, cache=cache).complete(ask(), tag())
    assert Gateway(model, cache=cache, fresh=True).complete(ask(), tag()).text == "new"
    assert Gateway(model, cache=cache).complete(ask(), tag()).text == "new"


@pytest.mark.parametrize(
    "other",
    [
        ask("Who else?"),
        ask(max_tokens=17),
        ask(temperature=0.1),
        ask(seed=1),
        ask(sample=1),
        ask(schema={"type": "object"}),
        ChatRequest((Message("system", "Who?"),), 16),
    ],
)
def test_everything_that_can_change_a_reply_is_in_the_cache_key(other: ChatRequest, cache: ResponseCache) -> None:
    gateway = Gateway(ScriptedModel(["first", "second"]), cache=cache)
    assert gateway.complete(ask(), tag()).text == "first"
    assert gateway.complete(other, tag()).text == "second"


def test_a_reply_is_in_the_cache_before_it_is_recorded_or_used(cache: ResponseCache) -> None:
    seen: list[int] = []

    def record(call: Call, prompt: str, reply: str | None) -> None:
        seen.append(sum(int(str(row["replies"])) for row in cache.stats()))

    Gateway(ScriptedModel(["Ada"]), cache=cache, record=record).complete(ask(), tag())
    assert seen == [1]


def test_errors_are_not_cached_and_are_retried(log: Log, cache: ResponseCache) -> None:
    model = ScriptedModel([ModelError("oops"), "Ada"])
    reply = Gateway(model, cache=cache, record=log, retry=QUICK).complete(ask(), tag())
    assert reply.text == "Ada"
    (call,) = log.calls
    assert (call.attempts, call.error) == (2, None)


def test_identical_failures_are_capped_and_recorded_once(log: Log) -> None:
    model = ScriptedModel(lambda request: ModelError("HTTP 500: request id 7f3a"))
    with pytest.raises(ModelError):
        Gateway(model, record=log, retry=RetryPolicy(attempts=10, identical=3, base_s=0.001)).complete(ask(), tag())
    assert len(model.history) == 3
    (call,) = log.calls
    assert (call.attempts, call.reply_hash, call.finish_reason) == (3, None, "error")
    assert "HTTP 500" in (call.error or "")


def test_failures_that_change_are_capped_by_the_attempts() -> None:
    failures = iter(["a", "b", "c", "d", "e", "f"])
    model = ScriptedModel(lambda request: ModelError(next(failures)))
    with pytest.raises(ModelError, match="d"):
        Gateway(model, retry=RetryPolicy(attempts=4, identical=3, base_s=0.001)).complete(ask(), tag())


def test_a_refused_request_is_not_sent_again() -> None:
    model = ScriptedModel([RequestRefused("HTTP 401"), "never"])
    with pytest.raises(RequestRefused):
        Gateway(model, retry=QUICK).complete(ask(), tag())
    assert len(model.history) == 1


def test_failed_attempts_are_billed_beside_the_reply(log: Log) -> None:
    broken = ModelError("cut")
    broken.spent = Completion("The", prompt_tokens=9, completion_tokens=3)
    model = ScriptedModel([broken, "Ada"])
    Gateway(model, price=Price(input=1e6, output=2e6), record=log, retry=QUICK).complete(ask(), tag())
    (call,) = log.calls
    assert (call.retry_prompt_tokens, call.retry_completion_tokens) == (9, 3)
    assert call.retry_cost_usd == 9 * 1 + 3 * 2
    assert call.cost_usd == call.prompt_tokens * 1 + call.completion_tokens * 2


def test_complete_many_keeps_the_order_and_hands_failures_over_in_their_place() -> None:
    def script(request: ChatRequest) -> str | Exception:
        number = int(request.messages[0].content)
        time.sleep(0.02 * (3 - number))
        return RequestRefused("no") if number == 1 else str(number)

    outcomes = Gateway(ScriptedModel(script)).complete_many(
        [ask(str(n)) for n in range(3)], [tag(f"c{n}") for n in range(3)]
    )
    assert [o.text if isinstance(o, Reply) else type(o) for o in outcomes] == ["0", RequestRefused, "2"]


class Slow:
    """A model that computes outside of any lock and counts how many calls were in it at once."""

    name, window, max_output_tokens, token_source, is_async = "slow", 8_192, 64, "words", False

    def __init__(self, seconds: float) -> None:
        self.seconds, self.inside, self.most = seconds, 0, 0
        self._lock = threading.Lock()

    def count(self, text: str) -> int:
        return len(text.split())

    def complete(self, request: ChatRequest) -> Completion:
        with self._lock:
            self.inside += 1
            self.most = max(self.most, self.inside)
        time.sleep(self.seconds)
        with self._lock:
            self.inside -= 1
        return Completion("ok", 1, 1)

    async def acomplete(self, request: ChatRequest) -> Completion:
        raise AssertionError("a model that computes here is called in threads")


def test_no_more_calls_are_in_flight_than_allowed_and_waiting_is_not_the_calls_time(log: Log) -> None:
    model = Slow(0.2)
    gateway = Gateway(model, concurrency=2, record=log)
    gateway.complete_many([ask(str(n)) for n in range(6)], [tag(f"c{n}") for n in range(6)])
    assert model.most == 2
    assert max(call.in_flight for call in log.calls) == 2
    assert all(0.2 <= call.total_s < 0.39 for call in log.calls)
    assert max(call.queue_s for call in log.calls) >= 2 * 0.2  # the last two waited for two rounds


def test_a_gpu_is_paid_for_the_time_it_was_busy_however_many_shared_it(log: Log) -> None:
    gateway = Gateway(Slow(0.1), concurrency=4, price=Price(0, 0, gpu_hour=3600.0), record=log)
    started = time.perf_counter()
    gateway.complete_many([ask(str(n)) for n in range(4)], [tag(f"c{n}") for n in range(4)])
    wall = time.perf_counter() - started
    assert 0.1 <= sum(call.cost_usd for call in log.calls) <= wall  # one dollar a second, for 0.1 s and not for 0.4 s


def test_the_guard_stands_before_every_attempt_with_the_least_it_will_cost() -> None:
    asked: list[tuple[float, int]] = []

    class Guard:
        def check(self, usd: float, tokens: int) -> None:
            asked.append((usd, tokens))
            if len(asked) == 2:
                raise BudgetReached("spent")

        def left_s(self) -> float:
            return math.inf

    model = ScriptedModel(["one", "two"])
    gateway = Gateway(model, price=Price(input=1e6, output=1e6), guard=Guard())
    gateway.complete(ask(), tag())
    with pytest.raises(BudgetReached):
        gateway.complete(ask("More?"), tag("c2"))
    tokens = count_messages(model, ask().messages)
    assert asked[0] == (float(tokens), tokens)
    assert len(model.history) == 1


def test_no_pause_is_longer_than_what_the_guard_leaves() -> None:
    class Guard:
        left = 2.0

        def check(self, usd: float, tokens: int) -> None:
            if not self.left:
                raise BudgetReached("over")

        def left_s(self) -> float:
            return self.left

    guard = Guard()
    sender = Sender(ScriptedModel([]), price=None, concurrency=1, retry=None, guard=guard, breaker=None)
    steps = sender.sent(ask(), Spent(0.0), 10)
    assert isinstance(next(steps), Take)
    assert isinstance(steps.send(sender.places.take()), Send)
    assert steps.throw(RateLimited("slow down", 300.0)) == Sleep(2.0)
    guard.left = 0.0
    with pytest.raises(BudgetReached):
        next(steps)


def test_calls_that_wait_for_a_place_pass_the_guard_only_when_they_get_it() -> None:
    """A batch of 20 must not slip past a budget that two calls exhaust: it overspends by what is in flight at most."""
    spent = []

    class Guard:
        def check(self, usd: float, tokens: int) -> None:
            if len(spent) >= 2:
                raise BudgetReached("spent")

        def left_s(self) -> float:
            return math.inf

    gateway = Gateway(Slow(0.01), concurrency=2, guard=Guard(), record=lambda *_: spent.append(1))
    outcomes = gateway.complete_many([ask(str(n)) for n in range(20)], [tag(f"c{n}") for n in range(20)])
    assert sum(isinstance(o, Reply) for o in outcomes) <= 2 + 2


def test_what_is_paid_is_kept_with_the_reply_also_when_nobody_lives_to_write_it_down(cache: ResponseCache) -> None:
    """The reply and its payment are one transaction, so that a kill right after it knows both."""

    class Killed(Exception):
        pass

    def killed(*_: Any) -> None:
        raise Killed

    model = ScriptedModel(["Ada"])
    gateway = Gateway(model, price=Price(input=1e6, output=2e6), cache=cache, record=killed, session="s")
    with pytest.raises(Killed):
        gateway.complete(ask(), tag())
    tokens = count_messages(model, ask().messages)
    paid = (1, tokens + 2.0 * model.count("Ada"), tokens + model.count("Ada"))
    assert cache.payments(["s", "t"]) == {("s", "run"): paid}
    Gateway(model, cache=cache, session="t").complete(ask(), tag())  # replayed: nothing is paid
    assert cache.payments(["s", "t"]) == {("s", "run"): paid}
    cache.settle(["s"])
    assert cache.payments(["s", "t"]) == {}


def test_what_is_paid_for_nothing_is_kept_too(cache: ResponseCache) -> None:
    broken = ModelError("broke off")
    broken.spent = Completion("", 30, 5)
    refused = RequestRefused("no")
    model = ScriptedModel([broken, refused, "no person"], window=100)
    gateway = Gateway(model, price=Price(input=1e6, output=1e6), cache=cache, retry=QUICK, session="s")
    with pytest.raises(RequestRefused):
        gateway.complete(ask(), tag())
    assert cache.payments(["s"]) == {("s", "run"): (1, 35.0, 35)}
    model = ScriptedModel(["no person"] * 3)
    gateway = Gateway(model, price=Price(input=1e6, output=1e6), cache=cache, session="t")
    assert gateway.complete(ask(), tag(), schema=Person).parsed is None
    prompts = sum(count_messages(model, request.messages) for request in model.history)
    tokens = prompts + 3 * model.count("no person")
    assert cache.payments(["t"]) == {("t", "run"): (3, float(tokens), tokens)}


def test_a_structured_reply_is_parsed_and_the_prompt_ends_with_its_schema() -> None:
    model = ScriptedModel(['{"name": "Ada", "age": 36}'])
    reply = Gateway(model).complete(ask(), tag(), schema=Person)
    assert reply.parsed == Person(name="Ada", age=36)
    sent = model.history[0]
    assert sent.schema == Person.model_json_schema()
    assert sent.messages[-1].content.startswith("Who?")
    assert '"age"' in sent.messages[-1].content


def test_a_reply_that_cannot_be_parsed_is_asked_again_at_most_twice(log: Log, cache: ResponseCache) -> None:
    model = ScriptedModel(["no idea", '{"name": "Ada"}', "still none", "never asked"])
    reply = Gateway(model, record=log, cache=cache).complete(ask(), tag(), schema=Person)
    assert reply.parsed is None
    assert reply.text == "still none"
    assert [(call.call_id, call.step, call.parents) for call in log.calls] == [
        ("c1", "answer", ()),
        ("c1-1", "answer:reask", ("c1",)),
        ("c1-2", "answer:reask", ("c1-1",)),
    ]
    assert "age" in model.history[2].messages[-1].content  # the complaint names the field
    assert cache.stats() == []  # unparsable replies are never kept


def test_a_parsed_reask_is_kept_and_ends_the_asking(log: Log, cache: ResponseCache) -> None:
    model = ScriptedModel(["no idea", '{"name": "Ada", "age": 36}'])
    reply = Gateway(model, record=log, cache=cache).complete(ask(), tag(), schema=Person)
    assert reply.parsed == Person(name="Ada", age=36)
    assert reply.call_id == "c1-1"  # what follows waits for the reask
    assert [row["replies"] for row in cache.stats()] == [1]


def test_a_server_that_is_gone_is_not_asked_a_thousand_times() -> None:
    from workbench.llm.limits import Breaker

    model = ScriptedModel(lambda request: ServerGone("nobody listens"))
    gateway = Gateway(model, retry=QUICK, breaker=Breaker(threshold=3, cool_s=0.01, patience_s=0.05))
    outcomes = []
    for number in range(40):
        try:
            gateway.complete(ask(str(number)), tag(f"c{number}"))
        except ServerGone as error:
            outcomes.append(str(error))
    assert len(outcomes) == 40
    assert len(model.history) < 20
    assert "not asked again" in outcomes[-1]


def test_a_server_that_comes_back_is_found() -> None:
    from workbench.llm.limits import Breaker

    model = ScriptedModel([ServerGone("restarting")] * 3 + ["Ada"])
    gateway = Gateway(model, retry=QUICK, breaker=Breaker(threshold=2, cool_s=0.01, patience_s=5))
    assert gateway.complete(ask(), tag()).text == "Ada"


def test_long_texts_are_counted_once() -> None:
    class Counting(ScriptedModel):
        counted = 0

        def count(self, text: str) -> int:
            self.counted += 1
            return super().count(text)

    model = Counting([])
    gateway = Gateway(model)
    text = "a long text " * 1_000
    assert gateway.count(text) == gateway.count(text) == ScriptedModel([]).count(text)
    assert model.counted == 1


def test_thoughts_that_a_server_leaves_in_the_reply_are_logged_and_not_used(log: Log, cache: ResponseCache) -> None:
    model = ScriptedModel(["<think>Is it Oslo?</think>\n\nBergen", "<think>It never ends"])
    gateway = Gateway(model, cache=cache, record=log)
    for call_id in ("c1", "c2"):  # the second one is a replay
        assert gateway.complete(ask(), tag(call_id)).text == "Bergen"
    with pytest.raises(NoText, match="it holds thoughts only"):
        gateway.complete(ask("And?"), tag("c3"))
    gateway.close()
    assert [reply for _, reply in log.texts] == ["Bergen", "Bergen", ""]
    assert [call.thoughts for call in log.calls] == ["Is it Oslo?", "Is it Oslo?", "It never ends"]
    assert [call.from_cache for call in log.calls] == [False, True, False]
    assert [call.ended for call in log.calls] == ["answered", "answered", "empty"]
    assert [call.reasoning_source for call in log.calls] == ["estimated"] * 3
