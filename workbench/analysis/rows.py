"""The rows of a comparison: each pipeline's accuracy, cost and time, and paired tests against the baseline."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from workbench.analysis.break_even import break_even
from workbench.analysis.endings import counts
from workbench.analysis.labels import in_order
from workbench.analysis.statistics import clustered_interval, holm, paired_difference, permutation_test

_USED = (
    *("run_id", "question_id", "context_id", "pipeline", "method", "label", "value", "status", "replayed", "cost_usd"),
    *("prompt_tokens", "completion_tokens", "cached_tokens", "truncated_tokens", "critical_path_s", "first_token_s"),
    *("calls", "retries", "retry_cost_usd", "reasks", "evidence_coverage", "paid_usd", "cold_usd", "ended"),
    *("abstained", "in_flight", "reasoning_tokens", "unloaded_s"),
)
CONTROLS = frozenset({"closed_book", "oracle", "random_chunks"})


def block(
    group: pd.DataFrame, runs: pd.DataFrame, builds: pd.DataFrame, baseline: str | None
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """The rows of `Comparison.table` and `Comparison.tasks` for one corpus and model. Every run of the group must have
    been asked the same questions."""
    order = {run_id: i for i, run_id in enumerate(runs["run_id"])}
    used = group[[name for name in _USED if name in group]]  # avoids copying texts with every part
    aligned = used.sort_values("question_id", kind="stable")  # the n-th answers of two runs are then a pair
    members = sorted(aligned.groupby("run_id", sort=False), key=lambda item: order.get(item[0], 0))
    base = next((frame for _, frame in members if frame["pipeline"].iloc[0] == baseline), None)
    rows = [_row(frame, builds[builds["run_id"] == run_id], base) for run_id, frame in members]
    tested = [row for row in rows if row["p"] is not None]
    for row, adjusted in zip(tested, holm([row["p"] for row in tested]), strict=True):
        row["p_holm"] = adjusted
    _add_break_even(rows, baseline)
    return rows, _tasks([frame for _, frame in members], in_order(group["label"]))


def _tasks(frames: Sequence[pd.DataFrame], labels: Sequence[str]) -> list[dict[str, Any]]:
    """One row per pipeline and label, with `to_best_high`: the upper end of the paired interval of the method's score
    minus the best method's, on the same questions."""
    of = frames[0]["label"].to_numpy()
    contexts = frames[0]["context_id"].to_numpy()
    values = [frame["value"].to_numpy(float) for frame in frames]
    costs = [frame["cost_usd"].to_numpy(float) for frame in frames]
    found = []
    for label in labels:
        here = of == label
        means = [float(column[here].mean()) for column in values]
        real = [at for at, frame in enumerate(frames) if frame["method"].iloc[0] not in CONTROLS]
        best = max(real, key=lambda at: means[at], default=None)
        for at, frame in enumerate(frames):
            row = {"pipeline": frame["pipeline"].iloc[0], "method": frame["method"].iloc[0], "label": label}
            row |= _accuracy(values[at][here], contexts[here])
            row["usd_per_question"] = None if row["method"] == "imported" else float(costs[at][here].mean())
            row["to_best_high"] = None
            if best is not None and at != best:
                row["to_best_high"] = paired_difference(values[at][here], values[best][here], contexts[here]).high
            found.append((at, row))
    return [row for _, row in sorted(found, key=lambda item: item[0])]


def _accuracy(values: ArrayLike, contexts: ArrayLike) -> dict[str, Any]:
    interval = clustered_interval(values, contexts, bounds=(0.0, 1.0))
    return {"n": interval.n, "accuracy": interval.mean, "low": interval.low, "high": interval.high}


def _row(frame: pd.DataFrame, builds: pd.DataFrame, base: pd.DataFrame | None) -> dict[str, Any]:
    answered = frame[frame["status"] == "ok"]
    tokens = frame["prompt_tokens"] + frame["completion_tokens"]
    contexts = frame["context_id"].nunique()
    index_usd = _total(builds, "cost_usd")
    truncated = (frame["truncated_tokens"].fillna(0) > 0) | (frame["status"] == "truncated_failed")
    row: dict[str, Any] = {
        "pipeline": frame["pipeline"].iloc[0],
        "method": frame["method"].iloc[0],
        "run_id": frame["run_id"].iloc[0],
        "contexts": contexts,
        "failed": int((frame["status"] != "ok").sum()),
        **_accuracy(frame["value"], frame["context_id"]),
        "accuracy_answered": float(answered["value"].mean()) if len(answered) else None,
        "ended": counts(frame),
        "usd_per_question": float(frame["cost_usd"].mean()),
        "usd_per_question_paid": _mean_of(frame, "paid_usd"),
        "usd_per_question_cold": _mean_of(frame, "cold_usd"),
        "index_usd": index_usd,
        "index_usd_paid": _total(builds, "paid_usd"),
        "index_usd_cold": _total(builds, "cold_usd"),
        "index_usd_per_context": index_usd / contexts if contexts else 0.0,
        "usd_per_question_with_index": float(frame["cost_usd"].mean()) + index_usd / len(frame),
        "latency_p50_s": _quantile(answered["critical_path_s"], 0.5),
        "latency_p95_s": _quantile(answered["critical_path_s"], 0.95),
        "first_token_p50_s": _quantile(_column(answered, "first_token_s"), 0.5),
        "first_token_p95_s": _quantile(_column(answered, "first_token_s"), 0.95),
        "unloaded_p50_s": _quantile(_column(frame, "unloaded_s"), 0.5),
        "unloaded_p95_s": _quantile(_column(frame, "unloaded_s"), 0.95),
        "unloaded_n": len(_column(frame, "unloaded_s")),
        "concurrency": _mean(_column(frame, "in_flight")),
        "tokens_per_question": float(tokens.mean()),
        "reasoning_per_question": _mean(_column(frame, "reasoning_tokens")),
        "cached_share": _share(_column(frame, "cached_tokens"), frame["prompt_tokens"]),
        "calls_per_question": float(frame["calls"].mean()),
        "retries": int(_column(frame, "retries").sum() + _column(builds, "retries").sum()),
        "retry_usd": float(_column(frame, "retry_cost_usd").sum() + _column(builds, "retry_cost_usd").sum()),
        "reasks": int(_column(frame, "reasks").sum() + _column(builds, "reasks").sum()),
        "truncated_share": float(truncated.mean()),
        "evidence_coverage": _mean(frame["evidence_coverage"]),
        "replayed": bool(frame["replayed"].any()),
        "difference": None,
        "difference_low": None,
        "difference_high": None,
        "p": None,
        "p_holm": None,
    }
    if row["method"] == "imported":  # published answers: their cost and time are unknown
        row |= dict.fromkeys(_SPENT)
    if base is not None and base["run_id"].iloc[0] != row["run_id"]:
        row |= _difference(frame, base)
    return row


def _add_break_even(rows: Sequence[dict[str, Any]], baseline: str | None) -> None:
    """Add the number of questions per context from which on a pipeline costs less than the baseline; None where a cost
    is unknown."""
    base = next((row for row in rows if row["pipeline"] == baseline), None)
    for row in rows:
        row["break_even"] = None
        if base is None or row is base:
            continue
        costs = [of[name] for of in (row, base) for name in ("usd_per_question", "index_usd_per_context")]
        if not any(pd.isna(cost) for cost in costs):  # None for published answers, NaN without a price
            row["break_even"] = break_even(*costs)


_SPENT = (
    *("usd_per_question", "index_usd", "index_usd_per_context", "usd_per_question_with_index", "latency_p50_s"),
    *("latency_p95_s", "first_token_p50_s", "first_token_p95_s", "tokens_per_question", "cached_share"),
    *("calls_per_question", "truncated_share", "retries", "retry_usd", "reasks", "usd_per_question_paid"),
    *("usd_per_question_cold", "index_usd_paid", "index_usd_cold", "concurrency", "reasoning_per_question"),
    *("unloaded_p50_s", "unloaded_p95_s", "unloaded_n"),
)


def _difference(frame: pd.DataFrame, base: pd.DataFrame) -> dict[str, Any]:
    """The paired difference to the baseline's answers, which are to the same questions in the same order."""
    values, others, contexts = frame["value"].to_numpy(), base["value"].to_numpy(), frame["context_id"].to_numpy()
    interval = paired_difference(values, others, contexts)
    return {
        "difference": interval.mean,
        "difference_low": interval.low,
        "difference_high": interval.high,
        "p": permutation_test(values, others, contexts),
    }


def _column(frame: pd.DataFrame, name: str) -> pd.Series:
    """The known values of a column; none where a log of an earlier version lacks it."""
    return frame[name].dropna().astype(float) if name in frame else pd.Series(dtype=float)


def _total(builds: pd.DataFrame, name: str) -> float:
    """USD of all index stages; NaN when that of one is unknown."""
    return float(builds[name].sum(skipna=False)) if len(builds) and name in builds else 0.0


def _mean_of(frame: pd.DataFrame, name: str) -> float | None:
    return float(frame[name].mean()) if name in frame else None


def _share(part: pd.Series, whole: pd.Series) -> float | None:
    total = float(whole.sum())
    return float(part.sum()) / total if total else None


def _quantile(values: pd.Series, q: float) -> float | None:
    return float(np.quantile(values, q)) if len(values) else None


def _mean(values: pd.Series) -> float | None:
    known = values.dropna().astype(float)
    return float(known.mean()) if len(known) else None
