"""RULER: averages by length, weighted averages over lengths, the effective length."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from workbench.analysis.benchmark_figures.figure import Figure, Rows, by_label, percent_over_tasks

EFFECTIVE_SCORE = 85.6  # percent: Llama-2-7B-chat at 4k tokens, what a length must reach to count
_TASKS = 13


def weighted_average(scores: Sequence[float], *, increasing: bool) -> float:
    """RULER's wAvg of a model's scores by length, shortest first: weights 1..n or n..1, normalised.

    >>> round(weighted_average([90.0, 60.0], increasing=True), 6)
    70.0
    """
    weights = range(1, len(scores) + 1) if increasing else range(len(scores), 0, -1)
    return sum(weight * score for weight, score in zip(weights, scores, strict=True)) / sum(weights)


def effective_length(averages: Mapping[int, float], threshold: float = EFFECTIVE_SCORE) -> int | None:
    """The largest length (tokens) whose 13-task average (percent) reaches the threshold; None when none does."""
    return max((length for length, average in averages.items() if average >= threshold), default=None)


def figures(rows: Rows, scores: Rows) -> list[Figure]:
    """RULER's figures; the number of empty answers where `rows` have a `text`."""
    parts = by_label(rows, "length")
    tasks = rows["task"].nunique()
    some = "" if tasks == _TASKS else f", {tasks} of {_TASKS} tasks"
    averages = {int(length): percent_over_tasks(part) for length, part in parts}
    found = [Figure(f"average at {int(length):,}{some}", averages[int(length)], len(part)) for length, part in parts]
    if len(averages) > 1:
        values = [averages[length] for length in sorted(averages)]
        found += [
            Figure("Avg", sum(values) / len(values), len(rows)),
            Figure("wAvg (inc)", weighted_average(values, increasing=True), len(rows)),
            Figure("wAvg (dec)", weighted_average(values, increasing=False), len(rows)),
        ]
    reached = effective_length(averages)
    found.append(Figure(f"effective length ({EFFECTIVE_SCORE} or more)", reached, len(rows), "tokens"))
    if "text" in rows:
        empty = sum(not str(text or "").strip() for text in rows["text"])
        found.append(Figure("nulls (empty answers)", empty, len(rows), "answers"))
    return found
