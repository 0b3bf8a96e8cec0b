"""NoCha and LongBioBench, which ask questions in pairs: the share of pairs of which both are right."""

from __future__ import annotations

from workbench.analysis.benchmark_figures.figure import Figure, Rows, by_label, mean_of_tasks


def right_pairs(rows: Rows, name: str) -> list[Figure]:
    """The share of pairs of which both are right; a pair of which one was not asked is left out."""
    pairs = [part["value"].min() == 1.0 for _, part in by_label(rows, "pair") if len(part) > 1]
    return [Figure(name, 100 * sum(pairs) / len(pairs), 2 * len(pairs))] if pairs else []


def figures_of_nocha(rows: Rows, scores: Rows) -> list[Figure]:
    """NoCha: a true and a false claim on the same point."""
    return right_pairs(rows, "pairs with both claims right")


def figures_of_long_bio(rows: Rows, scores: Rows) -> list[Figure]:
    """LongBioBench: the mean of the tasks; and of `idk`, which asks with and without the answer in the text."""
    name = "idk: refused without, right with the answer"
    return [*mean_of_tasks(rows, scores), *right_pairs(rows[rows["task"] == "idk"], name)]
