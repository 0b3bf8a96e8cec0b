"""HELMET: means of its categories, and their mean."""

from __future__ import annotations

from workbench.analysis.benchmark_figures.figure import Figure, Rows, percent_over_tasks

CATEGORIES = {
    "recall": ("json_kv", "ruler"),
    "rag": ("kilt",),
    "re-rank": ("msmarco",),
    "cite": ("alce_asqa", "alce_qampari"),
    "icl": ("icl_trec_coarse", "icl_trec_fine", "icl_banking77", "icl_clinc150", "icl_nlu"),
}


def figures(rows: Rows, scores: Rows) -> list[Figure]:
    """HELMET's figures, of five of its seven categories: long QA and summaries are other corpora here."""
    found = []
    for category, tasks in CATEGORIES.items():
        part = rows[rows["task"].isin(tasks)]
        if len(part):
            found.append(Figure(category, percent_over_tasks(part), len(part)))
    if len(found) > 1:
        mean = sum(figure.value or 0.0 for figure in found) / len(found)
        found.append(Figure(f"mean of {len(found)} of 7 categories", mean, len(rows)))
    return found
