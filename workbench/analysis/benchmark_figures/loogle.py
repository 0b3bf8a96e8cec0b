"""LooGLE: the mean of the tasks, and the masks of its cloze task."""

from __future__ import annotations

from workbench.analysis.benchmark_figures.figure import Figure, Rows, mean_of_tasks


def figures(rows: Rows, scores: Rows) -> list[Figure]:
    """The mean of the tasks; for cloze the shares of masks filled exactly and partly, over all masks of all questions.
    `n` of these counts masks."""
    masks = {q: len(m.get("masks") or ()) for q, m in zip(rows["question_id"], rows["metadata"], strict=True)}
    total = sum(masks.values())
    cloze = []
    for metric, told in (("loogle_cloze", "exact"), ("loogle_cloze_partial", "partial")):
        mine = scores[scores["metric"] == metric]
        if total and len(mine):
            values = dict(zip(mine["question_id"], mine["value"].fillna(0.0), strict=True))
            filled = sum(number * float(values.get(question, 0.0)) for question, number in masks.items())
            cloze.append(Figure(f"cloze, {told} match over masks", 100 * filled / total, total, "%"))
    return [*mean_of_tasks(rows, scores), *cloze]
