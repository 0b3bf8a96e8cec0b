"""The result of comparing runs: its tables, verdicts and notes, and the formats in which it is printed."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from workbench.analysis.leaderboard import text
from workbench.errors import UnknownName

PARTS = ("table", "tasks", "figures")


@dataclass(frozen=True)
class Comparison:
    """A comparison. `table`: one row per pipeline, model and corpus; `tasks`: the same by task (or `by`); `verdicts`:
    one line per task; `notes`: what was left out and why; `figures`: the figures that the corpus's benchmark reports of
    a whole run, such as RULER's effective length, one row each (`figure, value, unit, n`; see
    `workbench.analysis.figures`); `by`: the label that `tasks` is broken down by.

    Columns of `table`: `n` (questions asked of every pipeline and scored or failed), `failed`, `accuracy` (failed ones
    count 0) with `low`, `high`, `accuracy_answered` (without failed ones), `difference`, `difference_low`,
    `difference_high`, `p`, `p_holm` against the baseline; `usd_per_question` and `index_usd` (USD), `break_even` (from
    how many questions per context on it costs less than the baseline, index included; infinite: never),
    `latency_p50_s`, `latency_p95_s` (critical path, seconds), `first_token_p50_s`, `first_token_p95_s` (until the
    answer's first token, including all calls before it), `tokens_per_question`, `cached_share` (of prompt tokens, by
    the server's prefix cache), `calls_per_question`, `retries` (failed attempts, over all questions and the index),
    `retry_usd` (their cost, a part of the other costs), `reasks` (calls that asked again because a reply had the wrong
    form), `truncated_share`, `evidence_coverage` (0 to 1), `replayed`.
    """

    table: pd.DataFrame
    tasks: pd.DataFrame
    verdicts: tuple[str, ...]
    notes: tuple[str, ...]
    baseline: str | None
    figures: pd.DataFrame = field(default_factory=pd.DataFrame)
    by: str = "task"

    def __str__(self) -> str:
        return self.format()

    def _repr_html_(self) -> str:
        """HTML for notebooks: the leaderboard, verdicts and notes."""
        from workbench.analysis.report import fragment

        return fragment(self)

    def figures_of(self, corpus: str, model: str) -> pd.DataFrame:
        """The benchmark's figures of one corpus and model; empty where there are none."""
        if self.figures.empty:
            return self.figures
        return self.figures[(self.figures["corpus"] == corpus) & (self.figures["model"] == model)]

    def format(self, format: str = "table", part: str = "table") -> str:
        """The comparison as text: `table`, `json`, `csv` or `md`. `part`: the frame that is written as csv, `table`,
        `tasks` or `figures`. Columns and JSON keys are those of the frames (docs/output.md); unknown values are null or
        empty."""
        if part not in PARTS:
            raise UnknownName("part of a comparison", part, list(PARTS))
        if format == "json":
            told: dict[str, Any] = {"baseline": self.baseline, "by": self.by}
            rows = _plain(self.table)
            told |= {"table": rows, "rows": rows, "tasks": _plain(self.tasks)}
            told |= {"verdicts": list(self.verdicts), "notes": list(self.notes), "figures": _plain(self.figures)}
            return json.dumps(told, indent=2, allow_nan=False)
        if format == "csv":
            frame = getattr(self, part)
            if "ended" in frame:
                frame = frame.assign(ended=[json.dumps(ended) for ended in frame["ended"]])
            return str(frame.to_csv(index=False)).rstrip("\n")
        return text(self, markdown=format == "md")


def _plain(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """Rows for JSON: unknown values become null, and infinity, which JSON lacks, the text "inf"."""

    def value(given: Any) -> Any:
        if isinstance(given, np.generic):
            given = given.item()
        if isinstance(given, float) and not math.isfinite(given):
            return "inf" if given > 0 else None
        return None if given is pd.NA else given

    columns = [str(name) for name in frame.columns]
    return [dict(zip(columns, map(value, row), strict=True)) for row in frame.itertuples(index=False, name=None)]
