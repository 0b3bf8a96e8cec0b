"""When the calls of an answer ran on its critical path: each starts when the last of its parents has ended."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd


def call_times(calls: pd.DataFrame) -> pd.DataFrame:
    """The calls of one answer in the order of their starts, with `start_s` and `end_s` (seconds after the first one, as
    if none had waited in a queue) and a numbered `name`.

    `calls` has the columns `call_id, parents, step, total_s, started_at`.
    """
    rows = {row["call_id"]: row for _, row in calls.iterrows()}
    ends: dict[str, float] = {}
    timed = calls.copy()
    timed["end_s"] = [_end(call_id, rows, ends) for call_id in timed["call_id"]]
    timed["start_s"] = timed["end_s"] - timed["total_s"]
    timed = timed.sort_values(["start_s", "started_at"]).reset_index(drop=True)
    timed["name"] = [f"{i:>3}. {step}" for i, step in enumerate(timed["step"], 1)]
    return timed


def _end(call_id: str, rows: Mapping[str, Any], ends: dict[str, float]) -> float:
    """Seconds at which a call ends; `ends` holds those known so far, and gets more. Parents that are not among the rows
    take no time. A loop instead of recursion, for chains of thousands; parents in a circle do not hold it up for
    ever."""
    waiting = [call_id]
    while waiting:
        top = waiting[-1]
        parents = [parent for parent in rows[top]["parents"] if parent in rows]
        missing = [parent for parent in parents if parent not in ends]
        if missing and len(waiting) <= len(rows):
            waiting.append(missing[0])
            continue
        ends[top] = max((ends.get(parent, 0.0) for parent in parents), default=0.0) + float(rows[top]["total_s"])
        waiting.pop()
    return ends[call_id]
