"""The decorator that makes a function a metric, with the version that is written to the log."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Mapping, Sequence

VERSIONS: dict[str, int] = {}
LENIENT = "_lenient"


class NotApplicable(Exception):
    """A metric cannot score this answer; the message is stored as the reason beside the missing score."""


def metric_function(
    version: int,
    *,
    needs_options: bool = False,
    needs: Sequence[str] = (),
    reads: Sequence[str] = (),
    own_rule: bool = False,
) -> Callable[[Callable[..., float]], Callable[..., float]]:
    """Mark a function as a metric. A change that moves numbers must raise the version (and get a CHANGELOG line).

    `needs` and `reads` name facts of the question that the metric takes as options of the same name: `question` (its
    text), `task`, or a key of its metadata. Without those in `needs` the metric does not apply. `needs_options`: the
    same for the options of a multiple-choice question. `own_rule`: the metric is a benchmark's own rule and scores
    unanswerable questions itself. A metric with an option `official` is stored twice: with the quirks of the official
    code under its name, without them under its name plus `_lenient`.
    """

    def mark(function: Callable[..., float]) -> Callable[..., float]:
        name = function.__name__
        function.version = version  # type: ignore[attr-defined]
        function.needs_options = needs_options  # type: ignore[attr-defined]
        function.needs = tuple(needs)  # type: ignore[attr-defined]
        function.reads = tuple(reads)  # type: ignore[attr-defined]
        function.own_rule = own_rule  # type: ignore[attr-defined]
        function.has_lenient = "official" in inspect.signature(function).parameters  # type: ignore[attr-defined]
        VERSIONS[name] = version
        if function.has_lenient:  # type: ignore[attr-defined]
            VERSIONS[name + LENIENT] = version
        return function

    return mark


def rule_for(rules: Mapping[str, Callable[..., float]], task: str, benchmark: str) -> Callable[..., float]:
    """The rule for a benchmark's task; see `task_name`. Raises NotApplicable when the benchmark has no such task."""
    return rules[task_name(rules, task, benchmark)]


def task_name(rules: Mapping[str, Callable[..., float]], task: str, benchmark: str) -> str:
    """A task's name in its benchmark: without a folder before it and without LongBench-E's `_e` after it.

    >>> task_name({"triviaqa": max}, "qasper/triviaqa_e", "LongBench")
    'triviaqa'

    Raises NotApplicable when the benchmark has no such task.
    """
    name = re.split(r"[/:]", task)[-1]
    for known in (name, name.removesuffix("_e"), name.lower(), name.lower().removesuffix("_e")):
        if known in rules:
            return known
    raise NotApplicable(f"{benchmark} has no task {task!r}; it has {', '.join(rules)}")
