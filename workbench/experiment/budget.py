"""What an experiment has spent so far, and when to stop. Thread-safe."""

from __future__ import annotations

import threading
import time

from workbench.errors import BudgetReached
from workbench.experiment.config import Budget
from workbench.records import Call


class Ledger:
    """Sums of the calls of this session, held against a budget.

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
        self._lock = threading.Lock()
        self._started = time.monotonic()

    def add(self, call: Call) -> None:
        """Count a finished call."""
        with self._lock:
            if call.from_cache:
                self.replayed += 1
                return
            self.calls += 1
            self.usd += call.cost_usd + call.retry_cost_usd
            self.tokens += call.prompt_tokens + call.completion_tokens
            self.tokens += call.retry_prompt_tokens + call.retry_completion_tokens

    def check(self, expected_usd: float = 0.0, expected_tokens: int = 0) -> None:
        """Raise BudgetReached when the next call would pass the budget."""
        budget = self.budget
        with self._lock:
            usd, tokens = self.usd + expected_usd, self.tokens + expected_tokens
        if budget.usd is not None and usd > budget.usd:
            raise BudgetReached(f"the budget of ${budget.usd:g} is reached (${self.usd:.4f} spent)")
        if budget.tokens is not None and tokens > budget.tokens:
            raise BudgetReached(f"the budget of {budget.tokens:,} tokens is reached ({self.tokens:,} used)")
        elapsed = time.monotonic() - self._started
        if budget.wall is not None and elapsed > budget.wall:
            raise BudgetReached(f"the budget of {budget.wall:g} s is reached")
