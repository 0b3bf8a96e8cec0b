"""A comparison's charts, as Altair charts: every axis names its unit, every point says its n.

`accuracy_against` a cost or a latency, `amortised_cost` by questions per context, `accuracy_by_label` by task, and
`waterfall`, the calls of one answer in time.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from workbench.analysis.break_even import amortised
from workbench.analysis.call_times import call_times
from workbench.analysis.frontier import pareto
from workbench.analysis.labels import in_order
from workbench.analysis.name_places import free_baseline, points
from workbench.analysis.palette import colour_scale
from workbench.analysis.rows import CONTROLS

_WIDTH, _HEIGHT, _PLOT = 390, 460, 285  # pixels; `_PLOT` is the height that title and legend leave to the plot
Chart = Any  # altair's chart types share no public base that mypy knows
AXES = {
    "usd_per_question": "cost (USD/question)",
    "latency_p50_s": "latency p50 (s)",
    "latency_p95_s": "latency p95 (s)",
    "tokens_per_question": "tokens/question",
    "index_usd": "index cost (USD)",
}
_ACCURACY = "accuracy (0 to 1)"


def accuracy_against(table: pd.DataFrame, column: str, title: str | None = None) -> Chart:
    """Accuracy (with 95 % intervals) against a cost or latency column of `Comparison.table`, on a log scale where all
    values are above zero; the Pareto front of the methods, without the controls, as a line."""
    import altair as alt

    title = title or AXES.get(column, column)
    data = table.dropna(subset=[column]).copy()
    log = len(data) > 0 and bool((data[column] > 0).all())
    data["kind"] = ["control" if method in CONTROLS else "method" for method in data["method"]]
    data["name_at"] = _name_heights(data, column, log=log)
    x = _price_axis(data, column, title, log=log)
    y = alt.Y("accuracy:Q", title=_ACCURACY, scale=alt.Scale(domain=[0, 1]))
    colour = alt.Color("pipeline:N", legend=None, scale=colour_scale(table["pipeline"]))
    shape = alt.Shape(
        "kind:N",
        title=None,
        legend=alt.Legend(orient="bottom"),
        scale=alt.Scale(domain=["method", "control"], range=["circle", "cross"]),
    )
    tooltip = ["pipeline:N", "accuracy:Q", "low:Q", "high:Q", f"{column}:Q", "n:Q"]
    base = alt.Chart(data)
    front = alt.Chart(_front(data, column)).mark_line(strokeDash=[5, 4], color="grey").encode(x=x, y=y)
    intervals = base.mark_rule(opacity=0.6).encode(x=x, y=alt.Y("low:Q", title=_ACCURACY), y2="high:Q", color=colour)
    methods = base.mark_point(size=90, filled=True).encode(x=x, y=y, color=colour, shape=shape, tooltip=tooltip)
    names = base.mark_text(align="left", dx=9, baseline="bottom", fontSize=11).encode(
        x=x, y=alt.Y("name_at:Q", title=_ACCURACY), text="pipeline:N", color=colour
    )
    count = int(data["n"].max()) if len(data) else 0
    told = f"accuracy against {title}, n = {count}"
    return (front + intervals + methods + names).properties(title=told, height=_HEIGHT)


def _price_axis(data: pd.DataFrame, column: str, title: str, *, log: bool) -> Any:
    """The axis of a cost or latency. A log scale ends behind the last point, to leave room for its name."""
    import altair as alt

    ends = [float(data[column].min()), float(data[column].max()) * 6] if log else []
    return alt.X(
        f"{column}:Q",
        title=f"{title}, log scale" if log else title,
        scale=alt.Scale(type="log", domain=ends) if log else alt.Scale(zero=True),
        axis=alt.Axis(tickCount=5, format="~g", grid=False),
    )


def _front(data: pd.DataFrame, column: str) -> pd.DataFrame:
    """The methods, without the controls, that no other one beats in both price and accuracy; cheapest first."""
    real = data[data["kind"] == "method"]
    return real[pareto(real[column], real["accuracy"])].sort_values(column) if len(real) else real


def _name_heights(data: pd.DataFrame, column: str, *, log: bool) -> list[float]:
    """The accuracies at which the points' names are written so that names do not cover each other, in a chart of usual
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
            color=alt.Color("pipeline:N", title=None, scale=colour_scale(table["pipeline"], set(data["pipeline"]))),
            tooltip=["pipeline:N", "questions_per_context:Q", "usd_per_question:Q", "n:Q"],
        )
        .properties(height=300)
    )


def accuracy_by_label(tasks: pd.DataFrame) -> Chart:
    """Accuracy with intervals by pipeline, one panel for each label of `Comparison.tasks`."""
    import altair as alt

    data = tasks.assign(panel=[f"{label} (n={n})" for label, n in zip(tasks["label"], tasks["n"], strict=True)])
    place = {label: position for position, label in enumerate(in_order(tasks["label"]))}
    panels = dict.fromkeys(data.sort_values("label", key=lambda labels: labels.map(place), kind="stable")["panel"])
    base = alt.Chart(data).encode(y=alt.Y("pipeline:N", title=None, sort=list(dict.fromkeys(data["pipeline"]))))
    bars = base.mark_bar(opacity=0.75).encode(
        x=alt.X("accuracy:Q", title=_ACCURACY, scale=alt.Scale(domain=[0, 1])),
        color=alt.Color("pipeline:N", legend=None, scale=colour_scale(tasks["pipeline"])),
        tooltip=["pipeline:N", "label:N", "accuracy:Q", "low:Q", "high:Q", "n:Q"],
    )
    intervals = base.mark_rule().encode(x="low:Q", x2="high:Q")
    return (
        (bars + intervals)
        .properties(width=220, height=26 * data["pipeline"].nunique())
        .facet(alt.Facet("panel:N", title=None, sort=list(panels)), columns=3)
    )


def waterfall(calls: pd.DataFrame) -> Chart:
    """The calls of an answer in the order in which they had to run, as bars of seconds; parallel calls stand side by
    side. `calls` as `call_times` takes it, with the calls' tokens, cost and `from_cache`."""
    import altair as alt

    timed = call_times(calls)
    tooltip = ["step:N", "start_s:Q", "end_s:Q", "prompt_tokens:Q", "completion_tokens:Q", "cost_usd:Q", "from_cache:N"]
    return (
        alt.Chart(timed)
        .mark_bar()
        .encode(
            x=alt.X("start_s:Q", title="seconds on the critical path (without queueing)"),
            x2="end_s:Q",
            y=alt.Y("name:N", title=None, sort=list(timed["name"])),
            color=alt.Color("step:N", title="step"),
            tooltip=tooltip,
        )
        .properties(height=max(110, min(600, 22 * len(timed) + 60)))
    )
