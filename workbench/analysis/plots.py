"""Figures as Altair charts: every axis names its unit, every point says its n."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any

import numpy as np
import pandas as pd

from workbench.analysis.break_even import amortised
from workbench.analysis.frontier import pareto
from workbench.analysis.labels import in_order
from workbench.analysis.name_places import free_baseline, points
from workbench.analysis.rows import CONTROLS

_WIDTH, _HEIGHT, _PLOT = 390, 460, 285  # pixels; what is left for the plot after titles and legend
PALETTE = (  # Tableau's, without its pale ones: each can be told on white, and read as text
    *("#4e79a7", "#d1495b", "#2a8c82", "#b07c10", "#7b5ea7", "#5a8f3c", "#c0612b", "#8c5a4a", "#3f6fd1", "#a83f87"),
    *("#5f6b7a", "#178a9c"),
)
Chart = Any  # altair's chart types share no public base that mypy knows
AXES = {
    "usd_per_question": "cost (USD/question)",
    "latency_p50_s": "latency p50 (s)",
    "latency_p95_s": "latency p95 (s)",
    "tokens_per_question": "tokens/question",
    "index_usd": "index cost (USD)",
}


def accuracy_against(table: pd.DataFrame, column: str, title: str | None = None) -> Chart:
    """Accuracy (with 95 % intervals) against a cost or latency column of `Comparison.table`, on a log scale where all
    values allow one; the Pareto front of the methods (controls left out) as a line."""
    import altair as alt

    title = title or AXES.get(column, column)
    data = table.dropna(subset=[column]).copy()
    data["kind"] = ["control" if method in CONTROLS else "method" for method in data["method"]]
    scale = "log" if len(data) and (data[column] > 0).all() else "linear"
    data["name_at"] = _name_heights(data, column, log=scale == "log")
    real = data[data["kind"] == "method"]
    front = real[pareto(real[column], real["accuracy"])].sort_values(column) if len(real) else real
    # room on the right for the name behind the last point
    ends = [float(data[column].min()), float(data[column].max()) * (6 if scale == "log" else 1.3)] if len(data) else []
    shown = f"{title}, log scale" if scale == "log" else title
    x = alt.X(
        f"{column}:Q",
        title=shown,
        scale=alt.Scale(type=scale, domain=ends) if scale == "log" else alt.Scale(zero=True),
        axis=alt.Axis(tickCount=5, format="~g", grid=False),
    )
    y = alt.Y("accuracy:Q", title="accuracy (0 to 1)", scale=alt.Scale(domain=[0, 1]))
    tooltip = ["pipeline:N", "accuracy:Q", "low:Q", "high:Q", f"{column}:Q", "n:Q"]
    colour = alt.Color("pipeline:N", legend=None, scale=_colours(table["pipeline"]))
    base = alt.Chart(data)
    bars = base.mark_rule(opacity=0.6).encode(
        x=x, y=alt.Y("low:Q", title="accuracy (0 to 1)"), y2="high:Q", color=colour
    )
    legend = alt.Legend(orient="bottom")
    shape = alt.Shape(
        "kind:N", title=None, legend=legend, scale=alt.Scale(domain=["method", "control"], range=["circle", "cross"])
    )
    points = base.mark_point(size=90, filled=True).encode(x=x, y=y, color=colour, shape=shape, tooltip=tooltip)
    labels = base.mark_text(align="left", dx=9, baseline="bottom", fontSize=11).encode(
        x=x, y=alt.Y("name_at:Q", title="accuracy (0 to 1)"), text="pipeline:N", color=colour
    )
    line = alt.Chart(front).mark_line(strokeDash=[5, 4], color="grey").encode(x=x, y=y)
    count = int(data["n"].max()) if len(data) else 0
    return (line + bars + points + labels).properties(title=f"accuracy against {title}, n = {count}", height=_HEIGHT)


def _colours(pipelines: Iterable[str], shown: Collection[str] | None = None) -> Any:
    """A pipeline has one colour in all charts of a comparison, by its place among `pipelines`."""
    import altair as alt

    of = {name: PALETTE[place % len(PALETTE)] for place, name in enumerate(dict.fromkeys(pipelines))}
    names = [name for name in of if shown is None or name in shown]
    return alt.Scale(domain=names, range=[of[name] for name in names])


def _name_heights(data: pd.DataFrame, column: str, *, log: bool) -> list[float]:
    """At which accuracy each point's name is written so that names do not cover each other, for a chart of usual
    width."""
    values = np.log10(data[column].to_numpy(float)) if log else data[column].to_numpy(float)
    width = float(np.ptp(values)) if len(values) else 0.0
    lefts = (values - values.min()) / width * _WIDTH * 0.7 if width else np.zeros(len(values))
    taken = points(zip(lefts, (1 - data["accuracy"].to_numpy(float)) * _PLOT, strict=True))
    places = [
        free_baseline(left, str(name), (1 - accuracy) * _PLOT - 4, taken, top=4.0)
        for left, name, accuracy in zip(lefts, data["pipeline"], data["accuracy"], strict=True)
    ]
    return [1 - place / _PLOT for place in places]


def amortised_cost(table: pd.DataFrame) -> Chart:
    """Cost of a question with its share of the index against questions per context, both on log scales: where two
    lines cross, the dearer index has paid for itself."""
    import altair as alt

    steps = tuple(round(10 ** (step / 4)) for step in range(13))  # 1 to 1,000
    data = amortised(table, tuple(dict.fromkeys(steps)))
    data = data[(data["usd_per_question"] > 0) & ~data["method"].isin(CONTROLS)]
    return (
        alt.Chart(data)
        .mark_line(point=True)
        .encode(
            x=alt.X("questions_per_context:Q", title="questions per context", scale=alt.Scale(type="log")),
            y=alt.Y("usd_per_question:Q", title="USD/question, index included", scale=alt.Scale(type="log")),
            color=alt.Color("pipeline:N", title=None, scale=_colours(table["pipeline"], set(data["pipeline"]))),
            tooltip=["pipeline:N", "questions_per_context:Q", "usd_per_question:Q", "n:Q"],
        )
        .properties(height=300)
    )


def accuracy_by_label(tasks: pd.DataFrame) -> Chart:
    """Accuracy with intervals by pipeline, one panel a task."""
    import altair as alt

    data = tasks.assign(panel=[f"{label} (n={n})" for label, n in zip(tasks["label"], tasks["n"], strict=True)])
    place = {label: position for position, label in enumerate(in_order(tasks["label"]))}
    panels = dict.fromkeys(data.sort_values("label", key=lambda labels: labels.map(place), kind="stable")["panel"])
    base = alt.Chart(data).encode(y=alt.Y("pipeline:N", title=None, sort=list(dict.fromkeys(data["pipeline"]))))
    bars = base.mark_bar(opacity=0.75).encode(
        x=alt.X("accuracy:Q", title="accuracy (0 to 1)", scale=alt.Scale(domain=[0, 1])),
        color=alt.Color("pipeline:N", legend=None, scale=_colours(tasks["pipeline"])),
        tooltip=["pipeline:N", "label:N", "accuracy:Q", "low:Q", "high:Q", "n:Q"],
    )
    intervals = base.mark_rule().encode(x="low:Q", x2="high:Q")
    return (
        (bars + intervals)
        .properties(width=220, height=26 * data["pipeline"].nunique())
        .facet(alt.Facet("panel:N", title=None, sort=list(panels)), columns=3)
    )


def waterfall(calls: pd.DataFrame) -> Chart:
    """The calls of an answer in the order they had to run, as bars of seconds; parallel calls stand side by side."""
    import altair as alt

    timed = call_times(calls)
    return (
        alt.Chart(timed)
        .mark_bar()
        .encode(
            x=alt.X("start_s:Q", title="seconds on the critical path (without queueing)"),
            x2="end_s:Q",
            y=alt.Y("name:N", title=None, sort=list(timed["name"])),
            color=alt.Color("step:N", title="step"),
            tooltip=[
                "step:N",
                "start_s:Q",
                "end_s:Q",
                "prompt_tokens:Q",
                "completion_tokens:Q",
                "cost_usd:Q",
                "from_cache:N",
            ],
        )
        .properties(height=max(110, min(600, 22 * len(timed) + 60)))
    )


def call_times(calls: pd.DataFrame) -> pd.DataFrame:
    """Each call with `start_s` and `end_s`: it starts when the last of its parents has ended."""
    rows = {row["call_id"]: row for _, row in calls.iterrows()}
    ends: dict[str, float] = {}

    def end(call_id: str) -> float:
        waiting = [call_id]
        while waiting:
            top = waiting[-1]
            missing = [p for p in rows[top]["parents"] if p in rows and p not in ends]
            if missing and len(waiting) <= len(rows):
                waiting.append(missing[0])
                continue
            start = max((ends.get(p, 0.0) for p in rows[top]["parents"] if p in rows), default=0.0)
            ends[top] = start + float(rows[top]["total_s"])
            waiting.pop()
        return ends[call_id]

    timed = calls.copy()
    timed["end_s"] = [end(call_id) for call_id in timed["call_id"]]
    timed["start_s"] = timed["end_s"] - timed["total_s"]
    timed = timed.sort_values(["start_s", "started_at"]).reset_index(drop=True)
    timed["name"] = [f"{i:>3}. {step}" for i, step in enumerate(timed["step"], 1)]
    return timed
