"""Learning whether the beginnings that a method marks as shared do come back, before more is paid for keeping them.

A prompt's template says which part all questions of a context share. Whether it is the same text is another matter:
parts are cut smaller beside a longer question. Where providers take more for what they keep, a step whose first three
questions had no beginning in common is asked without from then on.
"""

from __future__ import annotations

import threading
from collections import defaultdict

from workbench.text import text_hash

_QUESTIONS = 3


class SharedPrefixes:
    """What the calls of a run began with, by step. Thread-safe."""

    def __init__(self) -> None:
        self._owners: dict[tuple[str, str], set[str]] = defaultdict(set)  # step and beginning → questions
        self._asked: dict[str, set[str]] = defaultdict(set)  # step → questions
        self._repeats: set[str] = set()  # steps of which a beginning came back
        self._lock = threading.Lock()

    def worth(self, step: str, beginning: str, owner: str) -> bool:
        """Whether it is worth asking a provider to keep a call's beginning; `owner` is its question."""
        with self._lock:
            if step in self._repeats:
                return True
            owners, asked = self._owners[step, text_hash(beginning)], self._asked[step]
            owners.add(owner)
            asked.add(owner)
            if len(owners) > 1:
                self._repeats.add(step)
            return step in self._repeats or len(asked) <= _QUESTIONS
