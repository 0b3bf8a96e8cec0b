"""Computes the comparison of runs: accuracy with intervals and paired tests, cost, latency, tokens, truncation."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd

from workbench.analysis.comparison import Comparison
from workbench.analysis.costs import with_three_costs
from workbench.analysis.endings import ends, windows
from workbench.analysis.figures import OTHER_METRICS, figures_table
from workbench.analysis.labels import GROUP, distinct_corpora, distinct_models, with_label
from workbench.analysis.rows import block
from workbench.analysis.sources import Source, read
from workbench.analysis.verdicts import corpus_notes, failures, few_contexts, right_to_decline, verdicts
from workbench.errors import InputError, UnknownName
from workbench.runlog.reader import RunLogReader


def compare(
    source: Source | Sequence[Source],
    *,
    experiment: str | Sequence[str | None] | None = None,
    baseline: str | None = None,
    by: str | None = None,
    metric: str | None = None,
    without: Mapping[str, str] | None = None,
) -> Comparison:
    """Compare the runs of a log (of one `experiment`, by id or name, by default the newest); or of several logs or
    experiments side by side, given as lists.

    `baseline`: the pipeline that the others are tested against (by default the one that the experiment marks, else full
    context, else the first). `by`: break down by `task` (default) or another label of the questions, e.g. `hops`,
    `depth`, `context_tokens`. `metric`: score by this metric instead of each question's first. `without`: questions to
    leave out of this comparison, id → reason (e.g. label errors); the log keeps their answers. Raises InputError when a
    log is empty or a name is unknown.

    Example: `wb.compare("runs/demo.duckdb").table[["pipeline", "accuracy"]]`
    """
    sources = [source] if isinstance(source, str | Path | RunLogReader) else list(source)
    experiments = [experiment] * len(sources) if experiment is None or isinstance(experiment, str) else list(experiment)
    found = read(sources, experiments, scores=metric is not None)
    answers, left_out = _without(found.answers, without or {})
    if answers.empty:
        raise InputError("holds no other answers than those left out", file=sources[0], fix="leave fewer questions out")
    if metric is not None:
        answers = _by_metric(answers, found.scores, metric)
    scores = None
    if found.runs["corpus"].str.startswith(OTHER_METRICS).any():
        scores = found.scores[~found.scores["question_id"].isin(list(without or {}))]
    return comparison(
        found.runs, answers, found.builds, baseline=baseline, by=by or "task", scores=scores,
        notes=(*found.notes, *left_out),
    )  # fmt: skip


def _without(answers: pd.DataFrame, without: Mapping[str, str]) -> tuple[pd.DataFrame, list[str]]:
    """The answers that remain, and a note for each reason with the number of questions it left out."""
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
    scores: pd.DataFrame | None = None, notes: Sequence[str] = (),
) -> Comparison:  # fmt: skip
    """The comparison of frames as `RunLogReader` gives them. `scores`: for benchmark figures that need other metrics;
    `notes`: appended to the comparison's own notes."""
    answers = with_label(distinct_models(distinct_corpora(answers), runs), by)
    told = corpus_notes(runs) + failures(answers) + ends(answers) + windows(runs)
    answers, builds = with_three_costs(answers, builds, runs, told)
    unscored = answers["score"].isna() & (answers["status"] == "ok")
    if unscored.any():
        told.append(f"{int(unscored.sum())} answers have no score (the metric does not apply) and are left out")
    scored = answers[~unscored].copy()
    scored["value"] = scored["score"].where(scored["status"] == "ok", 0.0).astype(float)
    chosen = _baseline(runs, baseline)
    order = {run_id: position for position, run_id in enumerate(runs["run_id"])}  # as in the experiment file
    scored = scored.sort_values("run_id", key=lambda ids: ids.map(order), kind="stable")
    shared = _shared_questions(scored, told)
    rows, task_rows, figures = [], [], []
    for (corpus, model), group in shared.groupby(GROUP, sort=False):
        told += right_to_decline(group, f"{corpus} · {model}")
        measured, tasks = block(group, runs, builds, chosen)
        told += few_contexts(group, f"{corpus} · {model}", sum(row["p"] is not None for row in measured))
        rows += [{"corpus": corpus, "model": model, **row} for row in measured]
        task_rows += [{"corpus": corpus, "model": model, **row} for row in tasks]
        figures += figures_table(str(corpus), str(model), group, scores)
    table, tasks_table = pd.DataFrame(rows), pd.DataFrame(task_rows)
    said = tuple(verdicts(tasks_table))
    return Comparison(table, tasks_table, said, (*told, *notes), chosen, pd.DataFrame(figures), by)


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
    """The answers to questions that every pipeline of a corpus and model was asked, since others do not compare."""
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
