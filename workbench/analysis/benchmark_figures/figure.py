"""A benchmark's figure, and the means over a run's answers that figures are made of.

The frames (`Rows`) hold one answer a row, with the columns `question_id, task, metadata, value`; `value` is the score
from 0 to 1, 0 for a failed answer.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pandas as pd

Rows = pd.DataFrame


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure: its name, its value (None where it cannot be told) in `unit`, and the number of answers (or what else
    the name says) that it is made of."""

    name: str
    value: float | None
    n: int
    unit: str = "%"


def percent(rows: Rows) -> float:
    """Mean score, percent."""
    return 100 * float(rows["value"].mean())


def percent_over_tasks(rows: Rows) -> float:
    """Mean of the tasks' means, percent: tasks weigh alike, however many questions they have."""
    return 100 * float(rows.groupby("task")["value"].mean().mean())


def label(rows: Rows, name: str) -> pd.Series:
    """What the questions' metadata say under a name; None where they say nothing."""
    return pd.Series([metadata.get(name) for metadata in rows["metadata"]], index=rows.index, dtype=object)


def by_label(rows: Rows, name: str) -> list[tuple[Any, Rows]]:
    """The rows in groups by a label, in the order of its values; rows without the label are left out."""
    labels = label(rows, name)
    known = rows[labels.notna()]
    return sorted(known.groupby(labels[labels.notna()].to_numpy()), key=lambda part: part[0])


def mean_of_tasks(rows: Rows, scores: Rows) -> list[Figure]:
    """The mean over tasks, where there are several: all that some benchmarks print."""
    several = rows["task"].nunique()
    return [Figure(f"mean of {several} tasks", percent_over_tasks(rows), len(rows))] if several > 1 else []
