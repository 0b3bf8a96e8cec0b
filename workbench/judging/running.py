"""A language model judges the answers of a log: each by itself, part by part, or in pairs for a ranking.

Verdicts are scores with the prompt's id and the raw reply in their reason, beside the metrics of the same answers; the
judge's calls go through the gateway like all others (phase `score`), so they are cached, counted and paid once.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workbench.errors import InputError, RunStopped, StoreError, WorkbenchError
from workbench.evaluation.metrics._registry import NotApplicable
from workbench.judging.judge import Verdict, judge_answer, judge_pair
from workbench.judging.judgements import FIGURES, JUDGEMENTS
from workbench.judging.parts import Judged
from workbench.judging.prompts import PAIRWISE, PROMPTS, JudgePrompt, judge_prompt, longmemeval_prompt
from workbench.records import Message, Score
from workbench.text import combined_hash

if TYPE_CHECKING:
    import pandas as pd

    from workbench.experiment.budget import Ledger
    from workbench.llm.gateway import Gateway
    from workbench.runlog.store import RunLog

REPLY_TOKENS = 400
_AFTER_METRICS, _AFTER_VERDICTS = 1_000, 2_000  # positions of verdicts and of pairs behind an answer's own metrics


@dataclass(frozen=True, slots=True)
class Judging:
    """What a session of judging did: verdicts by value, those without one, calls and their cost."""

    metric: str
    judged: int
    without_verdict: int
    calls: int
    replayed: int
    spent_usd: float
    stopped: str | None


@dataclass(frozen=True, slots=True)
class JudgeOptions:
    """Who judges what: a model of the provider list (or an object), at most `limit` questions a corpus, a budget."""

    model: Any
    model_options: Mapping[str, Any]
    experiment: str | None = None
    limit: int | None = None
    budget_usd: float | None = None
    concurrency: int = 8


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
    frame = _answers(database, options)
    name = f"judge:{prompt}"

    def judged(session: _Session, row: Mapping[str, Any]) -> list[Score]:
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

    tasks = [(row["run_id"], row["question_id"], row) for row in _records(frame)]
    return _session(database, options, name, (name,), tasks, judged, _AFTER_METRICS)


def _judge_parts(database: Path, options: JudgeOptions, name: str) -> Judging:
    """A judgement of many verdicts an answer: its figures join the answer's scores, named `judge:<figure>:<model>`."""
    from workbench.runlog.reader import RunLogReader

    reader = RunLogReader(database)
    frame = _answers(database, options)
    contexts = {str(row["context_id"]): row["documents"] for row in _records(reader.contexts())}

    @lru_cache(maxsize=2)  # answers are judged in the order of their questions
    def documents(context_id: str) -> tuple[str, ...]:
        rows = contexts.get(context_id, [])
        texts = reader.texts([row["text_hash"] for row in rows])
        told = [(row["title"], texts.get(row["text_hash"], "")) for row in rows]
        return tuple(f"Title: {title}\n{text}" if title else text for title, text in told)

    def judged(session: _Session, row: Mapping[str, Any]) -> list[Score]:
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

    records = sorted(_records(frame), key=lambda row: (str(row["context_id"]), str(row["question_id"]), row["run_id"]))
    tasks = [(row["run_id"], row["question_id"], row) for row in records]
    figures = tuple(f"judge:{figure}" for figure in FIGURES[name])
    return _session(database, options, f"judge:{name}", figures, tasks, judged, _AFTER_METRICS)


def _judges_answers(prompt: JudgePrompt) -> bool:
    """Whether a prompt is shown an answer and, beside it, only what a question's gold can be."""
    return "answer" in prompt.parts and set(prompt.parts) <= {
        "question", "answer", "reference answers", "rubric", "explanation"
    }  # fmt: skip


def judge_pairs(database: Path, options: JudgeOptions, pipelines: Sequence[str] = ()) -> Judging:
    """Judge the answers of every two pipelines to the same question by the same model, in both orders.

    `pipelines`: only these. Raises InputError when no question was answered twice.
    """
    frame = _answers(database, options)
    if pipelines:
        frame = frame[frame["pipeline"].isin(list(pipelines))]
    tasks = []
    for _, group in frame.sort_values("run_id").groupby(["corpus_fingerprint", "model", "question_id"], sort=False):
        for a, b in combinations(_records(group), 2):
            if a["pipeline"] != b["pipeline"]:
                tasks.append((a["run_id"], a["question_id"], (a, b)))
    if not tasks:
        raise InputError("no question was answered by two pipelines of one model", file=database)

    def judged(session: _Session, pair: tuple[Mapping[str, Any], Mapping[str, Any]]) -> list[Score]:
        a, b = pair
        question = session.questions[a["corpus_fingerprint"], a["question_id"]]
        ask = session.asker(a["run_id"], a["question_id"], PAIRWISE.prompt_id, b["run_id"])
        found = judge_pair(ask, question=question["text"], a=a["text"], b=b["text"], references=question["answers"])
        metric = f"pair:{PAIRWISE.prompt_id}:{session.judge}:{b['run_id']}"
        return [Score(metric, found.value, _told(found.orders, found.consistent))]

    name = f"pair:{PAIRWISE.prompt_id}"
    return _session(database, options, name, (name,), tasks, judged, _AFTER_VERDICTS)


def _records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    return [{str(name): value for name, value in row.items()} for row in frame.to_dict("records")]


def _told(orders: Iterable[Verdict], consistent: bool | None) -> str:
    verdicts = list(orders)
    reasons = [verdict.reason for verdict in verdicts if verdict.reason]
    told = {
        "prompt": PAIRWISE.prompt_id,
        "consistent": consistent,
        "raw": [v.raw[-1] if v.raw else "" for v in verdicts],
    }
    return json.dumps(told | ({"reason": "; ".join(dict.fromkeys(reasons))} if reasons else {}), ensure_ascii=False)


def _answers(database: Path, options: JudgeOptions) -> pd.DataFrame:
    from workbench.runlog.reader import RunLogReader

    reader = RunLogReader(database)
    experiment = options.experiment
    if experiment is None:
        experiments = reader.experiments()
        experiment = None if experiments.empty else str(experiments["experiment_id"].iloc[0])
    frame = reader.answers(experiment)
    frame = frame[(frame["status"] == "ok") & frame["text"].notna()]
    if frame.empty:
        raise InputError("holds no answers yet", file=database, fix="run an experiment first: workbench run FILE")
    if options.limit is None:
        return frame
    # the same questions for every pipeline, and a smaller limit is a part of a larger one
    keys = sorted(
        {(f, q) for f, q in zip(frame["corpus_fingerprint"], frame["question_id"], strict=True)},
        key=lambda key: combined_hash(*key),
    )
    taken: dict[str, set[str]] = {}
    for fingerprint, question_id in keys:
        chosen = taken.setdefault(fingerprint, set())
        if len(chosen) < options.limit:
            chosen.add(question_id)
    kept = [q in taken[f] for f, q in zip(frame["corpus_fingerprint"], frame["question_id"], strict=True)]
    return frame[kept]


@dataclass(frozen=True)
class _Session:
    """The open judge: its gateway, and the questions by corpus version and id."""

    gateway: Gateway
    judge: str
    questions: Mapping[tuple[str, str], Mapping[str, Any]]

    def asker(self, run_id: str, question_id: str, *parts: str) -> Callable[[tuple[Message, ...]], str]:
        """An `ask` whose calls are tagged with the answer they judge, each with a stable id."""
        return self.asker_by_prompt(run_id, question_id, *parts)("")

    def asker_by_prompt(
        self, run_id: str, question_id: str, *parts: str
    ) -> Callable[[str], Callable[[tuple[Message, ...]], str]]:
        """The same for several prompts of one answer; a call's step names its prompt."""
        from workbench.llm.gateway import CallTag
        from workbench.llm.model import ChatRequest

        base = combined_hash("judge", self.judge, run_id, question_id, *parts)[:24]
        count = 0

        def asker(prompt_id: str) -> Callable[[tuple[Message, ...]], str]:
            def ask(messages: tuple[Message, ...]) -> str:
                nonlocal count
                count += 1
                step = f"judge:{prompt_id}" if prompt_id else "judge"
                tag = CallTag(run_id, question_id, None, "score", step, call_id=f"{base}-{count}")
                return self.gateway.complete(ChatRequest(messages, REPLY_TOKENS), tag).text

            return ask

        return asker


def _session(
    database: Path,
    options: JudgeOptions,
    name: str,
    metrics: Sequence[str],
    tasks: Sequence[tuple[str, str, Any]],
    judged: Callable[[_Session, Any], list[Score]],
    first: int,
) -> Judging:
    from workbench.experiment.budget import PRICE_IT, Ledger, check_priced
    from workbench.experiment.schema import Budget
    from workbench.llm.cache import ResponseCache
    from workbench.llm.gateway import Gateway
    from workbench.llm.prices import price_for
    from workbench.llm.providers.opening import open_model
    from workbench.runlog.reader import RunLogReader
    from workbench.runlog.store import RunLog

    model = open_model(options.model, **options.model_options)
    price = price_for(model.name, options.model_options)
    check_priced(options.budget_usd, [(model, price)], field="budget", fix=PRICE_IT)
    questions = {
        (str(row["corpus_fingerprint"]), str(row["question_id"])): row
        for row in _records(RunLogReader(database).questions())
    }
    ledger = Ledger(Budget(usd=options.budget_usd))
    cache = ResponseCache(database.with_name("responses.sqlite"))
    with RunLog(database) as log, cache:

        def record(call: Any, prompt: str, reply: str | None) -> None:
            ledger.add(call)
            log.add_call(call, prompt, reply)

        gateway = Gateway(model, price=price, cache=cache, concurrency=options.concurrency, record=record, guard=ledger)
        try:
            session = _Session(gateway, model.name, questions)
            missing = [f"{metric}:{model.name}" for metric in metrics]
            counts, stopped = _run(session, options, tasks, judged, log, missing, first)
        finally:
            gateway.close()
    return _summary(f"{name}:{model.name}", counts, ledger, stopped)


def _run(
    session: _Session,
    options: JudgeOptions,
    tasks: Sequence[tuple[str, str, Any]],
    judged: Callable[[_Session, Any], list[Score]],
    log: RunLog,
    metrics: Sequence[str],
    first: int,
) -> tuple[list[int], str | None]:
    """Judge all tasks, several at a time: the numbers of answers with a verdict and without, and why it stopped.
    `metrics`: the scores that an answer lacks when it cannot be judged; the first one tells whether it was."""
    counts = [0, 0]
    stopped: list[str] = []
    lock = threading.Lock()

    def one(task: tuple[str, str, Any]) -> None:
        run_id, question_id, what = task
        if stopped:
            return
        try:
            scores = judged(session, what)
        except RunStopped as reached:
            stopped.append(str(reached))
            return
        except StoreError:  # nothing can be kept any more, so nothing more is paid for
            session.gateway.refuse("nothing can be kept any more")
            raise
        except WorkbenchError as error:  # a dead server or a window that is too small: no verdict, and why
            scores = [Score(metric, None, f"{type(error).__name__}: {error}") for metric in metrics]
        with lock:
            log.add_scores(run_id, question_id, scores, first=first)
            counts[scores[0].value is None] += 1

    workers = min(options.concurrency, getattr(session.gateway.model, "max_parallel", options.concurrency))
    with ThreadPoolExecutor(max_workers=max(1, workers)) as pool:
        for _ in pool.map(one, tasks):
            pass
    return counts, stopped[0] if stopped else None


def _summary(metric: str, counts: Sequence[int], ledger: Ledger, stopped: str | None) -> Judging:
    return Judging(metric, counts[0], counts[1], ledger.calls, ledger.replayed, ledger.usd, stopped)
