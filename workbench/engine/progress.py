"""The progress bar of a run: questions, rate, time left and cost so far, on stderr."""

from __future__ import annotations

import sys
import threading
import time
from types import TracebackType
from typing import Any

from workbench.experiment.budget import Ledger


class Progress:
    """A tqdm bar over questions; silent when disabled, one line a minute when stderr is no terminal."""

    def __init__(self, total: int, ledger: Ledger, *, enabled: bool = True) -> None:
        self._ledger = ledger
        self._lock = threading.Lock()
        self._failed = 0
        self._shown_at = 0.0
        self._bar: Any = None
        if enabled:
            from tqdm import tqdm

            terminal = sys.stderr.isatty()
            self._bar = tqdm(
                total=total, unit="question", file=sys.stderr, mininterval=0.2 if terminal else 15.0, smoothing=0.05
            )

    def describe(self, what: str) -> None:
        """Name what is running now."""
        if self._bar is not None:
            self._bar.set_description_str(what, refresh=False)

    def advance(self, *, failed: bool) -> None:
        """One question has ended."""
        with self._lock:
            self._failed += failed
            if self._bar is None:
                return
            now = time.monotonic()
            if now - self._shown_at > 0.5:
                self._shown_at = now
                ledger = self._ledger
                facts = (
                    f"${ledger.usd:.4f}, {ledger.calls:,} calls, {ledger.replayed:,} replayed, {self._failed} failed"
                )
                self._bar.set_postfix_str(facts, refresh=False)
            self._bar.update(1)

    def __enter__(self) -> Progress:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self._bar is not None:
            self._bar.close()
