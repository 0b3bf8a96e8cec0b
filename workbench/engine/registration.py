"""Entering an experiment into the log before its first call, and scoring kept answers with the current metrics."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from workbench.engine.recording import stored_answer
from workbench.evaluation.metrics import VERSIONS, score_answer, score_names
from workbench.experiment.setup import PlannedRun, Setup, describe
from workbench.records import Question
from workbench.text import count_tokens

if TYPE_CHECKING:
    from workbench.llm.model import Model
    from workbench.runlog.store import RunLog

Pending = Mapping[str, Sequence[Question]]  # by run: the questions to ask


def register(setup: Setup, log: RunLog, pending: Pending, session_id: str) -> dict[str, int]:
    """Write what is about to run; returns the tokens of each context (o200k)."""
    experiment = setup.experiment
    log.add_experiment(
        experiment_id=experiment.experiment_id, name=experiment.name, config=experiment.model_dump(mode="json")
    )
    counted: dict[str, int] = {}
    for corpus in setup.corpora:
        for context in corpus.contexts.values():
            if context.context_id not in counted:
                counted[context.context_id] = sum(count_tokens(document.text) for document in context.documents)
                log.add_context(context, corpus=corpus.name, tokens=counted[context.context_id])
        for question in corpus.questions:
            log.add_question(question, corpus_fingerprint=corpus.fingerprint, corpus=corpus.name)
    for position, planned in enumerate(setup.runs):
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
            window=planned.opened.model.window,
            window_source=getattr(planned.opened.model, "window_source", None),
            prompt_cache=_cache_of(planned.opened.model),
        )
        if pending[planned.run_id]:  # what the log knows of a session is looked up in the cache after a kill
            log.add_spending(session_id, planned.run_id, calls=0, usd=0.0, tokens=0)
    log.flush()
    return counted


def _cache_of(model: Model) -> dict[str, Any] | None:
    """How the model's provider keeps prompts, with the tokens that it has room for (None: as many as needed)."""
    policy = getattr(model, "prompt_cache", None)
    return None if policy is None else {**asdict(policy), "size": getattr(model, "kv_tokens", None)}


def score_again(planned: PlannedRun, log: RunLog, pending: Pending, metrics: Sequence[str] | None) -> None:
    """Score kept answers whose metrics or metric versions are no longer those of the experiment; calls nothing."""
    asked = {question.question_id for question in pending[planned.run_id]}
    kept = [question for question in planned.questions if question.question_id not in asked]
    found = log.answered(planned.run_id) if kept else {}
    for question in kept:
        stored = found[question.question_id]
        answer = stored_answer(stored, planned.corpus.contexts[question.context_id])
        names = score_names(question, answer, metrics)
        if stored["scores"] != [(name, VERSIONS.get(name)) for name in names]:
            scores = score_answer(question, answer, metrics)
            log.add_scores(planned.run_id, question.question_id, scores, VERSIONS)
