"""Run an experiment: ask what is missing, keep what is answered, and write every fact to the run log.

One run is one pipeline × model × corpus × seed. Contexts are walked in order; a context's index stage runs once per
run, then its questions run in threads. A question ends as `ok`, `failed` (with the error) or `truncated_failed` (a
prompt did not fit and the method does not trim); no question is ever dropped.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workbench.engine.asking import ContextAsker, RunBooks, Tally
from workbench.engine.bench import Equipment
from workbench.engine.collector import rarer_collections
from workbench.engine.finishing import write_own_costs
from workbench.engine.outcome import FirstAnswers
from workbench.engine.places import check_places
from workbench.engine.probing import probe
from workbench.engine.progress import Progress
from workbench.engine.recording import Recorder, earlier_spending
from workbench.engine.registration import register, score_again
from workbench.engine.schedule import ContextJob, PrefixWatch, Schedule, covered, joined
from workbench.engine.shared_prefixes import SharedPrefixes
from workbench.errors import StoreError
from workbench.experiment.answer_budget import largest_budget
from workbench.experiment.budget import Ledger, check_priced
from workbench.experiment.config import load
from workbench.experiment.schema import Experiment
from workbench.experiment.server_prices import server_prices
from workbench.experiment.setup import OpenedModel, PlannedRun, Setup, prepare, temperature_of
from workbench.llm.gateway import Gateway
from workbench.records import Question

if TYPE_CHECKING:
    from workbench.llm.cache import ResponseCache
    from workbench.retrieval.embedders.embedder import Embedder
    from workbench.runlog.store import RunLog


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
    keep_going: bool = False,
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
    with (
        ResponseCache(experiment.cache_path, max_bytes=experiment.cache_limit) as cache,
        RunLog(experiment.database) as log,
    ):
        session = _Session(setup, log, cache, ledger, fresh, keep_going)
        with Progress(session.pending_questions(), ledger, enabled=progress) as shown, rarer_collections():
            session.walk(shown)
        pending = session.pending_questions()
        log.flush()
        cache.settle([session.recorder.session_id])
        tally, kept = session.tally, session.kept
    return RunSummary(
        database=experiment.database,
        experiment_id=experiment.experiment_id,
        answered=tally.answered,
        failed=tally.failed,
        kept=kept,
        spent_usd=ledger.usd,
        calls=ledger.calls,
        replayed=ledger.replayed,
        wall_s=time.monotonic() - started,
        stopped=tally.stopped,
        refused=(*tally.refused.values(), *tally.ended.values()),
        left=pending - tally.answered - tally.failed,
    )


class _Session:
    """One call of `run`: the open log and cache, one gateway per model, and the counts."""

    def __init__(
        self, setup: Setup, log: RunLog, cache: ResponseCache, ledger: Ledger, fresh: bool, keep_going: bool
    ) -> None:
        self.setup = setup
        self.experiment = setup.experiment
        self.log = log
        self.cache = cache
        self.ledger = ledger
        self.fresh = fresh
        self.recorder = Recorder(log, ledger, cache)
        self.tally = Tally(first=FirstAnswers(keep_going))
        self._indexes = self.experiment.database.parent / "indexes"
        self._watches: dict[str, PrefixWatch] = defaultdict(PrefixWatch)  # by run
        self._prefixes: dict[str, SharedPrefixes] = defaultdict(SharedPrefixes)  # by run
        self._busy: dict[str, list[tuple[float, float]]] = defaultdict(list)  # by run: when it had something to do
        earlier = earlier_spending(log, cache, [run.run_id for run in setup.runs])
        if not fresh:
            ledger.resume(sum(paid.usd for paid in earlier), sum(paid.tokens for paid in earlier))
        done = {} if fresh else {run.run_id: log.done(run.run_id) for run in setup.runs}
        self._pending = {
            run.run_id: [q for q in run.questions if done.get(run.run_id, {}).get(q.question_id) != "ok"]
            for run in setup.runs
        }
        self.kept = sum(len(run.questions) - len(self._pending[run.run_id]) for run in setup.runs)
        self._counted = register(setup, log, self._pending, self.recorder.session_id)  # tokens by context
        for planned in setup.runs:
            if self._pending[planned.run_id] and not fresh and log.has_answers(planned.run_id):
                self.tally.first.seen_before(planned.run_id)
        if not fresh:
            for planned in setup.runs:
                score_again(planned, log, self._pending, self.experiment.metrics)

    def pending_questions(self) -> int:
        return sum(map(len, self._pending.values()))

    def walk(self, shown: Progress) -> None:
        """Every model in turn; within a model, corpus by corpus and run by run."""
        from workbench.retrieval.embedders.opening import open_embedder

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
                    if not self.tally.halted(opened.name):
                        self._run(together, gateway, embedder, shown)
                        self._probe(together, gateway, embedder)
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
            if planned not in todo and self.log.lacks_own_costs(planned.run_id):
                write_own_costs(self.log, planned)  # of an earlier version, or killed at its very end
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
            status = "budget" if self.tally.stopped else "interrupted" if self.tally.halted(opened.name) else "complete"
        finally:
            for planned in todo:
                ended = "stopped" if planned.run_id in self.tally.ended else status
                self.log.finish_run(planned.run_id, status=ended, wall_s=covered(self._busy[planned.run_id]))
                write_own_costs(self.log, planned)

    def _probe(self, together: Sequence[PlannedRun], gateway: Gateway, embedder: Embedder) -> None:
        """Ask what `latency: {probe: N}` wants once more, one at a time, when nothing else is asked."""
        if self.experiment.latency is None:
            return
        opened = together[0].opened
        alone = Gateway(
            opened.model,
            price=opened.price,
            cache=self.cache,
            fresh=True,
            concurrency=1,
            record=self.recorder,
            guard=self.ledger,
            session=self.recorder.session_id,
        )
        try:
            for planned in together:
                equipment = self._equipment(planned, planned.corpus.questions, gateway, embedder, sharing=True)
                probe(self.experiment, planned, equipment, alone, self.log, self.recorder, self.tally)
        finally:
            alone.close()

    def _equipment(
        self,
        planned: PlannedRun,
        questions: Iterable[Question],
        gateway: Gateway,
        embedder: Embedder,
        *,
        sharing: bool,
    ) -> Equipment:
        """What the benches of a run get, for these questions."""
        return Equipment(
            run_id=planned.run_id,
            gateway=gateway,
            seed=self.experiment.seed,
            # the build of a context serves all its questions, whichever are asked this time
            answer_tokens=largest_budget(self.experiment, questions),
            temperature=temperature_of(planned.opened, self.experiment),
            embedder=embedder,
            index_directory=self._indexes,
            prices=server_prices(self.experiment),
            sharing=sharing,
            prefixes=self._prefixes[planned.run_id],
        )

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
        of_context = [question for question in planned.corpus.questions if question.context_id == context_id]
        asked = {question.question_id for question in planned.questions}
        sharing = sum(question.question_id in asked for question in of_context) > 1
        equipment = self._equipment(planned, of_context, gateway, embedder, sharing=sharing)
        run_id = planned.run_id
        books = RunBooks(self.log, self.recorder, self.tally, shown, self._watches[run_id], self._busy[run_id])
        asker = ContextAsker(self.experiment, planned, context_id, questions, equipment, books)
        return ContextJob(asker.build, self._counted[context_id], context_id, (self._watches[planned.run_id],))
