"""The comparison as text: the columns of the leaderboard, their units, and the tables below it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from workbench.analysis import text_table
from workbench.analysis.break_even import QUESTIONS_PER_CONTEXT, amortised
from workbench.analysis.figures import figure_cells
from workbench.analysis.labels import GROUP, in_order

if TYPE_CHECKING:
    from workbench.analysis.comparison import Comparison


def text(compared: Comparison, *, markdown: bool) -> str:
    """The whole comparison as text, plain or as Markdown."""
    parts = []
    for (corpus, model), group in compared.table.groupby(GROUP, sort=False):
        contexts = int(group["contexts"].max())
        parts.append(
            f"{'## ' if markdown else ''}{corpus} · {model} · {int(group['n'].max())} questions of {contexts} contexts"
        )
        parts.append(_grid(*leaderboard(group), markdown=markdown))
        amortised_header, rows = amortised_cells(group, compared.baseline)
        if rows:
            parts.append(_grid(amortised_header, rows, markdown=markdown))
        tasks = compared.tasks[(compared.tasks["corpus"] == corpus) & (compared.tasks["model"] == model)]
        if tasks["label"].nunique() > 1:
            parts.append(_task_grid(tasks, compared.by, markdown=markdown))
        if len(told := compared.figures_of(str(corpus), str(model))):
            parts.append(_grid(*figure_cells(told), markdown=markdown))
    if compared.verdicts:
        parts.append("\n".join(f"- {line}" for line in compared.verdicts))
    if compared.baseline:
        parts.append(f"baseline: {compared.baseline}; paired by question, intervals and tests clustered by context")
    notes = list(compared.notes)
    if compared.table["replayed"].any():
        notes.append("some calls were replayed from the cache; their times and costs are those of the first call (↻)")
    if notes:
        parts.append("\n".join(f"{'- ' if markdown else ''}note: {note}" for note in notes))
    return "\n\n".join(parts)


def leaderboard(group: pd.DataFrame) -> tuple[list[str], list[list[str]]]:
    """Header and rows of the printed leaderboard of one corpus and model. Costs are the run's own, those paid and those
    without a cache beside them where they differ; times come with the calls that were in flight when they were
    measured."""
    apart = costs_differ(group)
    thinks = "reasoning_per_question" in group and (group["reasoning_per_question"].astype(float) > 0).any()
    odd = "ended" in group and any(unusual_ends(ended) for ended in group["ended"])
    probed = "unloaded_p50_s" in group and group["unloaded_p50_s"].notna().any()
    columns: list[tuple[str, Callable[[pd.Series], str]]] = [
        ("pipeline", lambda row: str(row["pipeline"])),
        ("n", _questions),
        *([("ended", lambda row: unusual_ends(row["ended"]))] if odd else []),
        ("accuracy [95 %]", lambda row: f"{row['accuracy']:.3f} [{row['low']:.3f}, {row['high']:.3f}]"),
        ("vs baseline", _difference),
        ("p (Holm)", _p),
        ("USD/question", lambda row: _known(row["usd_per_question"], "{:.6f}")),
    ]
    if apart:
        columns.append(("paid / cold USD", _paid_and_cold))
    columns += [
        ("index USD", lambda row: _known(row["index_usd"], "{:.4f}")),
        ("latency p50/p95 s", _latency),
        ("first token p50/p95 s", lambda row: _two(row, "first_token_p50_s", "first_token_p95_s")),
        ("in flight", lambda row: _known(row.get("concurrency"), "{:.1f}")),
    ]
    if probed:
        columns.append(("one at a time p50/p95 s (n)", _unloaded))
    columns.append(("tokens/question", lambda row: _known(row["tokens_per_question"], "{:,.0f}")))
    if thinks:
        columns.append(("of them thoughts", lambda row: _known(row["reasoning_per_question"], "{:,.0f}")))
    columns += [
        ("cached", lambda row: _known(row["cached_share"], "{:.0%}")),
        ("retried", _retried),
        ("truncated", lambda row: _known(row["truncated_share"], "{:.0%}")),
    ]
    rows = [[cell(row) for _, cell in columns] for _, row in group.iterrows()]
    return [name for name, _ in columns], rows


def costs_differ(group: pd.DataFrame) -> bool:
    """Whether what was paid, or would be without a cache, is another cost than the runs' own."""
    return _differ(group, "usd_per_question_paid") or _differ(group, "usd_per_question_cold")


def costs_known(group: pd.DataFrame) -> bool:
    """Whether any answer has cost anything, as far as is known."""
    return bool((group["usd_per_question_cold"].astype(float) > 0).any()) if "usd_per_question_cold" in group else False


def unusual_ends(ended: Mapping[str, int]) -> str:
    """How the answers ended that are no answers, in words; empty where all are.

    >>> unusual_ends({"answered": 3, "cut": 2, "empty": 1})
    '2 cut, 1 empty'
    """
    return ", ".join(f"{number} {end}" for end, number in ended.items() if end not in ("answered", "declined"))


def _differ(group: pd.DataFrame, name: str) -> bool:
    """Whether a cost is another than the run's own, by more than rounding."""
    if name not in group:
        return False
    own, other = group["usd_per_question"].astype(float), group[name].astype(float)
    return bool(((own - other).abs() > 1e-9).any())


def _paid_and_cold(row: pd.Series) -> str:
    return f"{_known(row['usd_per_question_paid'], '{:.6f}')} / {_known(row['usd_per_question_cold'], '{:.6f}')}"


def _questions(row: pd.Series) -> str:
    failed = f" ({int(row['failed'])} failed)" if row["failed"] else ""
    return f"{int(row['n'])}{failed}"


def _difference(row: pd.Series) -> str:
    if _unknown(row["difference"]):
        return ""
    return f"{row['difference']:+.3f} [{row['difference_low']:+.3f}, {row['difference_high']:+.3f}]"


def _p(row: pd.Series) -> str:
    if _unknown(row["difference"]):
        return ""
    return "<0.001" if row["p_holm"] < 0.001 else f"{row['p_holm']:.3f}"


def _latency(row: pd.Series) -> str:
    told = _two(row, "latency_p50_s", "latency_p95_s")
    return f"{told} ↻" if row["replayed"] and told != "-" else told


def _unloaded(row: pd.Series) -> str:
    told = _two(row, "unloaded_p50_s", "unloaded_p95_s")
    return told if told == "-" else f"{told} ({int(row['unloaded_n'])})"


def _two(row: pd.Series, first: str, second: str) -> str:
    return "-" if _unknown(row[first]) else f"{row[first]:.3f} / {row[second]:.3f}"


def _unknown(value: float | None) -> bool:
    return value is None or pd.isna(value)


def amortised_cells(group: pd.DataFrame, baseline: str | None) -> tuple[list[str], list[list[str]]]:
    """Header and rows of the printed table of amortised cost; no rows where no index cost anything."""
    header = ["USD/question with index, by questions per context", *(f"{number:,}" for number in QUESTIONS_PER_CONTEXT)]
    header.append(f"cheaper than {baseline} from")
    if not (group["index_usd"].astype(float) > 0).any():
        return header, []
    even = dict(zip(group["pipeline"], group["break_even"], strict=True))
    rows = []
    for pipeline, part in amortised(group).groupby("pipeline", sort=False):
        costs = [f"{value:.6f}" for value in part["usd_per_question"]]
        rows.append([str(pipeline), *costs, break_even_cell(even[pipeline])])
    return header, rows


def break_even_cell(value: float | None) -> str:
    """A break-even as text."""
    if value is None or pd.isna(value):
        return ""
    return "never" if np.isinf(value) else f"{value:,.0f} question{'' if value == 1 else 's'} per context"


def _known(value: float | None, shown: str) -> str:
    return "-" if _unknown(value) else shown.format(value)


def _retried(row: pd.Series) -> str:
    """Failed attempts with their cost, and calls that asked again because a reply had the wrong form."""
    if _unknown(row["retries"]):
        return "-"
    cost = f" (${row['retry_usd']:.4f})" if row["retry_usd"] else ""
    reasks = f" + {int(row['reasks'])} re-asks" if row["reasks"] else ""
    return f"{int(row['retries'])}{cost}{reasks}"


def _task_grid(tasks: pd.DataFrame, by: str, *, markdown: bool) -> str:
    labels = in_order(tasks["label"])
    sizes = tasks.groupby("label")["n"].max()
    header = [f"accuracy by {by}", *(f"{label} (n={int(sizes[label])})" for label in labels)]
    rows = []
    for pipeline, group in tasks.groupby("pipeline", sort=False):
        values = dict(zip(group["label"], group["accuracy"], strict=True))
        rows.append([str(pipeline), *(f"{values[label]:.2f}" if label in values else "-" for label in labels)])
    return _grid(header, rows, markdown=markdown)


def _grid(header: Sequence[str], rows: Sequence[Sequence[str]], *, markdown: bool) -> str:
    return text_table.markdown(header, rows) if markdown else text_table.aligned(header, rows)
