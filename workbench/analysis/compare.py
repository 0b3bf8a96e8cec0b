"""The leaderboard: accuracy with intervals and paired tests, cost, latency, tokens, truncation, index cost."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from workbench.analysis.break_even import break_even
from workbench.analysis.figures import OTHER_METRICS, figures_table
from workbench.analysis.statistics import (
    Interval,
    clustered_interval,
    holm,
    paired_difference,
    permutation_test,
)
from workbench.errors import InputError, UnknownName
from workbench.runlog.reader import RunLogReader

GROUP = ["corpus", "model"]
FEWEST_TOLD = 8  # questions; with fewer, everything is within noise of everything
CONTROLS = frozenset({"closed_book", "oracle", "random_chunks"})


@dataclass(frozen=True)
class Comparison:
    """A comparison. `table`: one row a pipeline × model × corpus; `tasks`: the same by task (or `by`); `verdicts`: one
    line a task; `notes`: what was left out and why; `figures`: what the corpus's benchmark prints of a whole run,
    such as RULER's effective length, one row a figure (`figure, value, unit, n`; see `workbench.analysis.figures`).

    Columns of `table`: `n` questions planned and ended, `failed`, `accuracy` (failed count 0) with `low`, `high`,
    `accuracy_answered` (failed left out), `difference`, `difference_low`, `difference_high`, `p`, `p_holm` against the
    baseline; `usd_per_question` and `index_usd` (USD), `break_even` (from how many questions per context on it costs
    less than the baseline, its index included; infinite: never), `latency_p50_s`, `latency_p95_s` (critical path,
    seconds),
    `first_token_p50_s`, `first_token_p95_s` (until the answer's first token, after all calls before it),
    `tokens_per_question`, `cached_share` (of prompt tokens, by the server's prefix cache), `calls_per_question`,
    `retries` (attempts that failed, over all questions and the index), `retry_usd` (what they cost; part of the other
    costs), `reasks` (calls that asked again for a reply of the right shape), `truncated_share`, `evidence_coverage`
    (0 to 1), `replayed`.
    """

    table: pd.DataFrame
    tasks: pd.DataFrame
    verdicts: tuple[str, ...]
    notes: tuple[str, ...]
    baseline: str | None
    figures: pd.DataFrame = field(default_factory=pd.DataFrame)

    def figures_of(self, corpus: str, model: str) -> pd.DataFrame:
        """The benchmark's figures of one corpus and model; empty where there are none."""
        if self.figures.empty:
            return self.figures
        return self.figures[(self.figures["corpus"] == corpus) & (self.figures["model"] == model)]

    def format(self, format: str = "table") -> str:
        """The comparison as text: `table`, `json`, `csv` or `md`."""
        if format == "json":
            return json.dumps(
                {
                    "baseline": self.baseline,
                    "table": _plain(self.table),
                    "tasks": _plain(self.tasks),
                    "verdicts": list(self.verdicts),
                    "notes": list(self.notes),
                    "figures": _plain(self.figures),
                },
                indent=2,
            )
        if format == "csv":
            return str(self.table.to_csv(index=False)).rstrip("\n")
        from workbench.analysis.leaderboard import text

        return text(self, markdown=format == "md")


def compare(
    source: str | Path | RunLogReader,
    *,
    experiment: str | None = None,
    baseline: str | None = None,
    by: str | None = None,
    metric: str | None = None,
    without: Mapping[str, str] | None = None,
) -> Comparison:
    """Compare the runs of a log (of an `experiment`, by default the newest).

    `baseline`: the pipeline that the others are tested against (the experiment's own by default, else full context).
    `by`: break down by `task` (default) or another label of the questions, e.g. `hops`, `depth`. `metric`: score by
    this metric instead of each question's first. `without`: questions to leave out of this comparison, id → reason
    (label errors, say); the log keeps their answers. Raises InputError when the log is empty or a name is unknown.

    Example: `wb.compare("runs/demo.duckdb").table[["pipeline", "accuracy"]]`
    """
    reader = source if isinstance(source, RunLogReader) else RunLogReader(source)
    if experiment is None:
        experiments = reader.experiments()
        experiment = None if experiments.empty else str(experiments["experiment_id"].iloc[0])
    runs, answers = reader.runs(experiment), reader.answers(experiment)
    if runs.empty or answers.empty:
        raise InputError("holds no answers yet", file=reader.path, fix="run an experiment first: workbench run FILE")
    answers, left_out = _without(answers, without or {})
    if answers.empty:
        raise InputError(
            "holds no other answers than those left out", file=reader.path, fix="leave fewer questions out"
        )
    if metric is not None:
        answers = _by_metric(answers, reader.scores(experiment), metric)
    scores = reader.scores(experiment) if runs["corpus"].str.startswith(OTHER_METRICS).any() else None
    if scores is not None:
        scores = scores[~scores["question_id"].isin(list(without or {}))]
    made = comparison(runs, answers, reader.builds(experiment), baseline=baseline, by=by or "task", scores=scores)
    return replace(made, notes=(*made.notes, *left_out))


def _without(answers: pd.DataFrame, without: Mapping[str, str]) -> tuple[pd.DataFrame, list[str]]:
    """The answers to other questions, and a note for each reason, with how many questions it left out."""
    asked = set(answers["question_id"])
    reasons = Counter(reason for question_id, reason in without.items() if question_id in asked)
    notes = [f"{count} questions left out of this comparison: {reason}" for reason, count in sorted(reasons.items())]
    if without and not reasons:
        notes.append("none of the questions to leave out was asked")
    return answers[~answers["question_id"].isin(list(without))], notes


def _by_metric(answers: pd.DataFrame, scores: pd.DataFrame, metric: str) -> pd.DataFrame:
    if metric not in set(scores["metric"]):
        raise UnknownName("metric in this log", metric, sorted(set(scores["metric"])))
    chosen = scores.loc[scores["metric"] == metric, ["run_id", "question_id", "value"]]
    joined = answers.drop(columns=["score"]).merge(chosen, on=["run_id", "question_id"], how="left")
    return joined.rename(columns={"value": "score"})


def comparison(
    runs: pd.DataFrame, answers: pd.DataFrame, builds: pd.DataFrame, *, baseline: str | None = None, by: str = "task",
    scores: pd.DataFrame | None = None,
) -> Comparison:  # fmt: skip
    """The comparison of frames as `RunLogReader` gives them; `scores` for benchmarks' figures of other metrics."""
    answers = _with_label(_distinct_models(_distinct_corpora(answers), runs), by)
    notes = _corpus_notes(runs)
    answers, builds = _unknown_costs(answers, builds, runs, notes)
    unscored = answers["score"].isna() & (answers["status"] == "ok")
    if unscored.any():
        notes.append(f"{int(unscored.sum())} answers have no score (the metric does not apply) and are left out")
    scored = answers[~unscored].copy()
    scored["value"] = scored["score"].where(scored["status"] == "ok", 0.0).astype(float)
    chosen = _baseline(runs, baseline)
    order = {run_id: position for position, run_id in enumerate(runs["run_id"])}  # that of the experiment file
    scored = scored.sort_values("run_id", key=lambda ids: ids.map(order), kind="stable")
    shared = _shared_questions(scored, notes)
    rows, task_rows, figures = [], [], []
    for (corpus, model), group in shared.groupby(GROUP, sort=False):
        notes += _right_to_decline(group, f"{corpus} · {model}")
        block, tasks = _block(group, runs, builds, chosen)
        notes += _few_contexts(group, f"{corpus} · {model}", sum(row["p"] is not None for row in block))
        rows += [{"corpus": corpus, "model": model, **row} for row in block]
        task_rows += [{"corpus": corpus, "model": model, **row} for row in tasks]
        figures += figures_table(str(corpus), str(model), group, scores)
    table, tasks_table = pd.DataFrame(rows), pd.DataFrame(task_rows)
    return Comparison(table, tasks_table, tuple(_verdicts(tasks_table)), tuple(notes), chosen, pd.DataFrame(figures))


def _few_contexts(group: pd.DataFrame, name: str, tests: int) -> list[str]:
    """What few contexts cannot say: the sign-flip test of k contexts gives no p below 2 / 2^k, and Holm's correction
    multiplies the least of them by the number of tests."""
    contexts = group["context_id"].nunique()
    if contexts == 1 and group["question_id"].nunique() > 1:
        return [f"{name}: one context, so intervals and tests go by question and hold for this context only"]
    least, needed = 2 * tests / 2**contexts, math.ceil(math.log2(2 * max(tests, 1) / 0.05))
    if contexts == 1 or contexts >= needed:
        return []
    among = f" of {tests} tests" if tests > 1 else ""
    told = f"with {contexts} contexts no p (Holm){among} can be below {min(1, least):.3g}"
    return [f"{name}: {told}; {needed} or more are needed for 0.05"]


def _right_to_decline(group: pd.DataFrame, name: str) -> list[str]:
    """Where a score without any context comes from, when it does not come from what the model knows by heart."""
    closed = group[(group["method"] == "closed_book") & (group["value"] >= 0.5)]
    if closed.empty or "abstained" not in closed:
        return []
    declined = int(closed["abstained"].fillna(False).astype(bool).sum())
    if not declined:
        return []
    told = f"{declined} of the {len(closed)} questions that closed_book gets right are those where declining is right"
    return [f"{name}: {told}"]


def _corpus_notes(runs: pd.DataFrame) -> list[str]:
    """What the corpora left out, as it was recorded with their runs."""
    notes: dict[str, None] = {}
    for corpus, environment in zip(runs["corpus"], runs["environment"], strict=True):
        for note in (environment or {}).get("corpus_notes", ()):
            notes[f"{corpus}: {note}"] = None
    return list(notes)


def _distinct_corpora(answers: pd.DataFrame) -> pd.DataFrame:
    """Two versions of a corpus under one name are two corpora: the fingerprint is added to the name."""
    versions = answers.groupby("corpus")["corpus_fingerprint"].transform("nunique")
    named = answers["corpus"].where(versions == 1, answers["corpus"] + "@" + answers["corpus_fingerprint"].str[:6])
    return answers.assign(corpus=named)


def _distinct_models(answers: pd.DataFrame, runs: pd.DataFrame) -> pd.DataFrame:
    """One model with two sets of options is two models: the options that differ are added to the name."""
    if "model_options" not in runs:
        return answers
    names: dict[str, str] = {}
    for model, group in runs.groupby("model", sort=False):
        options = {
            run_id: dict(given or {}) for run_id, given in zip(group["run_id"], group["model_options"], strict=True)
        }
        keys = sorted({key for given in options.values() for key in given})
        differing = [key for key in keys if len({json.dumps(given.get(key)) for given in options.values()}) > 1]
        for run_id, given in options.items():
            shown = ",".join(f"{key}={given[key]}" for key in differing if key in given)
            names[run_id] = f"{model}[{shown}]" if shown else str(model)
    return answers.assign(model=answers["run_id"].map(names).fillna(answers["model"]))


def _unknown_costs(
    answers: pd.DataFrame, builds: pd.DataFrame, runs: pd.DataFrame, notes: list[str]
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Costs of models without a known price are unknown, not 0."""
    if "price" not in runs:
        return answers, builds
    paid = runs["price"].isna() & (runs["method"] != "imported")
    for model in runs.loc[paid, "model"].drop_duplicates():
        notes.append(f"{model}: no price is known, so costs are left out; give it price, price_as or gpu_hour")
    unknown = set(runs.loc[paid, "run_id"])
    answers, builds = (
        frame.assign(cost_usd=frame["cost_usd"].astype(float).mask(frame["run_id"].isin(unknown)))
        for frame in (answers, builds)
    )
    return answers, builds


def _with_label(answers: pd.DataFrame, by: str) -> pd.DataFrame:
    labelled = answers.copy()
    if by == "task":
        labelled["label"] = labelled["task"].replace("", "all")
        return labelled
    values = [metadata.get(by) if isinstance(metadata, dict) else None for metadata in labelled["metadata"]]
    known = sorted({key for metadata in labelled["metadata"] if isinstance(metadata, dict) for key in metadata})
    if all(value is None for value in values):
        raise UnknownName("question label", by, ["task", *known])
    if by == "depth":
        values = [
            None if value is None else f"{min(int(value * 5), 4) * 20}-{min(int(value * 5), 4) * 20 + 20} %"
            for value in values
        ]
    labelled["label"] = ["-" if value is None else str(value) for value in values]
    return labelled


def _baseline(runs: pd.DataFrame, wanted: str | None) -> str | None:
    labels = list(dict.fromkeys(runs["pipeline"]))
    if wanted is not None:
        matching = [p for p, m in zip(runs["pipeline"], runs["method"], strict=True) if wanted in (p, m)]
        if not matching:
            raise UnknownName("baseline", wanted, labels)
        return str(matching[0])
    marked = runs.loc[runs["baseline"].astype(bool), "pipeline"] if "baseline" in runs else runs["pipeline"].iloc[:0]
    if len(marked):
        return str(marked.iloc[0])
    full = runs.loc[runs["method"] == "full_context", "pipeline"]
    return str(full.iloc[0]) if len(full) else (labels[0] if labels else None)


def _shared_questions(answers: pd.DataFrame, notes: list[str]) -> pd.DataFrame:
    """Only questions that every pipeline of a corpus and model was asked: anything else compares different exams."""
    kept = []
    for (corpus, model), group in answers.groupby(GROUP, sort=False):
        counts = group.groupby("question_id")["run_id"].nunique()
        full = counts[counts == group["run_id"].nunique()].index
        if len(full) < len(counts):
            notes.append(
                f"{corpus} · {model}: {len(counts) - len(full)} questions not yet asked of every pipeline are left out"
            )
        kept.append(group[group["question_id"].isin(full)])
    return pd.concat(kept) if kept else answers


def _block(
    group: pd.DataFrame, runs: pd.DataFrame, builds: pd.DataFrame, baseline: str | None
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    order = {run_id: i for i, run_id in enumerate(runs["run_id"])}
    members = sorted(group.groupby("run_id", sort=False), key=lambda item: order.get(item[0], 0))
    base = next((frame for _, frame in members if frame["pipeline"].iloc[0] == baseline), None)
    rows = [_row(frame, builds[builds["run_id"] == run_id], base) for run_id, frame in members]
    tested = [row for row in rows if row["p"] is not None]
    for row, adjusted in zip(tested, holm([row["p"] for row in tested]), strict=True):
        row["p_holm"] = adjusted
    _add_break_even(rows, baseline)
    tasks = [
        {"pipeline": frame["pipeline"].iloc[0], "method": frame["method"].iloc[0], "label": label, **_accuracy(part)}
        | {"usd_per_question": None if (part["method"] == "imported").all() else float(part["cost_usd"].mean())}
        for _, frame in members
        for label, part in frame.groupby("label", sort=True)
    ]
    _add_distance_to_best(tasks, members)
    return rows, tasks


def _add_distance_to_best(tasks: list[dict[str, Any]], members: Sequence[tuple[Any, pd.DataFrame]]) -> None:
    """`to_best_high`: the upper end of the paired interval of a method minus the best one, on the same questions."""
    frames = {frame["pipeline"].iloc[0]: frame for _, frame in members}
    for label in {task["label"] for task in tasks}:
        rows = [task for task in tasks if task["label"] == label]
        real = [row for row in rows if row["method"] not in CONTROLS]
        best = max(real, key=lambda row: row["accuracy"], default=None)
        for row in rows:
            row["to_best_high"] = None
            if best is not None and row is not best:
                part, top = (
                    frame[frame["label"] == label] for frame in (frames[row["pipeline"]], frames[best["pipeline"]])
                )
                row["to_best_high"] = _difference(part, top)["difference_high"]


def _accuracy(frame: pd.DataFrame) -> dict[str, Any]:
    interval = clustered_interval(frame["value"], frame["context_id"], bounds=(0.0, 1.0))
    return {"n": interval.n, "accuracy": interval.mean, "low": interval.low, "high": interval.high}


def _row(frame: pd.DataFrame, builds: pd.DataFrame, base: pd.DataFrame | None) -> dict[str, Any]:
    answered = frame[frame["status"] == "ok"]
    tokens = frame["prompt_tokens"] + frame["completion_tokens"]
    contexts = frame["context_id"].nunique()
    index_usd = float(builds["cost_usd"].sum(skipna=False)) if len(builds) else 0.0
    truncated = (frame["truncated_tokens"].fillna(0) > 0) | (frame["status"] == "truncated_failed")
    row: dict[str, Any] = {
        "pipeline": frame["pipeline"].iloc[0],
        "method": frame["method"].iloc[0],
        "run_id": frame["run_id"].iloc[0],
        "contexts": contexts,
        "failed": int((frame["status"] != "ok").sum()),
        **_accuracy(frame),
        "accuracy_answered": float(answered["value"].mean()) if len(answered) else None,
        "usd_per_question": float(frame["cost_usd"].mean()),
        "index_usd": index_usd,
        "index_usd_per_context": index_usd / contexts if contexts else 0.0,
        "usd_per_question_with_index": float(frame["cost_usd"].mean()) + index_usd / len(frame),
        "latency_p50_s": _quantile(answered["critical_path_s"], 0.5),
        "latency_p95_s": _quantile(answered["critical_path_s"], 0.95),
        "first_token_p50_s": _quantile(_column(answered, "first_token_s"), 0.5),
        "first_token_p95_s": _quantile(_column(answered, "first_token_s"), 0.95),
        "tokens_per_question": float(tokens.mean()),
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
    if row["method"] == "imported":  # published answers: what they cost and how long they took is not known
        row |= dict.fromkeys(_SPENT)
    if base is not None and base["run_id"].iloc[0] != row["run_id"]:
        row |= _difference(frame, base)
    return row


def _add_break_even(rows: Sequence[dict[str, Any]], baseline: str | None) -> None:
    """From how many questions per context on each pipeline costs less than the baseline; None where a cost is not
    known."""
    base = next((row for row in rows if row["pipeline"] == baseline), None)
    for row in rows:
        row["break_even"] = None
        if base is None or row is base:
            continue
        costs = [of[name] for of in (row, base) for name in ("usd_per_question", "index_usd_per_context")]
        if not any(pd.isna(cost) for cost in costs):  # None of published answers, NaN without a price
            row["break_even"] = break_even(*costs)


_SPENT = (
    *("usd_per_question", "index_usd", "index_usd_per_context", "usd_per_question_with_index", "latency_p50_s"),
    *("latency_p95_s", "first_token_p50_s", "first_token_p95_s", "tokens_per_question", "cached_share"),
    *("calls_per_question", "truncated_share", "retries", "retry_usd", "reasks"),
)


def _difference(frame: pd.DataFrame, base: pd.DataFrame) -> dict[str, Any]:
    paired = frame.merge(base[["question_id", "value"]], on="question_id", suffixes=("", "_base"))
    interval: Interval = paired_difference(paired["value"], paired["value_base"], paired["context_id"])
    return {
        "difference": interval.mean,
        "difference_low": interval.low,
        "difference_high": interval.high,
        "p": permutation_test(paired["value"], paired["value_base"], paired["context_id"]),
    }


def _column(frame: pd.DataFrame, name: str) -> pd.Series:
    """What is known of a column: a log of an earlier version may lack it."""
    return frame[name].dropna().astype(float) if name in frame else pd.Series(dtype=float)


def _share(part: pd.Series, whole: pd.Series) -> float | None:
    total = float(whole.sum())
    return float(part.sum()) / total if total else None


def _quantile(values: pd.Series, q: float) -> float | None:
    return float(np.quantile(values, q)) if len(values) else None


def _mean(values: pd.Series) -> float | None:
    known = values.dropna().astype(float)
    return float(known.mean()) if len(known) else None


def _verdicts(tasks: pd.DataFrame) -> list[str]:
    """One line a task: the best method, and the cheapest that is not clearly worse (paired interval of the
    difference reaches zero)."""
    lines: list[str] = []
    if tasks.empty:
        return lines
    several = len(tasks.groupby(GROUP)) > 1
    for (corpus, model, label), group in tasks.groupby([*GROUP, "label"], sort=True):
        real = group[~group["method"].isin(CONTROLS)]
        if real.empty:
            continue
        best = real.iloc[int(real["accuracy"].argmax())]
        where = f"{corpus} · {model} · {label}" if several else str(label)
        if best["accuracy"] == 0:
            lines.append(f"{where}: no method scored (n={int(best['n'])})")
            continue
        if best["n"] < FEWEST_TOLD:
            lines.append(f"{where}: n={int(best['n'])} is too few to tell methods apart")
            continue
        near = real[real["to_best_high"].isna() | (real["to_best_high"].astype(float) >= 0)]  # paired: see _difference
        priced = near[near["usd_per_question"].notna()]
        cheapest = priced.iloc[int(priced["usd_per_question"].argmin())] if len(priced) else best
        line = f"{where}: {best['pipeline']} best at {best['accuracy']:.2f} (n={int(best['n'])})"
        if cheapest["pipeline"] != best["pipeline"] and cheapest["usd_per_question"] < best["usd_per_question"]:
            share = cheapest["usd_per_question"] / best["usd_per_question"]
            line += (
                f"; {cheapest['pipeline']} at {cheapest['accuracy']:.2f} is within noise for {share:.0%} of the cost"
            )
        lines.append(line)
    return lines


def _plain(frame: pd.DataFrame) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = json.loads(frame.to_json(orient="records"))
    return rows
