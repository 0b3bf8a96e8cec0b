"""One run over one context: the index stage, then each question, and the record of how each ended."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from workbench.engine.bench import Equipment, ExperimentBench
from workbench.engine.billing import prompt_of
from workbench.engine.coverage import evidence_coverage
from workbench.engine.critical_path import critical_path, first_token
from workbench.engine.outcome import Ended, FirstAnswers, ended_of, other_model, reason_to_stop, silence
from workbench.engine.progress import Progress
from workbench.engine.recording import Recorder, error_line
from workbench.engine.schedule import PrefixWatch
from workbench.errors import BudgetReached, ContextOverflow, RunStopped, StoreError
from workbench.evaluation.metrics import VERSIONS, score_answer
from workbench.evaluation.metrics.refusal import abstains
from workbench.experiment.answer_budget import answer_tokens
from workbench.experiment.schema import Experiment
from workbench.experiment.setup import PlannedRun
from workbench.records import Answer, Call, Question
from workbench.retrieval.spending import Bill, watched

if TYPE_CHECKING:
    from workbench.runlog.store import RunLog

T = TypeVar("T")
Status = Literal["ok", "failed", "truncated_failed"]
_TRIES = 4  # times that a prompt is made shorter for a server


@dataclass
class Tally:
    """How the questions of a session have ended so far, and why no more are asked. Thread-safe. `stopped`: the budget
    that is reached; `refused`, by model: why it serves no call; `ended`, by run: why its first answers were enough."""

    answered: int = 0
    failed: int = 0
    stopped: str | None = None
    refused: dict[str, str] = field(default_factory=dict)
    ended: dict[str, str] = field(default_factory=dict)
    first: FirstAnswers = field(default_factory=FirstAnswers)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def count(self, status: Status) -> None:
        """A question has ended."""
        with self._lock:
            if status == "ok":
                self.answered += 1
            else:
                self.failed += 1

    def stop(self, reached: RunStopped, model: str) -> None:
        """A budget ends the run; a provider that refuses every call ends what is asked of its model."""
        with self._lock:
            if isinstance(reached, BudgetReached):
                self.stopped = self.stopped or str(reached)
            else:
                self.refused.setdefault(model, str(reached))

    def see(self, planned: PlannedRun, ended: str, error: str, advice: str, answer_tokens: Any) -> None:
        """Look at how an answer ended, and stop its run, or all that is asked of its model, when the first of them all
        end in a way that is none."""
        ends = self.first.see(planned.run_id, ended, error, advice)
        if ends is None:
            return
        opened = planned.opened
        spec = opened.spec or opened.name
        reason, of_model = reason_to_stop(ends, planned.variant.label, spec, opened.options, answer_tokens)
        with self._lock:
            if of_model:
                self.refused.setdefault(opened.name, reason)
            else:
                self.ended.setdefault(planned.run_id, reason)

    def halted(self, model: str, run_id: str = "") -> bool:
        """Whether nothing more is to be asked of a model, or by a run."""
        return self.stopped is not None or model in self.refused or run_id in self.ended


@dataclass(frozen=True)
class RunBooks:
    """Where a run writes what happens: the log, its calls, the session's tally, and what is learned of its prompts
    (`watch`) and of when it had something to do (`busy`, intervals of the monotonic clock)."""

    log: RunLog
    recorder: Recorder
    tally: Tally
    shown: Progress
    watch: PrefixWatch
    busy: list[tuple[float, float]]


class ContextAsker:
    """One run, one context, and the questions that are to be asked of it."""

    def __init__(
        self,
        experiment: Experiment,
        planned: PlannedRun,
        context_id: str,
        questions: Sequence[Question],
        equipment: Equipment,
        books: RunBooks,
    ) -> None:
        self._experiment = experiment
        self._planned = planned
        self._context_id = context_id
        self._context = planned.corpus.contexts[context_id]
        self._questions = questions
        self._equipment = equipment
        self._books = books

    def build(self) -> list[Callable[[], None]]:
        """The index stage; returns the questions to ask then."""
        planned, books, context_id = self._planned, self._books, self._context_id
        books.shown.describe(f"{planned.variant.label} · {planned.opened.name} · {planned.corpus.name}")
        bench = ExperimentBench(self._equipment, self._context, phase="build")
        started = time.monotonic()
        error: str | None = None
        failed: Exception | None = None
        state: Any = None
        try:
            with self._billed(bench):
                state = self._fitted(lambda: planned.variant.pipeline.build(self._context, bench), bench)
        except RunStopped as reached:
            books.tally.stop(reached, planned.opened.name)
            return []
        except StoreError as lost:
            self._equipment.gateway.refuse(str(lost))
            raise
        except Exception as failure:  # a method's bug or a dead server fails these questions, not the experiment
            error, failed = error_line(failure), failure
        calls, _ = books.recorder.take(planned.run_id, context_id)
        books.busy.append((started, time.monotonic()))
        books.log.add_build(
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
            for question in self._questions:
                self._write(question, None, "failed", f"index stage failed: {error}", [], [], 0.0, [], failed)
            return []
        return [partial(self._ask, state, question) for question in self._questions]

    def _billed(self, bench: ExperimentBench) -> AbstractContextManager[list[Bill]]:
        """Record each payment to an embedding or reranking server that is made inside this block."""
        return watched(lambda bill: self._books.recorder.aside(bench.paid(bill), prompt_of(bill)))

    def _ask(self, state: Any, question: Question) -> None:
        planned, books = self._planned, self._books
        if books.tally.halted(planned.opened.name, planned.run_id):
            return
        pipeline = planned.variant.pipeline
        equipment = replace(self._equipment, answer_tokens=answer_tokens(self._experiment, question))
        bench = ExperimentBench(equipment, self._context, phase="answer", question_id=question.question_id)
        started = time.monotonic()
        answer: Answer | None = None
        status: Status = "failed"
        error: str | None = None
        failed: Exception | None = None
        try:
            asked = question.blind(keep_evidence=pipeline.card.sees_evidence)
            with self._billed(bench):
                answer = self._fitted(lambda: pipeline.answer(asked, state, bench), bench)
            status = "ok"
        except RunStopped as reached:
            books.recorder.take(planned.run_id, question.question_id)
            books.tally.stop(reached, planned.opened.name)
            return
        except StoreError as lost:
            equipment.gateway.refuse(str(lost))
            raise
        except ContextOverflow as overflow:
            status, error = "truncated_failed", error_line(overflow)
        except Exception as failure:
            error, failed = error_line(failure), failure
        calls, prompts = books.recorder.take(planned.run_id, question.question_id)
        books.watch.see(question.context_id, prompts)
        seconds = time.monotonic() - started
        books.busy.append((started, started + seconds))
        self._write(question, answer, status, error, calls, prompts, seconds, bench.notes, failed)

    def _fitted(self, work: Callable[[], T], bench: ExperimentBench) -> T:
        """Run a method. When only the server found that a prompt is too long, run it again with the window that follows
        from the server's words, at most four times: the method then leaves out what it must and records it. The same
        when another question's refusal has lowered the window while this one was being asked."""
        lowered: list[int] = []
        while True:
            window = bench.window
            try:
                return work()
            except ContextOverflow as overflow:
                if len(lowered) == _TRIES or self._experiment.on_overflow == "fail":
                    raise
                if not self._equipment.gateway.lower_window(overflow) and bench.window >= window:
                    raise
            lowered.append(bench.window)
            bench.begin_again()
            for less in lowered:
                bench.note("window_lowered", less)

    def _write(
        self,
        question: Question,
        answer: Answer | None,
        status: Status,
        error: str | None,
        calls: list[Call],
        prompts: list[str],
        seconds: float,
        notes: list[tuple[str, Any]],
        failure: Exception | None = None,
    ) -> None:
        run_id, log = self._planned.run_id, self._books.log
        model = self._equipment.gateway.model.name
        abstained = None if answer is None else answer.abstained or abstains(answer.text)
        ended: Ended = getattr(failure, "ended", "failed")
        if answer is not None:
            ended = ended_of(answer, calls, model, abstained=bool(abstained))
            if (silent := silence(ended)) is not None:
                status, error = "failed", silent
            if silences := sum(call.ended == "empty" for call in calls if call.error is None):
                notes = [*notes, ("empty_replies", silences)]
            if notes:
                answer = replace(answer, notes=(*answer.notes, *notes))
        log.add_answer(
            run_id=run_id,
            question_id=question.question_id,
            status=status,
            error=error,
            answer=answer,
            calls=calls,
            critical_path_s=critical_path(calls),
            first_token_s=first_token(calls),
            wall_s=seconds,
            evidence_coverage=evidence_coverage(question, prompts),
            abstained=abstained,
            ended=ended,
            served_model=other_model(calls, self._equipment.gateway.model),
        )
        if answer is not None and ended != "empty":
            scores = score_answer(question, answer, self._experiment.metrics)
            log.add_scores(run_id, question.question_id, scores, VERSIONS)
        self._books.tally.count(status)
        tokens = self._experiment.answer_tokens
        self._books.tally.see(self._planned, ended, error or "", getattr(failure, "advice", ""), tokens)
        self._books.shown.advance(failed=status != "ok")
