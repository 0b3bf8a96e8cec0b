"""A session of judging: one judge is opened, asked about many answers at a time within a budget, and closed.

Its calls go through the gateway like all others (phase `score`), so they are cached, counted and paid once. Each call
has an id made of the judge and of what it judges: a rerun overwrites the records of its calls instead of adding some.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workbench.errors import NoText, RunStopped, StoreError, WorkbenchError
from workbench.judging.judge import Ask
from workbench.judging.material import questions_of
from workbench.judging.parts import Asker
from workbench.records import Message, Score
from workbench.text import combined_hash

if TYPE_CHECKING:
    from workbench.llm.gateway import Gateway
    from workbench.runlog.store import RunLog

REPLY_TOKENS = 400  # visible tokens of each reply of a judge, at most
_FIRST = 10  # tasks without a verdict after which a judge that has said nothing is not asked again


@dataclass(frozen=True, slots=True)
class JudgeOptions:
    """Who judges what, and what it may cost.

    `model`: a name that the provider list knows, or a model object. `experiment`: its name or id; None is the newest of
    the log. `limit`: at most so many questions of each corpus. `concurrency`: at most so many calls at a time.
    """

    model: Any
    model_options: Mapping[str, Any]
    experiment: str | None = None
    limit: int | None = None
    budget_usd: float | None = None
    concurrency: int = 8


@dataclass(frozen=True, slots=True)
class Judging:
    """What a session did: how many answers or pairs got a verdict under `metric` and how many did not, and the judge's
    calls, of which `replayed` came from the cache. `stopped`: why it ended early, None when it did not. `reasons`:
    why answers have no verdict, with their number."""

    metric: str
    judged: int
    without_verdict: int
    calls: int
    replayed: int
    spent_usd: float
    stopped: str | None
    reasons: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Task:
    """One thing to judge: `what` is an answer or a pair of answers, and its scores join those of the answer of this run
    to this question."""

    run_id: str
    question_id: str
    what: Any


@dataclass(frozen=True)
class Session:
    """The open judge: its gateway and name, and the log's questions by corpus fingerprint and id."""

    gateway: Gateway
    judge: str
    questions: Mapping[tuple[str, str], Mapping[str, Any]]

    def asker(self, run_id: str, question_id: str, *parts: str) -> Ask:
        """What asks the judge about one answer; its calls are numbered, and their ids are the same in every rerun."""
        return self.asker_by_prompt(run_id, question_id, *parts)("")

    def asker_by_prompt(self, run_id: str, question_id: str, *parts: str) -> Asker:
        """The same for several prompts about one answer; the step of a call names its prompt."""
        from workbench.llm.gateway import CallTag
        from workbench.llm.model import ChatRequest, temperature_of

        base = combined_hash("judge", self.judge, run_id, question_id, *parts)[:24]
        count = 0
        warmth = temperature_of(self.gateway.model)

        def asker(prompt_id: str) -> Ask:
            def ask(messages: tuple[Message, ...]) -> str:
                nonlocal count
                count += 1
                step = f"judge:{prompt_id}" if prompt_id else "judge"
                tag = CallTag(run_id, question_id, None, "score", step, call_id=f"{base}-{count}")
                return self.gateway.complete(ChatRequest(messages, REPLY_TOKENS, warmth), tag).text

            return ask

        return asker


Judge = Callable[[Session, Any], list[Score]]  # what judges a task's `what`


def judge_all(
    database: Path,
    options: JudgeOptions,
    tasks: Sequence[Task],
    judge: Judge,
    *,
    name: str,
    metrics: Sequence[str],
    first: int,
) -> Judging:
    """Judge all tasks with the model of `options` and write their scores into the log, from position `first` on.

    `name` is what the session's outcome is called. `metrics` are the scores that a task gets without a value when it
    cannot be judged, because a server is down for example; both are completed with the judge's name. A reached budget
    ends the session, and what is judged by then stays.

    Raises InputError for a budget where the model's price is unknown, StoreError when nothing can be written any more.
    """
    from workbench.experiment.budget import PRICE_IT, Ledger, check_priced
    from workbench.experiment.schema import Budget
    from workbench.llm.cache import ResponseCache
    from workbench.llm.gateway import Gateway
    from workbench.llm.prices import price_for
    from workbench.llm.providers.opening import open_model
    from workbench.runlog.store import RunLog

    model = open_model(options.model, **options.model_options)
    price = price_for(model.name, options.model_options)
    check_priced(options.budget_usd, [(model, price)], field="budget", fix=PRICE_IT)
    questions = questions_of(database)
    ledger = Ledger(Budget(usd=options.budget_usd))
    cache = ResponseCache(database.with_name("responses.sqlite"))
    with RunLog(database) as log, cache:

        def record(call: Any, prompt: str, reply: str | None) -> None:
            ledger.add(call)
            log.add_call(call, prompt, reply)

        gateway = Gateway(model, price=price, cache=cache, concurrency=options.concurrency, record=record, guard=ledger)
        try:
            session = Session(gateway, model.name, questions)
            missing = [f"{metric}:{model.name}" for metric in metrics]
            done = _judge_each(session, options, tasks, judge, log, missing, first)
        finally:
            gateway.close()
    return Judging(
        metric=f"{name}:{model.name}",
        judged=done.judged,
        without_verdict=done.reasons.total(),
        calls=ledger.calls,
        replayed=ledger.replayed,
        spent_usd=ledger.usd,
        stopped=done.stopped,
        reasons=dict(done.reasons.most_common()),
    )


@dataclass
class _Tally:
    """How tasks have ended so far: verdicts, why there are none, and why no more are asked for."""

    judged: int = 0
    reasons: Counter[str] = field(default_factory=Counter)
    stopped: str | None = None

    def see(self, score: Score, error: WorkbenchError | None) -> None:
        """Count a task. When the first ten get no verdict because the judge says nothing, the rest is not paid for."""
        if score.value is not None:
            self.judged += 1
            return
        self.reasons[score.reason] += 1
        silent = sum(number for reason, number in self.reasons.items() if reason.startswith("NoText"))
        if not self.judged and silent >= _FIRST and self.stopped is None and isinstance(error, NoText):
            option = error.advice.replace(": ", "=", 1)
            told = f"; try it with -o '{option}'" if option else ""
            self.stopped = f"the judge says nothing in its first {silent} replies ({error}){told}"


def _judge_each(
    session: Session,
    options: JudgeOptions,
    tasks: Sequence[Task],
    judge: Judge,
    log: RunLog,
    metrics: Sequence[str],
    first: int,
) -> _Tally:
    """Judge the tasks, several at a time. `metrics`: the scores that a task lacks when it cannot be judged; the first
    one tells whether it was."""
    tally = _Tally()
    lock = threading.Lock()

    def one(task: Task) -> None:
        if tally.stopped is not None:
            return
        failure: WorkbenchError | None = None
        try:
            scores = judge(session, task.what)
        except RunStopped as reached:
            tally.stopped = tally.stopped or str(reached)
            return
        except StoreError:  # nothing can be kept any more, so nothing more is paid for
            session.gateway.refuse("nothing can be kept any more")
            raise
        except WorkbenchError as error:  # a dead server or a window that is too small: no verdict, and why
            failure = error
            scores = [Score(metric, None, f"{type(error).__name__}: {error}") for metric in metrics]
        with lock:
            log.add_scores(task.run_id, task.question_id, scores, first=first)
            tally.see(scores[0], failure)

    workers = min(options.concurrency, getattr(session.gateway.model, "max_parallel", options.concurrency))
    with ThreadPoolExecutor(max_workers=max(1, workers)) as pool:
        for _ in pool.map(one, tasks):
            pass
    return tally
