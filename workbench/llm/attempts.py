"""Sending one request until a reply arrives, or until it is clear that none will.

Before each attempt: the rate limits, the server's own pauses, a place among the calls in flight, and the guard (a
budget). After a failed one: what it says about this call, and about every call of the model.
"""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Protocol

from workbench.errors import (
    ContextOverflow,
    ModelError,
    ModelTimeout,
    ModelUnusable,
    NoText,
    QuotaSpent,
    RateLimited,
    RequestRefused,
    ServerGone,
)
from workbench.llm.accounting import Spent, cost_of
from workbench.llm.drive import Send, Sleep, Steps, Take
from workbench.llm.endings import kept_to, not_an_answer, told_apart
from workbench.llm.limits import Breaker, Place, Places, RateLimit
from workbench.llm.model import ChatRequest, Completion, Model, reads_probabilities
from workbench.llm.prices import Price
from workbench.llm.retry import Failures, RetryPolicy, failure_kind


class Guard(Protocol):
    """A budget."""

    def check(self, usd: float, tokens: int) -> None:
        """Raise RunStopped when the next attempt, which takes at least so much, is not to be sent."""

    def left_s(self) -> float:
        """Seconds in which attempts may still be sent; infinite where nothing ends them."""


# Refusals in a row, the same each time, after which the key or the model's name is taken to be wrong, not the request.
_REFUSALS = 3
_HINTS = {401: "check its key", 402: "its account has nothing left", 403: "check its key and what it may use"}


class Sender:
    """What all calls of one model share while they are sent: its limits, its failures so far, and whether it is of any
    use. Thread-safe as far as its limits are."""

    def __init__(
        self,
        model: Model,
        *,
        price: Price | None,
        concurrency: int,
        retry: RetryPolicy | None,
        guard: Guard | None,
        breaker: Breaker | None,
    ) -> None:
        self._model = model
        self._price = price
        self._retry = retry or RetryPolicy()
        self._guard = guard
        self._slow_s: float | None = getattr(model, "first_token_target", None)
        self.places = Places(min(concurrency, getattr(model, "max_parallel", concurrency)))
        self._rates = RateLimit(getattr(model, "rpm", None), getattr(model, "tpm", None))
        self._breaker = breaker or Breaker()
        self._refused: list[str] = []  # the last refusals, in a row and all the same
        self._unusable: str | None = None

    def refuse(self, reason: str) -> None:
        """Send nothing more, whatever is asked; calls in flight go on."""
        self._unusable = self._unusable or reason

    def sent(self, request: ChatRequest, spent: Spent, tokens: int) -> Steps[Completion]:
        """Send until a reply arrives; `tokens` are the prompt's. Raises the last attempt's error when the retry policy
        gives up, ModelUnusable when the model does not serve anybody, and what the guard raises."""
        failures = Failures(self._retry)
        booked = tokens + request.max_tokens + getattr(self._model, "reserve", 0)
        counted = replace(request, counted=tokens)
        while True:
            delay = self._rates.reserve(booked)
            if delay > 0:
                yield from self._pause(delay)
            place = yield from self._admission()
            overloaded: bool | None = None
            failure: ModelError | ContextOverflow | None = None
            try:
                if self._guard is not None:
                    self._guard.check(*self._least(tokens, spent))
                spent.begin(place.in_flight)
                completion: Completion = yield Send(counted)
                overloaded = self._is_slow(completion)
            except (ModelError, ContextOverflow) as error:
                overloaded = isinstance(error, RateLimited | ModelTimeout) or None
                failure = error
            finally:
                busy_s = self.places.give_back(place, overloaded=overloaded)
            if failure is None:
                self._breaker.reached()
                self._refused = []
                self._rates.settle(booked, completion.prompt_tokens + completion.completion_tokens)
                completion = replace(
                    told_apart(completion, self._model.count),
                    busy_s=busy_s,
                    total_s=completion.total_s or spent.seconds(),
                    attempts=spent.attempts,
                    wasted=tuple(spent.waste),
                )
                reserve = getattr(self._model, "reserve", 0)
                if reserve and not reads_probabilities(request):
                    completion = kept_to(completion, request.max_tokens, self._model.count)
                name, limit, window = self._model.name, request.max_tokens, self._model.window
                failure = not_an_answer(
                    name, completion, limit, reserve, window, probabilities=reads_probabilities(request)
                )
                if failure is None:
                    return completion
            if isinstance(failure, ContextOverflow):
                self._breaker.reached()
                spent.wasted(failure.spent, busy_s)
                raise failure
            wait = self._after(failure, failures, spent, busy_s)
            if wait is None:
                raise failure
            yield from self._pause(wait)

    def _least(self, tokens: int, spent: Spent) -> tuple[float, int]:
        """USD and tokens that the call will have taken when its next attempt is sent: its failed attempts are known to
        nobody else before it ends."""
        used = sum(waste.prompt_tokens + waste.completion_tokens for waste in spent.waste)
        usd = 0.0
        if self._price is not None:
            usd = self._price.cost(tokens) + sum(cost_of(waste, self._price) or 0.0 for waste in spent.waste)
        return usd, tokens + used

    def _admission(self) -> Steps[Place]:
        """Wait until the server may be asked: it is there, it asked for no pause, and a place is free."""
        while True:
            if self._unusable is not None:
                raise ModelUnusable(self._unusable)
            delay = max(self._breaker.wait_s(), self._rates.paused())
            if delay > 0:
                yield from self._pause(delay)
                continue
            place: Place = yield Take()
            if self._rates.paused() <= 0 and self._unusable is None:
                return place
            self.places.give_back(place)

    def _pause(self, seconds: float) -> Steps[None]:
        """Wait, but not longer than the guard leaves: a pause of minutes does not outlast a budget of seconds."""
        until = time.monotonic() + seconds
        while (wait := until - time.monotonic()) > 0:
            if self._guard is not None:
                self._guard.check(0.0, 0)
                wait = min(wait, self._guard.left_s())
            yield Sleep(wait)

    def _is_slow(self, completion: Completion) -> bool:
        first = completion.first_token_s
        return self._slow_s is not None and first is not None and first > self._slow_s

    def _after(self, error: ModelError, failures: Failures, spent: Spent, busy_s: float) -> float | None:
        """Draw the conclusions of a failed attempt; the seconds to wait, or None to give up."""
        if isinstance(error, ServerGone) or (isinstance(error, ModelTimeout) and error.spent is None):
            self._breaker.missed()
        else:
            self._breaker.reached()
        if not isinstance(error, NoText):  # that one is the call's reply, and its tokens are the call's
            spent.wasted(error.spent, busy_s)
        self._judge(error)
        wait = failures.delay(spent.attempts, error)
        if isinstance(error, RateLimited):  # it concerns every call of the model
            self._rates.pause(error.retry_after or wait or 0.0)
        return wait

    def _judge(self, error: ModelError) -> None:
        """Raise ModelUnusable when this failure will be that of every call: nothing is gained by 500 of them."""
        name = self._model.name
        said = str(error).removeprefix(f"{name}: ")
        if isinstance(error, RateLimited) and (error.retry_after or 0.0) > self._retry.patience_s:
            self._unusable = f"{name} asks to be left alone for {error.retry_after:,.0f} s: {said}"
        elif isinstance(error, QuotaSpent):
            self._unusable = f"{name} has no quota or credit left: {said}"
        elif isinstance(error, RequestRefused) and error.status in (301, 302, 307, 308, 401, 403, 404):
            kind = failure_kind(error)
            self._refused = [*self._refused, kind] if self._refused[:1] == [kind] else [kind]
            if len(self._refused) >= _REFUSALS:
                hint = _HINTS.get(error.status, "check its name and address")
                self._unusable = f"{name} refuses every call; {hint}: {said}"
        else:
            return
        if self._unusable is not None:
            raise ModelUnusable(self._unusable) from error
