"""Run an experiment: what is missing is asked, what is there is kept, and every fact goes to the run log.

One run is one pipeline × model × corpus × seed. Contexts are walked in order; a context's index stage runs once per
run, then its questions run in threads. A question ends as `ok`, `failed` (with the error) or `truncated_failed` (a
prompt did not fit and the method does not trim); none is ever dropped.
"""

from __future__ import annotations

import threading
import time
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from workbench.errors import BudgetReached, ContextOverflow, RunStopped, StoreError
from workbench.evaluation.metrics import VERSIONS, score_answer, score_names
from workbench.evaluation.metrics.refusal import abstains
from workbench.experiment.answer_budget import answer_tokens, largest_budget
from workbench.experiment.bench import Equipment, ExperimentBench, critical_path, first_token
from workbench.experiment.billing import prompt_of
from workbench.experiment.budget import Ledger, Spending, check_priced
from workbench.experiment.collector import rarer_collections
from workbench.experiment.config import Experiment, load
from workbench.experiment.coverage import evidence_coverage
from workbench.experiment.places import check_places
from workbench.experiment.progress import Progress
from workbench.experiment.recording import Recorder, error_line, stored_answer
from workbench.experiment.schedule import ContextJob, PrefixWatch, Schedule, covered, joined
from workbench.experiment.server_prices import server_prices
from workbench.experiment.setup import OpenedModel, PlannedRun, Setup, describe, prepare
from workbench.llm.gateway import Gateway
from workbench.records import Answer, Call, Context, Question
from workbench.retrieval.spending import Bill, watched

if TYPE_CHECKING:
    from workbench.llm.cache import ResponseCache
    from workbench.retrieval.embedding import Embedder
    from workbench.runlog.store import RunLog

T = TypeVar("T")
Status = Literal["ok", "failed", "truncated_failed"]


@dataclass(frozen=True)
class RunSummary:
    """What a call of `run` did: where the log is, and how its questions ended. `stopped`: the budget that is reached;
    `refused`: what was said of models that refused every call; `left`: questions that were not asked for either."""

    database: Path
    experiment_id: str
    answered: int
    failed: int
    kept: int
    spent_usd: float
    calls: int
    replayed: int
    wall_s: float
    stopped: str | None = None
    refused: tuple[str, ...] = ()
    left: int = 0

    @property
    def exit_code(self) -> int:
        """0 all answered, 3 some failed (recorded) or refused, 4 budget reached."""
        return 4 if self.stopped else 3 if self.failed or self.refused else 0


def run(
    source: str | Path | Mapping[str, Any] | Experiment,
    *,
    limit: int | None = None,
    fresh: bool = False,
    progress: bool = True,
    models: Mapping[str, Any] | None = None,
    usd: float | None = None,
) -> RunSummary:
    """Run what is missing of an experiment (a file, a mapping or an `Experiment`) and return a summary.

    `limit`: at most that many questions per corpus. `fresh`: ask again, also what is answered or cached. `models`:
    llama-index LLMs or `Model` objects by the name the experiment gives them. `usd`: a budget in place of the
    experiment's own; it stays the same experiment. Raises InputError before any call.

    Example: `wb.run({"name": "demo", "corpora": ["world"], "models": ["extractive"], "pipelines": ["full_context"]})`
    """
    from workbench.llm.cache import ResponseCache
    from workbench.runlog.store import RunLog

    experiment = load(source)
    check_places(experiment)
    setup = prepare(experiment, limit=limit, model_objects=models)
    budget = experiment.budget
    if usd is not None:
        check_priced(usd, [(opened.model, opened.price) for opened in setup.models], field="usd")
        budget = budget.model_copy(update={"usd": usd})
    started = time.monotonic()
    ledger = Ledger(budget)
    with ResponseCache(experiment.cache_path) as cache, RunLog(experiment.database) as log:
        session = _Session(setup, log, cache, ledger, fresh)
        session.register()
        with Progress(session.pending_questions(), ledger, enabled=progress) as shown, rarer_collections():
            session.walk(shown)
        pending = session.pending_questions()
        log.flush()
        cache.settle([session.recorder.session_id])
        answered, failed, kept, stopped = session.answered, session.failed, session.kept, session.stopped
    return RunSummary(
        database=experiment.database,
        experiment_id=experiment.experiment_id,
        answered=answered,
        failed=failed,
        kept=kept,
        spent_usd=ledger.usd,
        calls=ledger.calls,
        replayed=ledger.replayed,
        wall_s=time.monotonic() - started,
        stopped=stopped,
        refused=tuple(session.refused.values()),
        left=pending - answered - failed,
    )


class _Session:
    """One call of `run`: the open log and cache, one gateway per model, and the counts."""

    def __init__(self, setup: Setup, log: RunLog, cache: ResponseCache, ledger: Ledger, fresh: bool) -> None:
        self.setup = setup
        self.experiment = setup.experiment
        self.log = log
        self.cache = cache
        self.ledger = ledger
        self.fresh = fresh
        self.recorder = Recorder(log, ledger, cache)
        self.answered = self.failed = self.kept = 0
        self.stopped: str | None = None
        self.refused: dict[str, str] = {}  # by model: why no more of its questions are asked
        self._indexes = self.experiment.database.parent / "indexes"
        self._lock = threading.Lock()
        self._counted: dict[str, int] = {}  # tokens by context
        self._watches: dict[str, PrefixWatch] = defaultdict(PrefixWatch)  # by run
        self._busy: dict[str, list[tuple[float, float]]] = defaultdict(list)  # by run: when it had something to do
        earlier = self._settled()
        if not fresh:
            ledger.resume(sum(paid.usd for paid in earlier), sum(paid.tokens for paid in earlier))
        done = {} if fresh else {run.run_id: log.done(run.run_id) for run in setup.runs}
        self._pending = {
            run.run_id: [q for q in run.questions if done.get(run.run_id, {}).get(q.question_id) != "ok"]
            for run in setup.runs
        }
        self.kept = sum(len(run.questions) - len(self._pending[run.run_id]) for run in setup.runs)

    def _settled(self) -> list[Spending]:
        """What earlier sessions have paid for the runs. A session that was killed has left the last of it in the
        response cache only; it is in the run log from now on."""
        logged = self.log.spent([run.run_id for run in self.setup.runs])
        kept = self.cache.payments({session for session, _ in logged})
        paid = {key: Spending(*spent).at_least(kept.get(key, spent)) for key, spent in logged.items()}
        for (session, run), spending in paid.items():
            if spending != logged[session, run]:
                self.log.add_spending(session, run, **spending._asdict())
        return list(paid.values())

    def pending_questions(self) -> int:
        return sum(map(len, self._pending.values()))

    def register(self) -> None:
        """Write what is about to run, before the first call."""
        experiment, log = self.experiment, self.log
        log.add_experiment(
            experiment_id=experiment.experiment_id, name=experiment.name, config=experiment.model_dump(mode="json")
        )
        counted = self._counted
        for corpus in self.setup.corpora:
            for context in corpus.contexts.values():
                if context.context_id not in counted:
                    counted[context.context_id] = self._tokens(context)
                    log.add_context(context, corpus=corpus.name, tokens=counted[context.context_id])
            for question in corpus.questions:
                log.add_question(question, corpus_fingerprint=corpus.fingerprint, corpus=corpus.name)
        for position, planned in enumerate(self.setup.runs):
            variant = planned.variant
            baseline = experiment.baseline in (variant.label, variant.method)
            log.add_run(
                run_id=planned.run_id,
                experiment_id=experiment.experiment_id,
                position=position,
                pipeline=variant.label,
                method=variant.method,
                config=describe(variant),
                model=planned.opened.name,
                corpus=planned.corpus.name,
                corpus_version=planned.corpus.version,
                corpus_fingerprint=planned.corpus.fingerprint,
                corpus_notes=planned.corpus.notes,
                seed=experiment.seed,
                baseline=baseline,
                questions_planned=len(planned.questions),
                price=planned.opened.price,
                model_options=planned.opened.options,
            )
            if self._pending[planned.run_id]:  # what the log knows of a session is looked up in the cache after a kill
                log.add_spending(self.recorder.session_id, planned.run_id, calls=0, usd=0.0, tokens=0)
        log.flush()
        if not self.fresh:
            for planned in self.setup.runs:
                self._score_again(planned)

    def _score_again(self, planned: PlannedRun) -> None:
        """Score kept answers whose metrics or metric versions are no longer those of the experiment; calls nothing."""
        pending = {question.question_id for question in self._pending[planned.run_id]}
        kept = [question for question in planned.questions if question.question_id not in pending]
        found = self.log.answered(planned.run_id) if kept else {}
        for question in kept:
            stored = found[question.question_id]
            answer = stored_answer(stored, planned.corpus.contexts[question.context_id])
            names = score_names(question, answer, self.experiment.metrics)
            if stored["scores"] != [(name, VERSIONS.get(name)) for name in names]:
                scores = score_answer(question, answer, self.experiment.metrics)
                self.log.add_scores(planned.run_id, question.question_id, scores, VERSIONS)

    def _tokens(self, context: Context) -> int:
        from workbench.text import count_tokens

        return sum(count_tokens(document.text) for document in context.documents)

    def walk(self, shown: Progress) -> None:
        """Every model in turn; within a model, corpus by corpus and run by run."""
        from workbench.retrieval.embedding import open_embedder

        embedder = open_embedder(self.experiment.embedder)
        for opened in self.setup.models:
            gateway = Gateway(
                opened.model,
                price=opened.price,
                cache=self.cache,
                fresh=self.fresh,
                concurrency=self._concurrency(opened),
                record=self.recorder,
                guard=self.ledger,
                session=self.recorder.session_id,
            )
            try:
                for together in self._groups(opened):
                    if not self._halted(opened):
                        self._run(together, gateway, embedder, shown)
            finally:
                gateway.close()

    def _concurrency(self, opened: OpenedModel) -> int:
        return min(self.experiment.concurrency, getattr(opened.model, "max_parallel", self.experiment.concurrency))

    def _groups(self, opened: OpenedModel) -> list[list[PlannedRun]]:
        """Runs of a model that are walked together: each by itself, so that no method's times hold another one's load;
        with `order: context` all runs of a corpus, so that prompts which methods share are asked close together."""
        mine = [planned for planned in self.setup.runs if planned.opened is opened]
        if self.experiment.order != "context":
            return [[planned] for planned in mine]
        by_corpus: dict[str, list[PlannedRun]] = defaultdict(list)
        for planned in mine:
            by_corpus[planned.corpus.fingerprint].append(planned)
        return list(by_corpus.values())

    def _run(self, together: Sequence[PlannedRun], gateway: Gateway, embedder: Embedder, shown: Progress) -> None:
        """Walk runs of one model and corpus: context by context, and in each run by run."""
        todo = [planned for planned in together if self._pending[planned.run_id]]
        for planned in together:
            status = "running" if planned in todo else "complete"
            self.log.finish_run(planned.run_id, status=status, wall_s=None)
        if not todo:
            return
        opened = todo[0].opened
        workers = max(2, self._concurrency(opened))
        asked: dict[str, dict[str, list[Question]]] = defaultdict(
            lambda: defaultdict(list)
        )  # context → run → questions
        for planned in todo:
            for question in self._pending[planned.run_id]:
                asked[question.context_id][planned.run_id].append(question)
        jobs = []
        for context_id, of_run in asked.items():
            own = {
                planned.run_id: self._job(planned, context_id, of_run[planned.run_id], gateway, embedder, shown)
                for planned in todo
                if planned.run_id in of_run
            }
            if self.experiment.order == "context":
                jobs.append(joined([(own[run], [q.question_id for q in of_run[run]]) for run in own]))
            else:
                jobs += own.values()
        status = "interrupted"
        try:
            with ThreadPoolExecutor(max_workers=workers + 1) as pool:  # one more, for the index of the next context
                schedule = Schedule(
                    pool,
                    workers=workers,
                    watch=PrefixWatch(),
                    kv_tokens=getattr(opened.model, "kv_tokens", None),
                    order=self.experiment.order,
                    seed=self.experiment.seed,
                )
                try:
                    schedule.run(jobs)
                except StoreError:  # what is in flight ends and is recorded
                    raise
                except BaseException:  # Ctrl-C: the pool would wait for calls that may take minutes
                    gateway.close()
                    raise
            status = "budget" if self.stopped else "interrupted" if self._halted(opened) else "complete"
        finally:
            for planned in todo:
                self.log.finish_run(planned.run_id, status=status, wall_s=covered(self._busy[planned.run_id]))

    def _job(
        self,
        planned: PlannedRun,
        context_id: str,
        questions: Sequence[Question],
        gateway: Gateway,
        embedder: Embedder,
        shown: Progress,
    ) -> ContextJob:
        """What a run has to ask of a context."""
        equipment = Equipment(
            run_id=planned.run_id,
            gateway=gateway,
            seed=self.experiment.seed,
            # the build of a context serves all its questions, whichever are asked this time
            answer_tokens=largest_budget(
                self.experiment, (q for q in planned.corpus.questions if q.context_id == context_id)
            ),
            temperature=self.experiment.temperature,
            embedder=embedder,
            index_directory=self._indexes,
            prices=server_prices(self.experiment),
        )
        build = partial(self._context, planned, equipment, context_id, questions, shown)
        return ContextJob(build, self._counted[context_id], context_id, (self._watches[planned.run_id],))

    def _context(
        self,
        planned: PlannedRun,
        equipment: Equipment,
        context_id: str,
        questions: Sequence[Question],
        shown: Progress,
    ) -> list[Callable[[], None]]:
        """The index stage of one context; returns the questions to ask of it."""
        shown.describe(f"{planned.variant.label} · {planned.opened.name} · {planned.corpus.name}")
        context = planned.corpus.contexts[context_id]
        bench = ExperimentBench(equipment, context, phase="build")
        started = time.monotonic()
        error: str | None = None
        state: Any = None
        try:
            with self._billed(bench):
                state = self._fitted(lambda: planned.variant.pipeline.build(context, bench), equipment, bench)
        except RunStopped as reached:
            self._stop(reached, planned.opened)
            return []
        except StoreError as lost:
            equipment.gateway.refuse(str(lost))
            raise
        except Exception as failure:  # a method's bug or a dead server fails these questions, not the experiment
            error = error_line(failure)
        calls, _ = self.recorder.take(planned.run_id, context_id)
        self._busy[planned.run_id].append((started, time.monotonic()))
        self.log.add_build(
            run_id=planned.run_id,
            context_id=context_id,
            status="failed" if error else "ok",
            error=error,
            seconds=time.monotonic() - started,
            calls=calls,
            critical_path_s=critical_path(calls),
            notes=bench.notes,
        )
        if error:
            for question in questions:
                self._write(planned, question, None, "failed", f"index stage failed: {error}", [], [], 0.0, [], shown)
            return []
        return [partial(self._ask, planned, equipment, context, state, question, shown) for question in questions]

    def _billed(self, bench: ExperimentBench) -> AbstractContextManager[list[Bill]]:
        """Record what embedding and reranking servers are paid for what is done within, as it is paid."""
        return watched(lambda bill: self.recorder.aside(bench.paid(bill), prompt_of(bill)))

    def _ask(
        self,
        planned: PlannedRun,
        equipment: Equipment,
        context: Context,
        state: Any,
        question: Question,
        shown: Progress,
    ) -> None:
        if self._halted(planned.opened):
            return
        pipeline = planned.variant.pipeline
        equipment = replace(equipment, answer_tokens=answer_tokens(self.experiment, question))
        bench = ExperimentBench(equipment, context, phase="answer", question_id=question.question_id)
        started = time.monotonic()
        answer: Answer | None = None
        status: Status = "failed"
        error: str | None = None
        try:
            asked = question.blind(keep_evidence=pipeline.card.sees_evidence)
            with self._billed(bench):
                answer = self._fitted(lambda: pipeline.answer(asked, state, bench), equipment, bench)
            status = "ok"
        except RunStopped as reached:
            self.recorder.take(planned.run_id, question.question_id)
            self._stop(reached, planned.opened)
            return
        except StoreError as lost:
            equipment.gateway.refuse(str(lost))
            raise
        except ContextOverflow as overflow:
            status, error = "truncated_failed", error_line(overflow)
        except Exception as failure:
            error = error_line(failure)
        calls, prompts = self.recorder.take(planned.run_id, question.question_id)
        self._watches[planned.run_id].see(question.context_id, prompts)
        seconds = time.monotonic() - started
        self._busy[planned.run_id].append((started, started + seconds))
        self._write(planned, question, answer, status, error, calls, prompts, seconds, bench.notes, shown)

    def _fitted(self, work: Callable[[], T], equipment: Equipment, bench: ExperimentBench) -> T:
        """Do the work of a method; once more, with the window that the server names, when only the server found that a
        prompt does not fit: the method then leaves out what it must, and says so."""
        try:
            return work()
        except ContextOverflow as overflow:
            if self.experiment.on_overflow == "fail" or not equipment.gateway.lower_window(overflow):
                raise
        bench.begin_again()
        bench.note("window_lowered", bench.window)
        return work()

    def _write(
        self,
        planned: PlannedRun,
        question: Question,
        answer: Answer | None,
        status: Status,
        error: str | None,
        calls: list[Call],
        prompts: list[str],
        seconds: float,
        notes: list[tuple[str, Any]],
        shown: Progress,
    ) -> None:
        if answer is not None and notes:
            answer = replace(answer, notes=(*answer.notes, *notes))
        self.log.add_answer(
            run_id=planned.run_id,
            question_id=question.question_id,
            status=status,
            error=error,
            answer=answer,
            calls=calls,
            critical_path_s=critical_path(calls),
            first_token_s=first_token(calls),
            wall_s=seconds,
            evidence_coverage=evidence_coverage(question, prompts),
            abstained=None if answer is None else answer.abstained or abstains(answer.text),
        )
        if answer is not None:
            scores = score_answer(question, answer, self.experiment.metrics)
            self.log.add_scores(planned.run_id, question.question_id, scores, VERSIONS)
        with self._lock:
            if status == "ok":
                self.answered += 1
            else:
                self.failed += 1
        shown.advance(failed=status != "ok")

    def _stop(self, reached: RunStopped, opened: OpenedModel) -> None:
        """A budget ends the run; a provider that refuses every call ends what is asked of its model."""
        with self._lock:
            if isinstance(reached, BudgetReached):
                self.stopped = self.stopped or str(reached)
            else:
                self.refused.setdefault(opened.name, str(reached))

    def _halted(self, opened: OpenedModel) -> bool:
        return self.stopped is not None or opened.name in self.refused
