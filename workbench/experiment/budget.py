"""What an experiment has spent so far, and when to stop. Thread-safe."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from workbench.errors import BudgetReached, InputError
from workbench.experiment.schema import Budget
from workbench.llm.accounting import Payment
from workbench.records import Call

if TYPE_CHECKING:
    from workbench.llm.model import Model
    from workbench.llm.prices import Price


PRICE_IT = "give the model a price, e.g. --option price_as=gpt-4o-mini"


class Spending(NamedTuple):
    """What a session has paid for a run; tokens of prompts and replies, failed attempts included."""

    calls: int
    usd: float
    tokens: int

    def at_least(self, other: tuple[int, float, int]) -> Spending:
        """The more complete of two records of the same session, which only ever grow."""
        calls, usd, tokens = other
        return Spending(max(self.calls, calls), max(self.usd, usd), max(self.tokens, tokens))


class Ledger:
    """Sums of the calls of this session, held against a budget together with what earlier sessions had paid.

    The check stands before each call, so a run overspends by no more than the calls in flight. Replayed calls were
    paid by an earlier session and spend nothing now.

    >>> ledger = Ledger(Budget(usd=1.0)); ledger.check(0.0, 100)
    """

    def __init__(self, budget: Budget) -> None:
        self.budget = budget
        self.usd = 0.0
        self.tokens = 0
        self.calls = 0
        self.replayed = 0
        self._earlier_usd = 0.0
        self._earlier_tokens = 0
        self._by_run: dict[str, Spending] = {}
        self._lock = threading.Lock()
        self._started = time.monotonic()

    def resume(self, usd: float, tokens: int) -> None:
        """Hold what earlier sessions paid for the same runs against the budget, too."""
        self._earlier_usd, self._earlier_tokens = usd, tokens

    def add(self, call: Call) -> Spending:
        """Count a finished call; returns what this session has paid for its run so far."""
        with self._lock:
            before = self._by_run.get(call.run_id, Spending(0, 0.0, 0))
            if call.from_cache:
                self.replayed += 1
                return before
            _, _, usd, tokens = Payment.of("", call)
            self.calls += 1
            self.usd += usd
            self.tokens += tokens
            now = Spending(before.calls + 1, before.usd + usd, before.tokens + tokens)
            self._by_run[call.run_id] = now
            return now

    def check(self, expected_usd: float = 0.0, expected_tokens: int = 0) -> None:
        """Raise BudgetReached when the next call would pass the budget."""
        budget = self.budget
        with self._lock:
            usd, tokens = self._earlier_usd + self.usd, self._earlier_tokens + self.tokens
        if budget.usd is not None and usd + expected_usd > budget.usd:
            earlier = f", ${self._earlier_usd:.4f} of it in earlier sessions" if self._earlier_usd else ""
            spent = f"${usd:.4f} spent{earlier}; the next call costs at least ${expected_usd:.4f}"
            raise BudgetReached(f"the budget of ${budget.usd:g} is reached ({spent})")
        if budget.tokens is not None and tokens + expected_tokens > budget.tokens:
            earlier = f", {self._earlier_tokens:,} of them in earlier sessions" if self._earlier_tokens else ""
            spent = f"{tokens:,} used{earlier}; the next call takes at least {expected_tokens:,}"
            raise BudgetReached(f"the budget of {budget.tokens:,} tokens is reached ({spent})")
        if self.left_s() <= 0:
            raise BudgetReached(f"the budget of {budget.wall:g} s is reached")

    def left_s(self) -> float:
        """Seconds in which calls may still be sent; infinite without such a budget."""
        if self.budget.wall is None:
            return float("inf")
        return max(0.0, self.budget.wall - (time.monotonic() - self._started))


def check_priced(
    usd: float | None, models: Sequence[tuple[Model, Price | None]], *, field: str, file: object = None, fix: str = ""
) -> None:
    """Raise InputError for a budget in USD (None: no budget) over models without a known price."""
    if usd is None:
        return
    for model, price in models:
        if price is None and not getattr(model, "free", False):
            raise InputError(
                f"no price is known for {model.name}, so a budget in USD would never be reached",
                file=file,
                field=field,
                fix=fix or "give the model a price, price_as or gpu_hour, or a budget of tokens",
            )
