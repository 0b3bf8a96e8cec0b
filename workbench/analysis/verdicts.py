"""What a comparison says in words: a verdict per task, and notes on what its figures cannot show."""

from __future__ import annotations

import math

import pandas as pd

from workbench.analysis.labels import GROUP, in_order
from workbench.analysis.rows import CONTROLS

FEWEST_TOLD = 8  # questions; with fewer, no two methods can be told apart


def verdicts(tasks: pd.DataFrame) -> list[str]:
    """One line per task: the best method, and how many others are not clearly worse (the paired interval of the
    difference includes zero), with the cheapest of these."""
    lines: list[str] = []
    if tasks.empty:
        return lines
    several = len(tasks.groupby(GROUP)) > 1
    place = {label: position for position, label in enumerate(in_order(tasks["label"]))}
    groups = tasks.groupby([*GROUP, "label"], sort=False)
    ordered = sorted(
        ((str(corpus), str(model), place[str(label)], str(label), group) for (corpus, model, label), group in groups),
        key=lambda item: item[:3],
    )
    for corpus, model, _, label, group in ordered:
        real = group[~group["method"].isin(CONTROLS)]
        if real.empty:
            continue
        best = real.iloc[int(real["accuracy"].argmax())]
        where = f"{corpus} · {model} · {label}" if several else label
        if best["accuracy"] == 0:
            lines.append(f"{where}: no method scored (n={int(best['n'])})")
            continue
        if best["n"] < FEWEST_TOLD:
            lines.append(f"{where}: n={int(best['n'])} is too few to tell methods apart")
            continue
        near = real[real["to_best_high"].isna() | (real["to_best_high"].astype(float) >= 0)]  # paired
        line = f"{where}: {best['pipeline']} best at {best['accuracy']:.2f} (n={int(best['n'])})"
        lines.append(line + _within_noise(best, near[near["pipeline"] != best["pipeline"]]))
    return lines


def _within_noise(best: pd.Series, others: pd.DataFrame) -> str:
    """The part of a verdict on methods that cannot be told from the best."""
    if others.empty:
        return ""
    count = f"{len(others)} others are" if len(others) > 1 else f"{others['pipeline'].iloc[0]} is"
    cheaper = others[others["usd_per_question"].astype(float) < float(best["usd_per_question"] or 0)]
    if cheaper.empty:
        return f"; {count} within noise, none for less" if len(others) > 1 else f"; {count} within noise"
    cheapest = cheaper.iloc[int(cheaper["usd_per_question"].astype(float).argmin())]
    share = cheapest["usd_per_question"] / best["usd_per_question"]
    told = f"; {cheapest['pipeline']} at {cheapest['accuracy']:.2f} is within noise for {share:.0%} of the cost"
    return told if len(others) == 1 else f"{told}, as {'are' if len(others) > 2 else 'is'} {len(others) - 1} more"


def few_contexts(group: pd.DataFrame, name: str, tests: int) -> list[str]:
    """A note when there are too few contexts for significance: the sign-flip test of k contexts gives no p below
    2 / 2^k, and Holm's correction multiplies the smallest p by the number of tests."""
    contexts = group["context_id"].nunique()
    if contexts == 1 and group["question_id"].nunique() > 1:
        return [f"{name}: one context, so intervals and tests go by question and hold for this context only"]
    if not tests:
        return []
    least, needed = 2 * tests / 2**contexts, math.ceil(math.log2(2 * tests / 0.05))
    if contexts == 1 or contexts >= needed:
        return []
    among = f" of {tests} tests" if tests > 1 else ""
    told = f"with {contexts} contexts no p (Holm){among} can be below {min(1, least):.3g}"
    return [f"{name}: {told}; {needed} or more are needed for 0.05"]


def right_to_decline(group: pd.DataFrame, name: str) -> list[str]:
    """A note on how many questions `closed_book` gets right only because declining to answer is right."""
    closed = group[(group["method"] == "closed_book") & (group["value"] >= 0.5)]
    if closed.empty or "abstained" not in closed:
        return []
    declined = int(closed["abstained"].fillna(False).astype(bool).sum())
    if not declined:
        return []
    told = f"{declined} of the {len(closed)} questions that closed_book gets right are those where declining is right"
    return [f"{name}: {told}"]


def corpus_notes(runs: pd.DataFrame) -> list[str]:
    """Notes on what the corpora left out, as recorded with their runs."""
    notes: dict[str, None] = {}
    for corpus, environment in zip(runs["corpus"], runs["environment"], strict=True):
        for note in (environment or {}).get("corpus_notes", ()):
            notes[f"{corpus}: {note}"] = None
    return list(notes)


def failures(answers: pd.DataFrame) -> list[str]:
    """Notes on how many answers of each model failed, with the most common error."""
    notes = []
    for model, group in answers[answers["status"] != "ok"].groupby("model", sort=False):
        reasons = group["error"].fillna("no reason recorded").value_counts() if "error" in group else pd.Series()
        if reasons.empty:
            continue
        told, count = str(reasons.index[0]), int(reasons.iloc[0])
        rest = len(group) - count
        others = "" if not rest else f"; {rest:,} more for {'another reason' if len(reasons) == 2 else 'other reasons'}"
        among = f"{len(group):,} answers failed" if len(group) > 1 else "1 answer failed"
        notes.append(f"{model}: {among} and count as 0: {told}{f' ({count:,} times)' if count > 1 else ''}{others}")
    return notes
