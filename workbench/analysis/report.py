"""The report: one self-contained HTML file with the leaderboard, its charts and the experiment.

Charts are plain SVG, so the file needs no script. All text from a log is escaped, so HTML in a document or an answer is
shown as text.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from html import escape
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from workbench.analysis.figures import figure_cells
from workbench.analysis.frontier import pareto
from workbench.analysis.labels import GROUP, in_order
from workbench.analysis.leaderboard import amortised_cells, leaderboard
from workbench.analysis.name_places import CHARACTER, free_baseline, points
from workbench.analysis.rows import CONTROLS

if TYPE_CHECKING:
    from workbench.analysis.comparison import Comparison

_STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; max-width: 1200px; margin: 2rem auto; padding: 0 1rem; color: #1d2733; }
table { border-collapse: collapse; margin: 1rem 0; font-size: 14px; }
th, td { padding: .3rem .7rem; border-bottom: 1px solid #d8dee6; text-align: right; white-space: nowrap; }
th:first-child, td:first-child { text-align: left; }
th { border-bottom: 2px solid #8292a6; } .scroll { overflow-x: auto; } .note { color: #55657a; }
svg { max-width: 100%; height: auto; } pre { background: #f4f6f9; padding: 1rem; overflow-x: auto; }
"""
_WIDTH, _HEIGHT, _LEFT, _BOTTOM, _TOP = 560, 340, 60, 50, 36
_TOPS = (0.05, 0.1, 0.2, 0.25, 0.5, 0.75, 1.0)
_LEGEND = (
    "Filled: on the Pareto front, no other method is both cheaper and more accurate. Grey: a control, which bounds the "
    "others and is no method. Lines: 95 % intervals."
)
_AXES = (
    ("usd_per_question", "cost, USD a question (log scale)"),
    ("latency_p50_s", "latency p50, seconds of the critical path (log scale)"),
    ("tokens_per_question", "tokens a question (log scale)"),
)


def report(compared: Comparison, *, experiments: Sequence[Mapping[str, Any]] = (), made_by: str = "") -> str:
    """The comparison as one HTML page. For each corpus and model: the table, accuracy against cost, latency and tokens
    with 95 % intervals and the Pareto front, accuracy by task (or another label). Then verdicts, notes, and the
    experiments' configurations."""
    name = " and ".join(dict.fromkeys(str(config.get("name", "")) for config in experiments)) or "comparison"
    parts = [f"<h1>{escape(name)}</h1>"]
    for (corpus, model), group in compared.table.groupby(GROUP, sort=False):
        size = f"{int(group['n'].max())} questions of {int(group['contexts'].max())} contexts"
        parts.append(f"<h2>{escape(f'{corpus} · {model}')} · {size}</h2>")
        parts.append(_table(*leaderboard(group)))
        charts = [chart for column, title in _AXES if (chart := scatter(group, column, title))]
        parts.append("".join(charts) or '<p class="note">No prices and times to plot.</p>')
        if charts:
            parts.append(f'<p class="note">{_LEGEND}</p>')
        header, rows = amortised_cells(group, compared.baseline)
        if rows:
            parts.append(f"<h3>Cost with the index, by questions per context</h3>{_table(header, rows)}")
        tasks = compared.tasks[(compared.tasks["corpus"] == corpus) & (compared.tasks["model"] == model)]
        if tasks["label"].nunique() > 1:
            parts.append(f"<h3>Accuracy by {escape(compared.by)}</h3>{_by_label(tasks)}")
        if len(told := compared.figures_of(str(corpus), str(model))):
            parts.append(f"<h3>The benchmark's own figures</h3>{_table(*figure_cells(told))}")
    parts.append(_words(compared))
    for number, config in enumerate(experiments, 1):
        shown = json.dumps(dict(config), indent=2, ensure_ascii=False, default=str)
        title = "The experiment" if len(experiments) == 1 else f"Experiment {number} of {len(experiments)}"
        parts.append(f"<h2>{title}</h2><pre>{escape(shown)}</pre>")
    parts.append(f'<p class="note">{escape(made_by)}</p>')
    head = f'<meta charset="utf-8"><title>{escape(name)}</title><style>{_STYLE}</style>'
    return f'<!doctype html><html lang="en"><head>{head}</head><body>{"".join(parts)}</body></html>\n'


def fragment(compared: Comparison) -> str:
    """The tables and texts of the report without its charts, as HTML to be embedded in another page."""
    parts = []
    for (corpus, model), group in compared.table.groupby(GROUP, sort=False):
        size = f"{int(group['n'].max())} questions of {int(group['contexts'].max())} contexts"
        parts.append(f"<h4>{escape(f'{corpus} · {model}')} · {size}</h4>")
        parts.append(_table(*leaderboard(group)))
        tasks = compared.tasks[(compared.tasks["corpus"] == corpus) & (compared.tasks["model"] == model)]
        if tasks["label"].nunique() > 1:
            parts.append(f"<h4>Accuracy by {escape(compared.by)}</h4>{_by_label(tasks)}")
    return "".join([*parts, _words(compared)])


def _words(compared: Comparison) -> str:
    """Verdicts, notes and the baseline as a list."""
    lines = [*compared.verdicts, *(f"note: {note}" for note in compared.notes)]
    if compared.baseline:
        lines.append(f"baseline: {compared.baseline}; paired by question, intervals clustered by context")
    return "<ul>" + "".join(f"<li>{escape(line)}</li>" for line in lines) + "</ul>"


def _table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    head = "".join(f"<th>{escape(name)}</th>" for name in header)
    body = "".join("<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in rows)
    return f'<div class="scroll"><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>'


def _by_label(tasks: pd.DataFrame) -> str:
    labels = in_order(tasks["label"])
    sizes = tasks.groupby("label")["n"].max()
    rows = []
    for pipeline, group in tasks.groupby("pipeline", sort=False):
        shown = {
            row["label"]: f"{row['accuracy']:.2f} [{row['low']:.2f}, {row['high']:.2f}]" for _, row in group.iterrows()
        }
        rows.append([str(pipeline), *(shown.get(label, "-") for label in labels)])
    return _table(["pipeline", *(f"{label} (n={int(sizes[label])})" for label in labels)], rows)


def scatter(group: pd.DataFrame, column: str, title: str) -> str:
    """A chart of accuracy, with its interval, against a positive column on a log scale, as SVG; empty without values.

    Filled points are on the Pareto front of the methods; controls do not take part in it and are grey.
    """
    known = group[group[column].notna() & (group[column] > 0)]
    if known.empty:
        return ""
    logs = [math.log10(value) for value in known[column]]
    low, high = min(logs) - 0.1, max(logs) + 0.35  # room for a name to the right of the last point
    most = next((top for top in _TOPS if top >= known["high"].max()), 1.0)
    real = ~known["method"].isin(CONTROLS).to_numpy()
    front = np.zeros(len(known), dtype=bool)
    front[real] = pareto(known[column].to_numpy()[real], known["accuracy"].to_numpy()[real])

    def x(value: float) -> float:
        return _LEFT + (math.log10(value) - low) / (high - low) * (_WIDTH - _LEFT - 20)

    def y(value: float) -> float:
        return _TOP + (1 - value / most) * (_HEIGHT - _TOP - _BOTTOM)

    drawn = [_axes(title, low, high, most, x, y)]
    taken = points((x(a), y(b)) for a, b in zip(known[column], known["accuracy"], strict=True))
    for (_, row), best, method in zip(known.iterrows(), front, real, strict=True):
        at, up = x(float(row[column])), y(float(row["accuracy"]))
        name = str(row["pipeline"])
        wide = CHARACTER * len(name)
        left = at + 8 if at + 8 + wide <= _WIDTH or at - 8 < wide else at - 8 - wide
        where = free_baseline(left, name, up - 6, taken, top=_TOP)
        anchor = f'x="{at + 8:.1f}"' if left > at else f'x="{at - 8:.1f}" text-anchor="end"'
        line = "#2463b5" if method else "#8292a6"
        fill = line if best else "white"
        interval = f"{row['accuracy']:.3f} [{row['low']:.3f}, {row['high']:.3f}]"
        told = escape(f"{name}: {interval}, n={int(row['n'])}")
        drawn.append(
            f'<g><title>{told}</title><line x1="{at:.1f}" x2="{at:.1f}" y1="{y(row["low"]):.1f}" '
            f'y2="{y(row["high"]):.1f}" stroke="{line}"/><circle cx="{at:.1f}" cy="{up:.1f}" r="5" '
            f'fill="{fill}" stroke="{line}"/><text {anchor} y="{where:.1f}" font-size="11">'
            f"{escape(name)}</text></g>"
        )
    shape = f'viewBox="0 0 {_WIDTH} {_HEIGHT}" width="{_WIDTH}" role="img" aria-label="{escape(title)}"'
    return f"<svg {shape}>{''.join(drawn)}</svg>"


def _axes(title: str, low: float, high: float, most: float, x: Any, y: Any) -> str:
    lines = []
    for step in range(6):
        tick = most * step / 5
        lines.append(
            f'<line x1="{_LEFT}" x2="{_WIDTH - 20}" y1="{y(tick):.1f}" y2="{y(tick):.1f}" stroke="#e3e8ee"/>'
            f'<text x="{_LEFT - 8}" y="{y(tick) + 4:.1f}" font-size="11" text-anchor="end">{tick:g}</text>'
        )
    ticks = [step * 10**power for power in range(math.floor(low), math.ceil(high) + 1) for step in (1, 2, 5)]
    for value in ticks:
        if low <= math.log10(value) <= high:
            lines.append(
                f'<text x="{x(value):.1f}" y="{_HEIGHT - _BOTTOM + 16}" font-size="11" text-anchor="middle">'
                f"{value:,g}</text>"
            )
    middle = (_LEFT + _WIDTH - 20) / 2
    lines.append(f'<text x="{middle}" y="{_HEIGHT - 12}" font-size="12" text-anchor="middle">{escape(title)}</text>')
    lines.append(f'<text x="14" y="{_TOP - 16}" font-size="12">accuracy</text>')
    return "".join(lines)
