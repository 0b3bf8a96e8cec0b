"""Replays: our scores of published prediction files, beside the published official scores.

The files are those of the benchmarks' own repositories, in a folder with the subfolders `infinitebench/results`,
`leval/Predictions`, `babilong/babilong_evals`, `summhay` and `rag_cookbook`. Official values have as many digits as
were printed; scores of answers are in percent, agreement and retrieval from 0 to 1.
"""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from math import floor
from pathlib import Path
from typing import Any

from workbench.errors import InputError
from workbench.evaluation.metrics import metric
from workbench.evaluation.metrics.citations import coverage_value
from workbench.evaluation.metrics.evidence import ranked_ids
from workbench.evaluation.metrics.leval_rules import geometric_rouge
from workbench.judging.agreement import correlation

Scorer = Callable[[Path], tuple[float, int]]  # from a file to our unrounded value and the number of answers


@dataclass(frozen=True, slots=True)
class Replay:
    """One published file, how we score it, and the official value, rounded to `digits` decimals (`cut`: truncated).

    When `official` is None, the value is in the file itself (`in_file`), or it is unknown: then our value is shown
    without a comparison.
    """

    benchmark: str
    task: str
    system: str
    file: str
    official: float | None
    score: Scorer
    digits: int = 2
    cut: bool = False
    in_file: bool = False

    def printed(self, value: float) -> float:
        """A value as the official table would print it."""
        return floor(value * 10**self.digits) / 10**self.digits if self.cut else round(value, self.digits)


def json_lines(file: Path) -> Iterator[dict[str, Any]]:
    """The objects of a JSON-lines file. Raises InputError with the number of the first line that is not one."""
    with file.open(encoding="utf-8-sig", errors="replace") as lines:
        for number, line in enumerate(lines, 1):
            if not line.strip():
                continue
            try:
                row = json.loads(line)
            except ValueError as error:
                raise InputError(f"line {number} is no JSON: {error}", file=file) from None
            if not isinstance(row, dict):
                raise InputError(f"line {number} is no JSON object", file=file)
            yield row


def _mean(scores: list[float], file: Path) -> tuple[float, int]:
    if not scores:
        raise InputError("holds no predictions", file=file)
    return 100 * sum(scores) / len(scores), len(scores)


def _field(row: Mapping[str, Any], name: str, file: Path) -> Any:
    if name not in row:
        raise InputError(f"a row has no {name!r}", file=file, fix=f"it has {', '.join(map(str, row))}")
    return row[name]


def _infinitebench(file: Path, *, task: str) -> tuple[float, int]:
    rule = metric("infinitebench")
    scores = []
    for row in json_lines(file):
        gold = _field(row, "ground_truth", file)
        references = [str(value) for value in gold] if isinstance(gold, list) else [str(gold)]
        scores.append(rule(str(_field(row, "prediction", file)), references, task=task))
    return _mean(scores, file)


def _leval_pairs(file: Path) -> list[tuple[str, str]]:
    pairs = []
    for row in json_lines(file):
        name = next((key for key in row if "_pred" in key), "<model>_pred")
        pairs.append((str(_field(row, name, file)), str(_field(row, "gt", file))))
    return pairs


def _leval(file: Path, *, task: str, part: tuple[int, int] = (0, 1)) -> tuple[float, int]:
    rule = metric("leval")
    return _mean([rule(said, [gold], task=task) for said, gold in _leval_pairs(file)[part[0] :: part[1]]], file)


def _leval_rouge(file: Path, *, variant: str) -> tuple[float, int]:
    pairs = _leval_pairs(file)
    return geometric_rouge([said for said, _ in pairs], [[gold] for _, gold in pairs])[variant], len(pairs)


def _babilong(file: Path, *, task: str) -> tuple[float, int]:
    rule = metric("babilong")
    csv.field_size_limit(2**30)
    with file.open(encoding="utf-8", newline="") as lines:
        rows = list(csv.DictReader(lines))
    said = [_field(row, "output", file) for row in rows]
    pairs = zip(rows, said, strict=True)
    return _mean([rule(text, [row["target"]], task=task, question=row["question"]) for row, text in pairs], file)


def _summhay(file: Path, *, judge: str, link: bool) -> tuple[float, int]:
    """A judge's agreement with the annotators: correlation of coverage values, or (`link`) accuracy of the bullets."""
    people: list[float] = []
    judged: list[float] = []
    links: dict[tuple[str, str], tuple[str, Any]] = {}  # a later summary of the same insight replaces an earlier one
    for row in json.loads(file.read_text(encoding="utf-8")):
        verdicts = {verdict["insight_id"]: verdict for verdict in row[judge]}
        for note in row["annotation"]:
            verdict = verdicts[note["insight_id"]]
            people.append(coverage_value(note["coverage"]))
            judged.append(coverage_value(verdict["coverage"]))
            links[row["summkey"], note["insight_id"]] = (note["candidate_id"], verdict["bullet_id"])
    if not link:
        return correlation(people, judged) or 0.0, len(people)
    # annotators count bullets from 0, judges from 1; compared only where both chose one
    both = [int(a) == b - 1 for a, b in links.values() if isinstance(b, int) and a != "no_selection"]
    return sum(both) / len(both), len(both)


def _cookbook(file: Path, *, provider: str, figure: str, official: bool) -> tuple[float, int]:
    """Mean of a retrieval measure over questions: as the official code printed it in each row, or computed by us."""
    values = []
    for row in json_lines(file):
        printed = re.search(_COOKBOOK[figure] + r": ([\d.]+)", f"{row['reason']} {row['error']}")
        if row["provider"] != provider or printed is None:
            continue
        ours = ranked_ids(row["retrieved"] or [], json.loads(row["correct_chunks"]))[figure]
        values.append(float(printed.group(1)) if official else ours)
    if not values:
        raise InputError(f"holds no rankings of {provider}", file=file)
    return sum(values) / len(values), len(values)


_INFINITEBENCH: Mapping[str, tuple[float, float]] = {  # task: gpt4, kimi
    "passkey": (100.00, 98.14),
    "number_string": (100.00, 95.42),
    "kv_retrieval": (89.00, 53.60),
    "longbook_qa_eng": (22.44, 16.52),
    "longbook_choice_eng": (67.25, 72.49),
    "longdialogue_qa_eng": (8.50, 11.50),
    "longbook_qa_chn": (25.96, 17.93),
    "code_debug": (37.06, 17.77),
    "code_run": (23.25, 2.00),
    "math_find": (60.00, 12.57),
}
_LEVAL: Mapping[str, tuple[float, float]] = {  # task: gpt4-32k, turbo-16k-0613
    "tpo": (84.39, 78.44),
    "quality": (82.18, 61.39),
    "coursera": (75.58, 63.52),
    "gsm100": (96.00, 84.00),
    "codeU": (25.56, 12.22),
}
_LEVAL_TOPICS = ((100.0, 96.0), (100.0, 98.0), (86.0, 44.0))  # first, second, third topic
# turbo-16k-0613 in L-Eval's n-gram leaderboard; the first figure is truncated there, the others are rounded
_LEVAL_F1 = {"financial_qa": 45.36, "multidoc_qa": 31.45, "natural_question": 45.90, "scientific_qa": 28.25}
_LEVAL_ROUGE = {"gov_report_summ": (45.90, 15.60, 23.64), "meeting_summ": (30.20, 7.22, 19.31)}
_LENGTHS = ("0k", "1k", "2k", "4k", "8k", "16k", "32k", "64k", "128k", "512k", "1M")
_BABILONG: Mapping[str, tuple[float, ...]] = {
    "qa1": (100.0, 99.9, 99.8, 99.5, 99.7, 91.3, 77.2, 75, 66, 61, 57),
    "qa2": (98.3, 94.7, 92.8, 84.2, 68.7, 59.1, 49.7, 44, 31, 35, 28),
    "qa3": (87.0, 85.7, 80.8, 70.0, 54.9, 44.9, 29.7, 27, 21, 21, 30),
    "qa4": (100.0, 99.4, 99.3, 97.4, 96.8, 87.8, 78.9, 74, 62, 74, 71),
    "qa5": (97.4, 97.4, 95.8, 94.2, 91.7, 89.3, 82.4, 77, 62, 67, 67),
}
_SUMMHAY = {  # judge: correlation with the annotators, accuracy of the link to a bullet
    "predictions_prompted_gemini-1.5-pro": (0.751, 0.893),
    "predictions_9fs_gpt-4o": (0.719, 0.892),
    "predictions_prompted_gpt-4o": (0.716, 0.889),
    "predictions_prompted_claude3-opus": (0.677, 0.879),
    "predictions_prompted_claude3-haiku": (0.498, 0.877),
    "predictions_prompted_gpt3.5": (0.495, 0.867),
}
_COOKBOOK = {"precision": "Precision", "recall": "Recall", "f1": "F1 Score", "mrr": "MRR"}


def _answers() -> Iterator[Replay]:
    for task, values in _INFINITEBENCH.items():
        for system, official in zip(("gpt4", "kimi"), values, strict=True):
            file = f"infinitebench/results/{system}/preds_{task}.jsonl"
            yield Replay("InfiniteBench", task, system, file, official, partial(_infinitebench, task=task))
    summaries = "infinitebench/results/gpt4/preds_longbook_sum_eng.jsonl"
    score = partial(_infinitebench, task="longbook_sum_eng")
    yield Replay("InfiniteBench", "longbook_sum_eng", "gpt4", summaries, 14.73, score)
    topic = "topic_retrieval_longchat"
    for position, system in enumerate(("gpt4-32k", "turbo-16k-0613")):
        folder = f"leval/Predictions/exam_eval/{system}"
        for task, values in _LEVAL.items():
            file = f"{folder}/{task}.pred.jsonl"
            yield Replay("L-Eval", task, system, file, values[position], partial(_leval, task=task))
        for number, pair in enumerate(_LEVAL_TOPICS):
            score = partial(_leval, task=topic, part=(number, 3))
            file = f"{folder}/{topic}.pred.jsonl"
            yield Replay("L-Eval", f"{topic} {number + 1}", system, file, pair[position], score)
    turbo = "turbo-16k-0613"
    for task, official in _LEVAL_F1.items():
        file = f"leval/Predictions/ngram_eval/{turbo}/{task}.pred.jsonl"
        yield Replay("L-Eval", task, turbo, file, official, partial(_leval, task=task), cut=task == "financial_qa")
    for task, three in _LEVAL_ROUGE.items():
        file = f"leval/Predictions/ngram_eval/{turbo}/{task}.pred.jsonl"
        for variant, official in zip(("rouge1", "rouge2", "rougeL"), three, strict=True):
            score = partial(_leval_rouge, variant=variant)
            yield Replay("L-Eval", f"{task} {variant}", turbo, file, official, score)
    for task, scores in _BABILONG.items():
        for length, official in zip(_LENGTHS, scores, strict=True):
            name = f"{task}_{length}_instruction_yes_examples_yes_post_prompt_yes_chat_template_no.csv"
            file = f"babilong/babilong_evals/google/gemini-3-flash-preview/{name}"
            score = partial(_babilong, task=task)
            yield Replay("BABILong", f"{task} {length}", "gemini-3-flash-preview", file, official, score, digits=1)


def _without_official() -> Iterator[Replay]:
    """Published predictions whose official scores are unknown: scored by us and shown without a comparison."""
    steps = "code_debug_step_by_step"
    file = f"infinitebench/results/gpt4/preds_{steps}.jsonl"
    yield Replay("InfiniteBench", steps, "gpt4", file, None, partial(_infinitebench, task="code_debug"))
    llama = "llama2-13b-chat-4k"
    for task in _LEVAL_F1:
        file = f"leval/Predictions/ngram_eval/{llama}/{task}.pred.jsonl"
        yield Replay("L-Eval", task, llama, file, None, partial(_leval, task=task))
    for task in _LEVAL_ROUGE:
        file = f"leval/Predictions/ngram_eval/{llama}/{task}.pred.jsonl"
        for variant in ("rouge1", "rouge2", "rougeL"):
            yield Replay("L-Eval", f"{task} {variant}", llama, file, None, partial(_leval_rouge, variant=variant))


def _agreement_and_retrieval() -> Iterator[Replay]:
    data = "summhay/eval_benchmark_data.json"
    for judge, (coverage, linking) in _SUMMHAY.items():
        name = judge.removeprefix("predictions_").replace("prompted_", "")
        score = partial(_summhay, judge=judge, link=False)
        yield Replay("SummHay judges", "coverage correlation", name, data, coverage, score, digits=3)
        score = partial(_summhay, judge=judge, link=True)
        yield Replay("SummHay judges", "bullet accuracy", name, data, linking, score, digits=3)
    rankings = "rag_cookbook/retrieval_results.jsonl"
    for provider in ("retrieve_base", "retrieve_level_two", "retrieve_level_three"):
        for figure in _COOKBOOK:
            score = partial(_cookbook, provider=provider, figure=figure, official=False)
            yield Replay("Cookbook retrieval", figure, provider, rankings, None, score, digits=6, in_file=True)


REPLAYS = (*_answers(), *_agreement_and_retrieval(), *_without_official())


def official_value(case: Replay, folder: Path) -> float | None:
    """The official value, from the benchmark's table or, for the cookbook's rankings, from the file's rows; None where
    it is unknown."""
    if case.official is not None or not case.in_file:
        return case.official
    score = partial(_cookbook, provider=case.system, figure=case.task, official=True)
    return case.printed(score(folder / case.file)[0])
