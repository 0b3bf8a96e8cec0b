"""Limits on a clock that the test moves."""

from __future__ import annotations

from concurrent.futures import Future

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.errors import BadReply, ModelError, ModelTimeout, RateLimited, RequestRefused, ServerGone
from workbench.llm.limits import Breaker, Place, Places, RateLimit
from workbench.llm.retry import Failures, RetryPolicy


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def taken(place: Place | Future[Place]) -> Place:
    assert isinstance(place, Place)
    return place


def test_places_are_given_in_the_order_of_asking() -> None:
    places = Places(1)
    first = taken(places.take())
    second, third = places.take(), places.take()
    assert isinstance(second, Future)
    assert isinstance(third, Future)
    places.give_back(first)
    assert (second.done(), third.done()) == (True, False)
    places.give_back(second.result())
    assert third.done()


def test_a_waiter_that_gave_up_leaves_its_turn_to_the_next() -> None:
    places = Places(1)
    first = taken(places.take())
    second, third = places.take(), places.take()
    assert isinstance(second, Future)
    assert isinstance(third, Future)
    second.cancel()
    places.give_back(first)
    assert third.done()
    assert places.in_flight == 1


def generation(places: Places, clock: Clock, overloaded: int) -> None:
    """As many calls as there are places, so many of which meet overload."""
    clock.now += 1
    sent = [taken(places.take()) for _ in range(places.limit)]
    clock.now += 1
    for number, place in enumerate(sent):
        places.give_back(place, overloaded=number < overloaded)


def test_overload_halves_the_places_once_per_generation() -> None:
    clock = Clock()
    places = Places(16, clock)
    generation(places, clock, overloaded=16)  # all sixteen say the same thing, once
    assert places.limit == 8
    generation(places, clock, overloaded=4)
    assert places.limit == 4


def test_good_generations_win_the_places_back_one_by_one() -> None:
    clock = Clock()
    places = Places(4, clock)
    generation(places, clock, overloaded=4)
    assert places.limit == 2
    for expected in (3, 4, 4):
        generation(places, clock, overloaded=0)
        assert places.limit == expected


def test_a_failure_now_and_then_changes_nothing() -> None:
    clock = Clock()
    places = Places(16, clock)
    generation(places, clock, overloaded=4)
    assert places.limit == 16


def test_there_is_always_one_place() -> None:
    clock = Clock()
    places = Places(2, clock)
    for _ in range(5):
        generation(places, clock, overloaded=places.limit)
    assert places.limit == 1
    assert isinstance(places.take(), Place)


@given(st.lists(st.tuples(st.integers(0, 3), st.floats(0, 5)), min_size=1, max_size=40))
def test_busy_shares_sum_to_the_time_in_which_anything_was_in_flight(moves: list[tuple[int, float]]) -> None:
    clock = Clock()
    places = Places(4, clock)
    inside: list[Place] = []
    shares, busy = 0.0, 0.0
    for kind, seconds in moves:
        if kind == 0 and inside:
            shares += places.give_back(inside.pop(0))
        elif kind and len(inside) < 4:
            inside.append(taken(places.take()))
        clock.now += seconds
        busy += seconds if inside else 0.0
    for place in inside:
        shares += places.give_back(place)
    assert shares == pytest.approx(busy)


@given(
    rpm=st.integers(10, 600),
    tpm=st.integers(1_000, 100_000),
    sizes=st.lists(st.integers(1, 100), min_size=1, max_size=200),
)
def test_no_minute_holds_more_than_the_limits(rpm: int, tpm: int, sizes: list[int]) -> None:
    clock = Clock()
    rates = RateLimit(rpm, tpm, clock)
    sent: list[tuple[float, int]] = []
    for size in sizes:  # one sender that waits as it is told
        clock.now += rates.reserve(size)
        sent.append((clock.now, size))
    for start, _ in sent:
        minute = [size for at, size in sent if start <= at < start + 60]
        assert len(minute) <= rpm
        assert sum(minute) <= tpm


def test_tokens_that_a_reply_did_not_use_are_given_back() -> None:
    clock = Clock()
    rates = RateLimit(None, 6_000, clock)  # 600 at once, then 90 a second
    assert rates.reserve(600) == 0
    rates.settle(600, used=150)
    assert rates.reserve(450) == 0
    assert rates.reserve(90) == pytest.approx(1.0)


def test_a_pause_is_for_everyone_and_ends() -> None:
    clock = Clock()
    rates = RateLimit(clock=clock)
    rates.pause(5)
    rates.pause(2)  # a shorter one does not end a longer one
    clock.now += 4
    assert rates.paused() == pytest.approx(1.0)
    clock.now += 1
    assert rates.paused() == 0


def test_the_breaker_opens_after_so_many_refusals_in_a_row_and_lets_one_call_probe() -> None:
    clock = Clock()
    breaker = Breaker(threshold=3, cool_s=1.0, patience_s=30.0, clock=clock)
    breaker.missed()
    breaker.missed()
    breaker.reached()  # not in a row
    for _ in range(3):
        assert breaker.wait_s() == 0
        breaker.missed()
    assert breaker.wait_s() == pytest.approx(1.0)
    clock.now += 1
    assert breaker.wait_s() == 0  # this one probes
    assert breaker.wait_s() > 0  # and this one waits for it
    breaker.reached()
    assert breaker.wait_s() == 0


def test_after_its_patience_the_breaker_fails_calls_at_once_but_still_probes() -> None:
    clock = Clock()
    breaker = Breaker(threshold=1, cool_s=1.0, patience_s=10.0, clock=clock)
    breaker.missed()
    clock.now += 11
    assert breaker.wait_s() == 0  # the probe
    with pytest.raises(ServerGone):
        breaker.wait_s()
    clock.now += 60
    assert breaker.wait_s() == 0


@pytest.mark.parametrize(
    ("error", "tries"),
    [
        (RequestRefused("no"), 1),
        (ModelTimeout("late"), 2),
        (BadReply("cut"), 3),
        (ModelError("500"), 4),
        (ServerGone("nobody"), 4),
        (RateLimited("slow down"), 6),
    ],
)
def test_how_often_each_failure_is_tried(error: ModelError, tries: int) -> None:
    failures = Failures(RetryPolicy())
    delays = [failures.delay(attempt, error) for attempt in range(1, tries + 1)]
    assert all(delay is not None for delay in delays[:-1])
    assert delays[-1] is None


@given(attempt=st.integers(1, 30), seconds=st.floats(0, 1_000))
def test_waits_are_bounded_and_retry_after_is_not_undercut(attempt: int, seconds: float) -> None:
    policy = RetryPolicy(base_s=0.5, longest_s=60)
    assert 0 <= policy.wait_s(attempt, ModelError("500")) <= min(60, 0.5 * 2 ** (attempt - 1))
    wait = policy.wait_s(attempt, RateLimited("429", retry_after=seconds))
    assert min(seconds, 600) <= wait <= 660
