"""A language model judges the answers of a log: each by itself, part by part, or in pairs for a ranking.

Verdicts are scores with the prompt's id and the raw reply in their reason, beside the metrics of the same answers.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import combinations
from pathlib import Path
from typing import Any

from workbench.errors import InputError
from workbench.evaluation.metrics._registry import NotApplicable
from workbench.judging.judge import Verdict, judge_answer, judge_pair
from workbench.judging.judgements import FIGURES, JUDGEMENTS
from workbench.judging.material import answers_to_judge, documents_of, records
from workbench.judging.parts import Judged
from workbench.judging.prompts import PAIRWISE, PROMPTS, JudgePrompt, judge_prompt, longmemeval_prompt
from workbench.judging.session import JudgeOptions, Judging, Session, Task, judge_all
from workbench.records import Score

_AFTER_METRICS, _AFTER_VERDICTS = 1_000, 2_000  # positions of verdicts and of pairs behind an answer's own metrics


def prompt_for(name: str, task: str, metadata: Mapping[str, Any], question_id: str) -> JudgePrompt:
    """The prompt of that name for a question: `longmemeval` and `lara` choose by the question's type.

    Raises UnknownName.
    """
    if name == "longmemeval":
        return longmemeval_prompt(str(metadata.get("question_type") or task), question_id)
    if name == "lara" and ("hallu" in task or metadata.get("unanswerable")):
        return judge_prompt("lara_hallucination")
    return judge_prompt(name)


def judge_answers(database: Path, options: JudgeOptions, prompt: str = "correctness") -> Judging:
    """Judge each answered question of an experiment against its gold; verdicts join the answers' scores. `prompt`: one
    that is shown an answer, or a judgement part by part (`JUDGEMENTS`).

    Raises InputError for a log without answers or a prompt that is shown no answer, UnknownName for an unknown one.
    """
    if prompt in JUDGEMENTS:
        return _judge_parts(database, options, prompt)
    if not _judges_answers(prompt_for(prompt, "", {}, "")):
        usable = [*(name for name, known in PROMPTS.items() if _judges_answers(known)), *JUDGEMENTS]
        raise InputError(
            f"{prompt} does not judge an answer against its gold", field="--prompt",
            fix=f"it asks about single insights, statements, sections or rows; use one of {', '.join(usable)}",
        )  # fmt: skip
    frame = answers_to_judge(database, options.experiment, options.limit)
    name = f"judge:{prompt}"

    def judge(session: Session, row: Mapping[str, Any]) -> list[Score]:
        question = session.questions[row["corpus_fingerprint"], row["question_id"]]
        chosen = prompt_for(prompt, question["task"], question["metadata"], row["question_id"])
        metric = f"{name}:{session.judge}"
        references = question["answers"] or (
            ["(the text does not say)"] if question["metadata"].get("unanswerable") else []
        )
        if not references:
            return [Score(metric, None, "the question has no gold answer")]
        ask = session.asker(row["run_id"], row["question_id"], chosen.prompt_id)
        verdict = judge_answer(ask, chosen, question=question["text"], answer=row["text"], references=references)
        return [verdict.as_score(metric)]

    tasks = [Task(row["run_id"], row["question_id"], row) for row in records(frame)]
    return judge_all(database, options, tasks, judge, name=name, metrics=(name,), first=_AFTER_METRICS)


def _judge_parts(database: Path, options: JudgeOptions, name: str) -> Judging:
    """A judgement of many verdicts an answer: its figures join the answer's scores, named `judge:<figure>:<model>`."""
    frame = answers_to_judge(database, options.experiment, options.limit)
    documents = documents_of(database)

    def judge(session: Session, row: Mapping[str, Any]) -> list[Score]:
        question = session.questions[row["corpus_fingerprint"], row["question_id"]]
        material = Judged(
            question["text"], row["text"], question["answers"], documents(str(question["context_id"])),
            str(question["task"]), question["metadata"] or {},
        )  # fmt: skip
        asker = session.asker_by_prompt(row["run_id"], row["question_id"], name)
        try:
            scores = JUDGEMENTS[name](asker, material)
        except NotApplicable as why:
            scores = [Score(f"judge:{figure}", None, str(why)) for figure in FIGURES[name]]
        return [replace(score, metric=f"{score.metric}:{session.judge}") for score in scores]

    # by context, since few contexts' documents are held at a time
    rows = sorted(records(frame), key=lambda row: (str(row["context_id"]), str(row["question_id"]), row["run_id"]))
    tasks = [Task(row["run_id"], row["question_id"], row) for row in rows]
    figures = tuple(f"judge:{figure}" for figure in FIGURES[name])
    return judge_all(database, options, tasks, judge, name=f"judge:{name}", metrics=figures, first=_AFTER_METRICS)


def _judges_answers(prompt: JudgePrompt) -> bool:
    """Whether a prompt is shown an answer and, beside it, only what a question's gold can be."""
    return "answer" in prompt.parts and set(prompt.parts) <= {
        "question", "answer", "reference answers", "rubric", "explanation"
    }  # fmt: skip


def judge_pairs(database: Path, options: JudgeOptions, pipelines: Sequence[str] = ()) -> Judging:
    """Judge the answers of every two pipelines to the same question by the same model, in both orders.

    `pipelines`: only these; empty: all. Raises InputError for a log without answers, or when no question was answered
    by two pipelines of one model.
    """
    frame = answers_to_judge(database, options.experiment, options.limit)
    if pipelines:
        frame = frame[frame["pipeline"].isin(list(pipelines))]
    tasks = []
    for _, group in frame.sort_values("run_id").groupby(["corpus_fingerprint", "model", "question_id"], sort=False):
        for a, b in combinations(records(group), 2):
            if a["pipeline"] != b["pipeline"]:
                tasks.append(Task(a["run_id"], a["question_id"], (a, b)))
    if not tasks:
        raise InputError("no question was answered by two pipelines of one model", file=database)

    def judge(session: Session, pair: tuple[Mapping[str, Any], Mapping[str, Any]]) -> list[Score]:
        a, b = pair
        question = session.questions[a["corpus_fingerprint"], a["question_id"]]
        ask = session.asker(a["run_id"], a["question_id"], PAIRWISE.prompt_id, b["run_id"])
        found = judge_pair(ask, question=question["text"], a=a["text"], b=b["text"], references=question["answers"])
        metric = f"pair:{PAIRWISE.prompt_id}:{session.judge}:{b['run_id']}"
        return [Score(metric, found.value, _told(found.orders, found.consistent))]

    name = f"pair:{PAIRWISE.prompt_id}"
    return judge_all(database, options, tasks, judge, name=name, metrics=(name,), first=_AFTER_VERDICTS)


def _told(orders: Iterable[Verdict], consistent: bool | None) -> str:
    """The verdicts of both orders as the reason of a pair's score, JSON."""
    verdicts = list(orders)
    reasons = [verdict.reason for verdict in verdicts if verdict.reason]
    told = {
        "prompt": PAIRWISE.prompt_id,
        "consistent": consistent,
        "raw": [v.raw[-1] if v.raw else "" for v in verdicts],
    }
    return json.dumps(told | ({"reason": "; ".join(dict.fromkeys(reasons))} if reasons else {}), ensure_ascii=False)
