"""The figures that benchmarks print of a whole run: averages over tasks and lengths, effective lengths, pairs.

A benchmark's rule scores one answer; its table prints what becomes of many. `benchmark_figures` makes the figures of a
run from its answers' scores, by the benchmark that its corpus is; the formulas are those of the benchmarks' own code
and papers, so that our tables can be held against theirs.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

EFFECTIVE_SCORE = 85.6  # percent: Llama-2-7B-chat at 4k tokens, what a length of RULER must reach to count
BASE_LENGTHS = (250, 500, 1_000)  # tokens, NoLiMa
GROUPS = {  # the task groups of LongBench's averages
    "single-document QA": ("narrativeqa", "qasper", "multifieldqa_en", "multifieldqa_zh"),
    "multi-document QA": ("hotpotqa", "2wikimqa", "musique", "dureader"),
    "summarisation": ("gov_report", "qmsum", "multi_news", "vcsum"),
    "few-shot": ("trec", "triviaqa", "samsum", "lsht"),
    "synthetic": ("passage_count", "passage_retrieval_en", "passage_retrieval_zh"),
    "code": ("lcc", "repobench-p"),
}
_HELMET = {
    "recall": ("json_kv", "ruler"), "rag": ("kilt",), "re-rank": ("msmarco",), "cite": ("alce_asqa", "alce_qampari"),
    "icl": ("icl_trec_coarse", "icl_trec_fine", "icl_banking77", "icl_clinc150", "icl_nlu"),
}  # fmt: skip
_RULER_TASKS, _LEADERBOARD = 13, ("qa1", "qa2", "qa3", "qa4", "qa5")


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure: its name, its value (None where it cannot be told) in `unit`, and the answers that it is made of."""

    name: str
    value: float | None
    n: int
    unit: str = "%"


def weighted_average(scores: Sequence[float], *, increasing: bool) -> float:
    """RULER's wAvg of a model's scores by length, shortest first: weights 1..n or n..1, normalised.

    >>> round(weighted_average([90.0, 60.0], increasing=True), 6)
    70.0
    """
    weights = range(1, len(scores) + 1) if increasing else range(len(scores), 0, -1)
    return sum(weight * score for weight, score in zip(weights, scores, strict=True)) / sum(weights)


def ruler_effective_length(averages: Mapping[int, float], threshold: float = EFFECTIVE_SCORE) -> int | None:
    """The largest length (tokens) whose 13-task average (percent) reaches the threshold; None when none does."""
    return max((length for length, average in averages.items() if average >= threshold), default=None)


def nolima_base_score(pair_scores: Mapping[int, Sequence[float]]) -> float | None:
    """NoLiMa's base score: mean over question-needle pairs of the best of the lengths 250, 500 and 1,000; None when
    none of them was run.

    `pair_scores`: for each length (tokens) the pairs' means over haystacks and depths, in the same order.
    """
    columns = [pair_scores[length] for length in BASE_LENGTHS if length in pair_scores]
    best: list[float] = [max(values) for values in zip(*columns, strict=True)]
    return sum(best) / len(best) if best else None


def nolima_effective_length(scores: Mapping[int, float], base: float) -> int | None:
    """The largest tested length whose score is at least 0.85 of the base score; None when none is."""
    return max((length for length, score in scores.items() if score >= 0.85 * base), default=None)


def enl(scores: Mapping[int, float], threshold: float = 0.6) -> int | None:
    """ENL-60 of the Ancestral Trace Challenge: the most needles before accuracy (0 to 1) first falls below 0.6.

    >>> enl({2: 0.9, 4: 0.7, 8: 0.5, 16: 0.65})
    4
    """
    reached = None
    for needles, score in sorted(scores.items()):
        if score < threshold:
            break
        reached = needles
    return reached


def task_average(scores_by_type: Mapping[str, Sequence[float]]) -> float:
    """Mean over the question types of each type's mean: small types weigh as much as large ones (LongMemEval)."""
    means = [sum(scores) / len(scores) for scores in scores_by_type.values() if len(scores)]
    return sum(means) / len(means)


def loong_summary(ratings: Sequence[float | None]) -> dict[str, float]:
    """Loong's figures from judge ratings (1 to 100; None where none was read): mean and share of 100 over those that
    were read, and their share.

    >>> loong_summary([100, 50, None, 60])
    {'avg_score': 70.0, 'perfect_rate': 0.3333333333333333, 'scoring_success_rate': 0.75}
    """
    read = [rating for rating in ratings if rating is not None]
    if not read:
        return {"avg_score": 0.0, "perfect_rate": 0.0, "scoring_success_rate": 0.0}
    return {
        "avg_score": sum(read) / len(read),
        "perfect_rate": sum(rating == 100 for rating in read) / len(read),
        "scoring_success_rate": len(read) / len(ratings),
    }


def benchmark_figures(corpus: str, answers: pd.DataFrame, scores: pd.DataFrame | None = None) -> list[Figure]:
    """The figures of one run's answers; empty for a corpus whose benchmark prints none beside the mean.

    `answers` has the columns `question_id, task, metadata, value` (0 to 1, failed 0) and, for RULER's nulls, `text`;
    `scores` the run's scores by metric, for figures of other metrics than the headline one.
    """
    name = corpus.partition("@")[0]
    made = next((maker for prefix, maker in _MAKERS if name == prefix or name.startswith(f"{prefix}-")), None)
    if made is None or answers.empty:
        return []
    rows = answers.copy()
    rows["metadata"] = pd.Series(
        [metadata if isinstance(metadata, dict) else {} for metadata in answers["metadata"]],
        index=answers.index, dtype=object,
    )  # fmt: skip
    return made(rows, scores if scores is not None else pd.DataFrame(columns=["question_id", "metric", "value"]))


def figures_table(corpus: str, model: str, frame: pd.DataFrame, scores: pd.DataFrame | None) -> list[dict[str, Any]]:
    """The figures of all runs in a frame of answers, one row a pipeline and figure."""
    found = []
    for run_id, answers in frame.groupby("run_id", sort=False):
        mine = None if scores is None else scores[scores["run_id"] == run_id]
        for figure in benchmark_figures(corpus, answers, mine):
            row = {"corpus": corpus, "model": model, "pipeline": answers["pipeline"].iloc[0], "figure": figure.name}
            found.append({**row, "value": figure.value, "unit": figure.unit, "n": figure.n})
    return found


def figure_cells(figures: pd.DataFrame) -> tuple[list[str], list[list[str]]]:
    """The figures of one corpus and model as a table: header, and one row a figure with a cell for each pipeline."""
    pipelines = list(dict.fromkeys(figures["pipeline"]))
    rows = []
    for name, group in figures.groupby("figure", sort=False):
        shown = {
            row["pipeline"]: "-" if pd.isna(row["value"]) else f"{row['value']:,.2f}" if row["unit"] == "%"
            else f"{row['value']:,.0f}" for _, row in group.iterrows()
        }  # fmt: skip
        unit = group["unit"].iloc[0]
        rows.append([f"{name} ({unit}, n={int(group['n'].max())})", *(shown.get(p, "-") for p in pipelines)])
    return ["benchmark's figures", *pipelines], rows


Rows = pd.DataFrame


def _percent(rows: Rows) -> float:
    return 100 * float(rows["value"].mean())


def _over_tasks(rows: Rows) -> float:
    """Mean of the tasks' means, percent: tasks weigh alike, however many questions they have."""
    return 100 * float(rows.groupby("task")["value"].mean().mean())


def _label(rows: Rows, name: str) -> pd.Series:
    return pd.Series([metadata.get(name) for metadata in rows["metadata"]], index=rows.index, dtype=object)


def _by(rows: Rows, name: str) -> list[tuple[Any, Rows]]:
    """The rows by a label, those without it left out, in the order of its values."""
    labels = _label(rows, name)
    known = rows[labels.notna()]
    return sorted(known.groupby(labels[labels.notna()].to_numpy()), key=lambda part: part[0])


def _tasks(rows: Rows, scores: Rows) -> list[Figure]:
    several = rows["task"].nunique()
    return [Figure(f"mean of {several} tasks", _over_tasks(rows), len(rows))] if several > 1 else []


def _ruler(rows: Rows, scores: Rows) -> list[Figure]:
    parts = _by(rows, "length")
    tasks = rows["task"].nunique()
    some = "" if tasks == _RULER_TASKS else f", {tasks} of {_RULER_TASKS} tasks"
    averages = {int(length): _over_tasks(part) for length, part in parts}
    figures = [Figure(f"average at {int(length):,}{some}", averages[int(length)], len(part)) for length, part in parts]
    if len(averages) > 1:
        values = [averages[length] for length in sorted(averages)]
        figures += [
            Figure("Avg", sum(values) / len(values), len(rows)),
            Figure("wAvg (inc)", weighted_average(values, increasing=True), len(rows)),
            Figure("wAvg (dec)", weighted_average(values, increasing=False), len(rows)),
        ]
    reached = ruler_effective_length(averages)
    figures.append(Figure(f"effective length ({EFFECTIVE_SCORE} or more)", reached, len(rows), "tokens"))
    if "text" in rows:
        empty = sum(not str(text or "").strip() for text in rows["text"])
        figures.append(Figure("nulls (empty answers)", empty, len(rows), "answers"))
    return figures


def _longbench(rows: Rows, scores: Rows) -> list[Figure]:
    figures = []
    language = _label(rows, "language")
    for told, part in (("all", rows), ("English", rows[language == "en"]), ("Chinese", rows[language == "zh"])):
        if part.empty or (told != "all" and len(part) == len(rows)):
            continue
        means = []
        for group, tasks in GROUPS.items():
            members = part[part["task"].isin(tasks)]
            if len(members):
                means.append(_over_tasks(members))
                figures.append(Figure(f"{told}: {group}", means[-1], len(members)))
        if len(means) > 1:
            figures.append(Figure(f"{told}: mean of {len(means)} task groups", sum(means) / len(means), len(part)))
    return figures


def _longbench_e(rows: Rows, scores: Rows) -> list[Figure]:
    return [Figure(f"{bucket}, mean over tasks", _over_tasks(part), len(part)) for bucket, part in _by(rows, "bucket")]


def _longbench_v2(rows: Rows, scores: Rows) -> list[Figure]:
    figures = [Figure("Overall", _percent(rows), len(rows))]
    for label, values in (("difficulty", ("easy", "hard")), ("length", ("short", "medium", "long"))):
        parts = dict(_by(rows, label))
        figures += [Figure(v.capitalize(), _percent(parts[v]), len(parts[v])) for v in values if v in parts]
    return figures


def _nolima(rows: Rows, scores: Rows) -> list[Figure]:
    asked = rows[rows["task"] != "direct"]  # the literal control questions are in no figure
    if asked.empty:
        return []
    pairs = sorted(set(_label(asked, "needle_pair").dropna()))
    parts = {int(length): part for length, part in _by(asked, "length")}
    by_pair = {
        length: {key: _percent(p) / 100 for key, p in _by(part, "needle_pair")} for length, part in parts.items()
    }
    whole = {length: [found[pair] for pair in pairs] for length, found in by_pair.items() if set(found) == set(pairs)}
    base = nolima_base_score(whole) if pairs else None
    means = {length: _percent(part) for length, part in parts.items()}
    figures = [Figure(f"score at {length:,}", means[length], len(parts[length])) for length in sorted(means)]
    if base is None:
        return [*figures, Figure("base score (needs 250, 500 or 1,000 tokens)", None, len(asked))]
    figures.append(Figure("base score", 100 * base, len(asked)))
    reached = nolima_effective_length({length: mean / 100 for length, mean in means.items()}, base) if base else None
    return [*figures, Figure("effective length (0.85 of the base)", reached, len(asked), "tokens")]


def _longmemeval(rows: Rows, scores: Rows) -> list[Figure]:
    types = {str(task): list(part["value"]) for task, part in rows.groupby("task")}
    figures = [
        Figure("overall", _percent(rows), len(rows)),
        Figure(f"mean of {len(types)} types", 100 * task_average(types), len(rows)),
    ]
    absent = rows[_label(rows, "abstention").eq(True)]
    return [*figures, Figure("abstention", _percent(absent), len(absent))] if len(absent) else figures


def _locomo(rows: Rows, scores: Rows) -> list[Figure]:
    answerable = rows[rows["task"] != "adversarial"]
    figures = [Figure("overall", _percent(rows), len(rows))]
    if 0 < len(answerable) < len(rows):
        figures.append(Figure("without the adversarial ones", _percent(answerable), len(answerable)))
    return figures


def _pairs(rows: Rows, name: str) -> list[Figure]:
    """The share of pairs of which both are right; a pair of which one was not asked is left out."""
    pairs = [part["value"].min() == 1.0 for _, part in _by(rows, "pair") if len(part) > 1]
    return [Figure(name, 100 * sum(pairs) / len(pairs), 2 * len(pairs))] if pairs else []


def _nocha(rows: Rows, scores: Rows) -> list[Figure]:
    return _pairs(rows, "pairs with both claims right")


def _long_bio(rows: Rows, scores: Rows) -> list[Figure]:
    return [*_tasks(rows, scores), *_pairs(rows[rows["task"] == "idk"], "idk: refused without, right with the answer")]


def _ancestral(rows: Rows, scores: Rows) -> list[Figure]:
    traced = rows[rows["task"] != "multi_needle"]
    if traced.empty:
        return []
    parts = _by(traced, "needles")
    accuracy = {int(needles): _percent(part) / 100 for needles, part in parts}
    figures = [Figure(f"{int(needles)} needles", _percent(part), len(part)) for needles, part in parts]
    return [*figures, *(Figure(f"ENL-{t}", enl(accuracy, t / 100), len(traced), "needles") for t in (60, 50))]


def _helmet(rows: Rows, scores: Rows) -> list[Figure]:
    figures = []
    for category, tasks in _HELMET.items():
        part = rows[rows["task"].isin(tasks)]
        if len(part):
            figures.append(Figure(category, _over_tasks(part), len(part)))
    if len(figures) > 1:
        mean = sum(figure.value or 0.0 for figure in figures) / len(figures)
        figures.append(Figure(f"mean of {len(figures)} of 7 categories", mean, len(rows)))
    return figures


def _babilong(rows: Rows, scores: Rows) -> list[Figure]:
    board = rows[rows["task"].isin(_LEADERBOARD)]
    tasks = board["task"].nunique()
    some = "qa1-qa5" if tasks == len(_LEADERBOARD) else f"{tasks} of qa1-qa5"
    return [Figure(f"{some} at {int(length):,}", _over_tasks(p), len(p)) for length, p in _by(board, "length")]


def _loogle(rows: Rows, scores: Rows) -> list[Figure]:
    """Cloze: masks filled exactly, and partly, over all masks of all questions."""
    masks = {q: len(m.get("masks") or ()) for q, m in zip(rows["question_id"], rows["metadata"], strict=True)}
    total = sum(masks.values())
    figures = []
    for metric, told in (("loogle_cloze", "exact"), ("loogle_cloze_partial", "partial")):
        mine = scores[scores["metric"] == metric]
        if total and len(mine):
            values = dict(zip(mine["question_id"], mine["value"].fillna(0.0), strict=True))
            filled = sum(number * float(values.get(question, 0.0)) for question, number in masks.items())
            figures.append(Figure(f"cloze, {told} match over masks", 100 * filled / total, total, "%"))
    return [*_tasks(rows, scores), *figures]


def _loong(rows: Rows, scores: Rows) -> list[Figure]:
    figures = []
    for metric, part in scores[scores["metric"].str.startswith("judge:loong")].groupby("metric"):
        told = loong_summary([None if pd.isna(value) else round(100 * value) for value in part["value"]])
        figures.append(Figure(f"{metric}: avg score", told["avg_score"], len(part)))
        for name in ("perfect_rate", "scoring_success_rate"):
            figures.append(Figure(f"{metric}: {name.replace('_', ' ')}", 100 * told[name], len(part)))
    return figures


# corpus name, or its beginning before a hyphen → what makes its figures; longer names stand first
_MAKERS: tuple[tuple[str, Callable[[Rows, Rows], list[Figure]]], ...] = (
    ("longbench-v2", _longbench_v2), ("longbench-e", _longbench_e), ("longbench", _longbench), ("ruler", _ruler),
    ("nolima", _nolima), ("longmemeval", _longmemeval), ("locomo", _locomo), ("nocha", _nocha), ("long_bio", _long_bio),
    ("ancestral_trace", _ancestral), ("helmet", _helmet), ("babilong", _babilong), ("loogle", _loogle),
    ("loong", _loong), ("infinitebench", _tasks), ("leval", _tasks), ("lara", _tasks), ("lv-eval", _tasks),
)  # fmt: skip
OTHER_METRICS = ("loogle", "loong")  # whose figures are made of other scores than the headline ones
