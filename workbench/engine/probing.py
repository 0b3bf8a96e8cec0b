"""Asking a few questions once more, one at a time: the latency that one user would see, without our own load."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

from workbench.engine.asking import Tally
from workbench.engine.bench import Equipment, ExperimentBench
from workbench.engine.billing import prompt_of
from workbench.engine.critical_path import critical_path, first_token
from workbench.engine.recording import Recorder, error_line
from workbench.errors import RunStopped, StoreError
from workbench.experiment.answer_budget import answer_tokens
from workbench.experiment.schema import Experiment
from workbench.experiment.setup import PlannedRun
from workbench.llm.gateway import Gateway
from workbench.records import Question
from workbench.retrieval.spending import watched

if TYPE_CHECKING:
    from workbench.runlog.store import RunLog


def sampled(questions: Sequence[Question], number: int) -> list[Question]:
    """At most so many questions, evenly from first to last, so that they are the same at every call."""
    if len(questions) <= number:
        return list(questions)
    return [questions[round(i * (len(questions) - 1) / max(1, number - 1))] for i in range(number)]


def probe(
    experiment: Experiment,
    planned: PlannedRun,
    equipment: Equipment,
    alone: Gateway,
    log: RunLog,
    recorder: Recorder,
    tally: Tally,
) -> None:
    """Ask the sampled questions of a run that it has not asked alone yet, and write how long each took.

    The index stage comes from the response cache, or is asked for once more; `alone` is a gateway that asks one call at
    a time and replays none. Nothing is scored: the answers are those of the run.
    """
    if experiment.latency is None:
        return
    done = log.probed(planned.run_id)
    by_context: dict[str, list[Question]] = defaultdict(list)
    for question in sampled(planned.questions, experiment.latency.probe):
        if question.question_id not in done:
            by_context[question.context_id].append(question)
    pipeline = planned.variant.pipeline
    for context_id, questions in by_context.items():
        context = planned.corpus.contexts[context_id]
        if tally.halted(planned.opened.name, planned.run_id):
            return
        bench = ExperimentBench(equipment, context, phase="build")
        try:
            with _billed(bench, recorder):
                state = pipeline.build(context, bench)
        except RunStopped as reached:
            tally.stop(reached, planned.opened.name)
            return
        except StoreError:
            raise
        except Exception:  # the run has recorded that its index stage fails
            questions = []
        finally:
            recorder.take(planned.run_id, context_id)
        for question in questions:
            if not _ask(experiment, planned, replace(equipment, gateway=alone), state, question, log, recorder, tally):
                return


def _ask(
    experiment: Experiment,
    planned: PlannedRun,
    equipment: Equipment,
    state: object,
    question: Question,
    log: RunLog,
    recorder: Recorder,
    tally: Tally,
) -> bool:
    """Ask one question alone; returns whether others may be asked."""
    context = planned.corpus.contexts[question.context_id]
    equipped = replace(equipment, answer_tokens=answer_tokens(experiment, question))
    bench = ExperimentBench(equipped, context, phase="probe", question_id=question.question_id)
    pipeline, error = planned.variant.pipeline, None
    try:
        with _billed(bench, recorder):
            pipeline.answer(question.blind(keep_evidence=pipeline.card.sees_evidence), state, bench)
    except RunStopped as reached:
        recorder.take(planned.run_id, question.question_id)
        tally.stop(reached, planned.opened.name)
        return False
    except StoreError:
        raise
    except Exception as failure:
        error = error_line(failure)
    calls, _ = recorder.take(planned.run_id, question.question_id)
    log.add_probe(
        run_id=planned.run_id,
        question_id=question.question_id,
        error=error,
        calls=calls,
        critical_path_s=critical_path(calls),
        first_token_s=first_token(calls),
    )
    return True


@contextmanager
def _billed(bench: ExperimentBench, recorder: Recorder) -> Iterator[None]:
    """Record what embedding and reranking servers take inside this block."""
    with watched(lambda bill: recorder.aside(bench.paid(bill), prompt_of(bill))):
        yield
