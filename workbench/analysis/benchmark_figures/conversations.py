"""LongMemEval and LoCoMo, which ask about long conversations: figures by type of question."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from workbench.analysis.benchmark_figures.figure import Figure, Rows, label, percent


def mean_of_types(scores_by_type: Mapping[str, Sequence[float]]) -> float:
    """Mean over the question types of each type's mean: small types weigh as much as large ones (LongMemEval)."""
    means = [sum(scores) / len(scores) for scores in scores_by_type.values() if len(scores)]
    return sum(means) / len(means)


def figures_of_longmemeval(rows: Rows, scores: Rows) -> list[Figure]:
    """LongMemEval: overall, the mean of the types, and the questions whose answer is to abstain."""
    types = {str(task): list(part["value"]) for task, part in rows.groupby("task")}
    found = [
        Figure("overall", percent(rows), len(rows)),
        Figure(f"mean of {len(types)} types", 100 * mean_of_types(types), len(rows)),
    ]
    absent = rows[label(rows, "abstention").eq(True)]
    return [*found, Figure("abstention", percent(absent), len(absent))] if len(absent) else found


def figures_of_locomo(rows: Rows, scores: Rows) -> list[Figure]:
    """LoCoMo: overall, and without the adversarial questions where there are others."""
    answerable = rows[rows["task"] != "adversarial"]
    found = [Figure("overall", percent(rows), len(rows))]
    if 0 < len(answerable) < len(rows):
        found.append(Figure("without the adversarial ones", percent(answerable), len(answerable)))
    return found
