"""Published predictions as a run: any file of answers, scored by us, beside our own runs on the same questions.

Rows are matched with the questions of a known corpus by id or by text; rows of an unknown corpus become its questions,
recognised by their content, so that two files of one benchmark meet in the same questions. Their cost and
latency are unknown and are left empty: such runs have the method `imported` and no calls.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from workbench.importing.matching import METHOD, known_corpus, matched, own_questions
from workbench.importing.rows import Fields, named_fields, rows_of
from workbench.records import Answer, Corpus, Question
from workbench.text import combined_hash


@dataclass(frozen=True, slots=True)
class Imported:
    """What an import did. `unmatched` counts rows that no question of the corpus matches, `failed` those without an
    answer; `means` are the metrics' means over the scored answers."""

    database: Path
    experiment: str
    run_id: str
    corpus: str
    answers: int
    failed: int
    unmatched: int
    twice: int
    means: Mapping[str, float]
    notes: tuple[str, ...] = field(default=())


def import_predictions(
    files: Path | Sequence[Path],
    *,
    corpus: str,
    model: str,
    pipeline: str,
    database: Path,
    experiment: str | None = None,
    fields: Fields | None = None,
    metrics: Sequence[str] = (),
    corpus_options: Mapping[str, Any] | None = None,
) -> Imported:
    """Write one or more files of predictions (.jsonl, .json or .csv) as a run into a run log.

    `corpus`: a known corpus as experiment files write it (`name` or `name@path`), or a new name. `experiment`: the name
    or id of the experiment that the run joins, made when there is none. `metrics` default to each question's own, for
    an unknown corpus to token_f1. Importing again overwrites answers; other files of the same pipeline, model and
    corpus add theirs to the run. Raises InputError naming the row or field.
    """
    from workbench.evaluation.metrics import metric

    for name in metrics:
        metric(name)
    paths = [files] if isinstance(files, Path) else list(files)
    rows = [row for path in paths for row in rows_of(path)]
    file = paths[0] if len(paths) == 1 else paths[0].with_name(f"{paths[0].name} and {len(paths) - 1} more")
    named = named_fields(fields or Fields(), rows, file)
    known = known_corpus(corpus, corpus_options or {})
    if known is None:
        (whole, pairs), lost = own_questions(rows, named, corpus.partition("@")[0], metrics, file), 0
    else:
        whole = known
        pairs, lost = matched(rows, named, known, file)
    unique = {question.question_id: (question, row) for question, row in pairs}
    run_id = combined_hash(METHOD, pipeline, model, whole.fingerprint)[:20]
    label = experiment or f"imported {whole.name}"
    written = _write(
        database, whole, list(unique.values()), named, metrics, _Run(run_id, label, pipeline, model, file.name)
    )
    return replace(written, unmatched=lost, twice=len(pairs) - len(unique))


@dataclass(frozen=True, slots=True)
class _Run:
    run_id: str
    experiment: str
    pipeline: str
    model: str
    source: str


def _write(
    database: Path,
    corpus: Corpus,
    pairs: Sequence[tuple[Question, Mapping[str, Any]]],
    named: Fields,
    metrics: Sequence[str],
    run: _Run,
) -> Imported:
    from workbench.evaluation.metrics import VERSIONS, score_answer
    from workbench.evaluation.metrics.refusal import abstains
    from workbench.runlog.reader import RunLogReader
    from workbench.runlog.store import RunLog
    from workbench.text import count_tokens

    experiment_id, position = _place(RunLogReader(database), run)
    values: dict[str, list[float]] = {}
    reasons: Counter[str] = Counter()
    failed = 0
    with RunLog(database) as log:
        answered = {*log.done(run.run_id), *(question.question_id for question, _ in pairs)}
        log.add_experiment(experiment_id=experiment_id, name=run.experiment, config={"imported": True})
        asked = {question.context_id for question, _ in pairs}
        for context_id in asked:
            context = corpus.contexts[context_id]
            tokens = sum(count_tokens(document.text) for document in context.documents)
            log.add_context(context, corpus=corpus.name, tokens=tokens)
        log.add_run(
            run_id=run.run_id,
            experiment_id=experiment_id,
            position=position,
            pipeline=run.pipeline,
            method=METHOD,
            config={"imported_from": run.source, "field": named.prediction, "gold": named.gold},
            model=run.model,
            model_options={},
            price=None,
            corpus=corpus.name,
            corpus_version=corpus.version,
            corpus_fingerprint=corpus.fingerprint,
            seed=0,
            baseline=False,
            questions_planned=len(answered),
        )
        for question, row in pairs:
            log.add_question(question, corpus_fingerprint=corpus.fingerprint, corpus=corpus.name)
            said = row.get(named.prediction)
            # some runners write False for a call that failed after all retries
            answer = None if said is None or said is False else Answer(str(said))
            failed += answer is None
            log.add_answer(
                run_id=run.run_id,
                question_id=question.question_id,
                status="failed" if answer is None else "ok",
                error="the file has no prediction for it" if answer is None else None,
                answer=answer,
                calls=(),
                critical_path_s=0.0,
                first_token_s=None,
                wall_s=0.0,
                evidence_coverage=None,
                abstained=None if answer is None else abstains(answer.text),
            )
            if answer is None:
                continue
            scores = score_answer(question, answer, list(metrics) or None)
            log.add_scores(run.run_id, question.question_id, scores, VERSIONS)
            for score in scores:
                if score.value is None:
                    reasons[f"{score.metric}: {score.reason}"] += 1
                else:
                    values.setdefault(score.metric, []).append(score.value)
        log.finish_run(run.run_id, status="complete", wall_s=None)
    means = {name: sum(found) / len(found) for name, found in values.items()}
    notes = tuple(f"{count} answers have no score: {reason}" for reason, count in reasons.items())
    return Imported(database, run.experiment, run.run_id, corpus.name, len(pairs) - failed, failed, 0, 0, means, notes)


def _place(reader: Any, run: _Run) -> tuple[str, int]:
    """The id of the experiment that the run joins, and its position there."""
    experiments = reader.experiments()
    same = experiments[(experiments["name"] == run.experiment) | (experiments["experiment_id"] == run.experiment)]
    if same.empty:
        return combined_hash(METHOD, run.experiment)[:20], 0
    experiment_id = str(same["experiment_id"].iloc[0])
    others = reader.runs(experiment_id)
    return experiment_id, int((others["run_id"] != run.run_id).sum())
