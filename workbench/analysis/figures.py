"""The figures that benchmarks print of a whole run: averages over tasks and lengths, effective lengths, pairs.

A benchmark's rule scores one answer; its table shows what becomes of many. Here a run's answers meet the benchmark that
their corpus belongs to, and the figures become a table. The formulas, one benchmark a file in `benchmark_figures/`, are
those of the benchmarks' own code and papers, so that our tables can be held against theirs.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pandas as pd

from workbench.analysis.benchmark_figures import (
    ancestral_trace,
    babilong,
    conversations,
    helmet,
    longbench,
    loogle,
    loong,
    nolima,
    pairs,
    ruler,
)
from workbench.analysis.benchmark_figures.figure import Figure, Rows, mean_of_tasks

# corpus name, or its beginning before a hyphen → what makes its figures; longer names stand first
_MAKERS: tuple[tuple[str, Callable[[Rows, Rows], list[Figure]]], ...] = (
    ("longbench-v2", longbench.figures_of_v2),
    ("longbench-e", longbench.figures_by_length),
    ("longbench", longbench.figures),
    ("ruler", ruler.figures),
    ("nolima", nolima.figures),
    ("longmemeval", conversations.figures_of_longmemeval),
    ("locomo", conversations.figures_of_locomo),
    ("nocha", pairs.figures_of_nocha),
    ("long_bio", pairs.figures_of_long_bio),
    ("ancestral_trace", ancestral_trace.figures),
    ("helmet", helmet.figures),
    ("babilong", babilong.figures),
    ("loogle", loogle.figures),
    ("loong", loong.figures),
    ("infinitebench", mean_of_tasks),
    ("leval", mean_of_tasks),
    ("lara", mean_of_tasks),
    ("lv-eval", mean_of_tasks),
)
OTHER_METRICS = ("loogle", "loong")  # whose figures are made of other scores than the headline ones


def benchmark_figures(corpus: str, answers: pd.DataFrame, scores: pd.DataFrame | None = None) -> list[Figure]:
    """The figures of one run's answers; empty for a corpus whose benchmark prints none beside the mean.

    `answers` has the columns `question_id, task, metadata, value` (0 to 1, failed 0) and, for RULER's nulls, `text`.
    `scores` are the run's scores by metric, with the columns `question_id, metric, value`, for figures of other metrics
    than the headline one.
    """
    name = corpus.partition("@")[0]
    made = next((maker for prefix, maker in _MAKERS if name == prefix or name.startswith(f"{prefix}-")), None)
    if made is None or answers.empty:
        return []
    rows = answers.copy()
    known = [metadata if isinstance(metadata, dict) else {} for metadata in answers["metadata"]]
    rows["metadata"] = pd.Series(known, index=answers.index, dtype=object)
    return made(rows, scores if scores is not None else pd.DataFrame(columns=["question_id", "metric", "value"]))


def figures_table(corpus: str, model: str, frame: pd.DataFrame, scores: pd.DataFrame | None) -> list[dict[str, Any]]:
    """The figures of all runs in a frame of answers, one row for each pipeline and figure."""
    found = []
    for run_id, answers in frame.groupby("run_id", sort=False):
        mine = None if scores is None else scores[scores["run_id"] == run_id]
        for figure in benchmark_figures(corpus, answers, mine):
            row = {"corpus": corpus, "model": model, "pipeline": answers["pipeline"].iloc[0], "figure": figure.name}
            found.append({**row, "value": figure.value, "unit": figure.unit, "n": figure.n})
    return found


def figure_cells(figures: pd.DataFrame) -> tuple[list[str], list[list[str]]]:
    """The figures of one corpus and model as a table: header, and one row for each figure, a cell for each pipeline."""
    pipelines = list(dict.fromkeys(figures["pipeline"]))
    rows = []
    for name, group in figures.groupby("figure", sort=False):
        shown = {row["pipeline"]: _cell(row["value"], row["unit"]) for _, row in group.iterrows()}
        unit = group["unit"].iloc[0]
        rows.append([f"{name} ({unit}, n={int(group['n'].max())})", *(shown.get(p, "-") for p in pipelines)])
    return ["benchmark's figures", *pipelines], rows


def _cell(value: Any, unit: str) -> str:
    if pd.isna(value):
        return "-"
    return f"{value:,.2f}" if unit == "%" else f"{value:,.0f}"
