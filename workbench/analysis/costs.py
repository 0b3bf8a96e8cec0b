"""The three costs of an answer, and which of them ranks.

*Paid* is as it was billed, with whatever others had left in the provider's cache; *cold* is with nothing cached; *own*
is with what the run's own earlier calls would have left (`workbench.engine.own_cost`). Only *own* and *cold* do not
depend on the order in which runs were made, so *own* is the cost of rankings, Pareto fronts and break-evens.
"""

from __future__ import annotations

import pandas as pd


def with_three_costs(
    answers: pd.DataFrame, builds: pd.DataFrame, runs: pd.DataFrame, notes: list[str]
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The frames with `paid_usd`, `cold_usd` and, as `cost_usd`, the own cost. Where an answer of an earlier version
    has only one cost, that stands for all of its run. Costs are NaN where they are unknown rather than 0: for models
    without a known price whose server tells none, and for runs that called a server without one."""
    unpriced = _unpriced(answers, builds, runs, notes)
    lacking = {run for frame in (answers, builds) for run in _lacking(frame)} - unpriced
    if lacking and "cost_own_usd" in answers:
        have = "1 run has" if len(lacking) == 1 else f"{len(lacking)} runs have"
        notes.append(f"{have} one cost only, as it was billed: not finished yet, or of an earlier version; run again")
    shown = []
    for frame in (answers, builds):
        paid = _column(frame, "cost_usd").mask(frame["run_id"].isin(unpriced))
        one = frame["run_id"].isin(lacking) | (_column(frame, "calls") == 0)  # no call, no cost
        costs = {
            name: paid.where(one, _column(frame, column)).mask(frame["run_id"].isin(unpriced))
            for name, column in (("cost_usd", "cost_own_usd"), ("cold_usd", "cost_cold_usd"))
        }
        shown.append(frame.assign(**costs, paid_usd=paid))
    notes += _caches(runs, shown[0])
    return shown[0], shown[1]


def _caches(runs: pd.DataFrame, answers: pd.DataFrame) -> list[str]:
    """Notes on the cache that own costs are computed with, for models whose own cost is another than the cold one."""
    if "prompt_cache" not in runs:
        return []
    saves = set(answers.loc[(answers["cost_usd"] - answers["cold_usd"]).abs() > 1e-12, "run_id"])
    notes = []
    for model, group in runs[runs["run_id"].isin(saves)].groupby("model", sort=False):
        cache = group["prompt_cache"].iloc[0] or {}
        if cache:
            what = "the marked part of prompts" if cache["marked"] else "the beginnings of prompts"
            size = f"{cache['size']:,} tokens" if cache.get("size") else "any size"
            least, seconds = f"{cache['least']:,}", f"{cache['lifetime_s']:,}"
            held = f"a cache of {size} that keeps {what} from {least} tokens on for {seconds} s after their last use"
            notes.append(f"{model!s}: own costs are with {held}, filled by the run alone")
    return notes


def _column(frame: pd.DataFrame, name: str) -> pd.Series:
    if name in frame:
        return pd.Series(frame[name].astype(float), index=frame.index)
    return pd.Series(float("nan"), index=frame.index, dtype=float)


def _lacking(frame: pd.DataFrame) -> set[str]:
    """Runs with calls whose paid cost is known and whose own is not."""
    if "calls" not in frame:
        return set()
    missing = _column(frame, "cost_own_usd").isna() & _column(frame, "cost_usd").notna() & (frame["calls"] > 0)
    return set(frame.loc[missing, "run_id"])


def _unpriced(answers: pd.DataFrame, builds: pd.DataFrame, runs: pd.DataFrame, notes: list[str]) -> set[str]:
    """The runs whose cost nobody knows, with notes on them and on those where only the server tells."""
    if "price" not in runs:
        return set()
    unknown = {str(run) for frame in (answers, builds) for run in frame.loc[frame["cost_usd"].isna(), "run_id"]}
    asked = runs[runs["price"].isna() & (runs["method"] != "imported")]
    for model, group in asked.groupby("model", sort=False):
        if set(group["run_id"]) & unknown or not set(group["run_id"]) & set(answers["run_id"]):
            notes.append(f"{model}: no price is known, so costs are left out; give it price, price_as or gpu_hour")
        else:
            notes.append(f"{model}: no price is known; costs are what its server says it takes")
    return unknown
