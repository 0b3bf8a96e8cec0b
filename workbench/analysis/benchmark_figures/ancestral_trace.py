"""The Ancestral Trace Challenge of NeedleBench: accuracy by the number of needles, and the effective number (ENL)."""

from __future__ import annotations

from collections.abc import Mapping

from workbench.analysis.benchmark_figures.figure import Figure, Rows, by_label, percent


def enl(scores: Mapping[int, float], threshold: float = 0.6) -> int | None:
    """ENL-60: the most needles before accuracy (0 to 1) first falls below 0.6; None when it begins below.

    >>> enl({2: 0.9, 4: 0.7, 8: 0.5, 16: 0.65})
    4
    """
    reached = None
    for needles, score in sorted(scores.items()):
        if score < threshold:
            break
        reached = needles
    return reached


def figures(rows: Rows, scores: Rows) -> list[Figure]:
    """Accuracy by number of needles, ENL-60 and ENL-50; the multi-needle questions are in none of them."""
    traced = rows[rows["task"] != "multi_needle"]
    if traced.empty:
        return []
    parts = by_label(traced, "needles")
    accuracy = {int(needles): percent(part) / 100 for needles, part in parts}
    found = [Figure(f"{int(needles)} needles", percent(part), len(part)) for needles, part in parts]
    return [*found, *(Figure(f"ENL-{t}", enl(accuracy, t / 100), len(traced), "needles") for t in (60, 50))]
