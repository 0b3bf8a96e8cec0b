"""The mark that makes a function a metric, with the version that goes into the log."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Mapping, Sequence

VERSIONS: dict[str, int] = {}
LENIENT = "_lenient"


class NotApplicable(Exception):
    """A metric cannot score this answer; the text is the reason that is stored beside the missing score."""


def metric_function(
    version: int,
    *,
    needs_options: bool = False,
    needs: Sequence[str] = (),
    reads: Sequence[str] = (),
    own_rule: bool = False,
) -> Callable[[Callable[..., float]], Callable[..., float]]:
    """Mark a function as a metric. A change that moves numbers raises the version (and gets a CHANGELOG line).

    `needs` and `reads` name facts of the question that the metric takes as options of the same name, `needs` those
    without which it does not apply: `question` (its text), `task`, or a key of its metadata. `own_rule`: the metric is
    a benchmark's own and scores unanswerable questions itself. A metric with an option `official` is stored twice:
    with the benchmark's quirks under its name, without them under its name and `_lenient`.
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
    """The rule of a benchmark's task; see `task_name`. Raises NotApplicable when the benchmark has no such task."""
    return rules[task_name(rules, task, benchmark)]


def task_name(rules: Mapping[str, Callable[..., float]], task: str, benchmark: str) -> str:
    """The name that a task has among a benchmark's: without the folder before it and LongBench-E's `_e` behind it.

    >>> task_name({"triviaqa": max}, "qasper/triviaqa_e", "LongBench")
    'triviaqa'

    Raises NotApplicable when the benchmark has no such task.
    """
    name = re.split(r"[/:]", task)[-1]
    for known in (name, name.removesuffix("_e"), name.lower(), name.lower().removesuffix("_e")):
        if known in rules:
            return known
    raise NotApplicable(f"{benchmark} has no task {task!r}; it has {', '.join(rules)}")
