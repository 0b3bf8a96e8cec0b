"""Published predictions as a run: any file of answers, scored by us, beside our own runs on the same questions.

Rows are matched with the questions of a known corpus by id or by text; rows of an unknown corpus become its questions,
recognised by their content, so that two files of one benchmark meet in the same questions. Nothing is known of what the
answers cost or how long they took, and nothing is claimed: such runs have the method `imported` and no calls.
"""

from __future__ import annotations

import csv
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from workbench.errors import InputError
from workbench.records import Answer, Context, Corpus, Document, Question
from workbench.text import combined_hash

METHOD = "imported"
_QUESTION = ("question", "query", "instruction")
_ID = ("question_id", "id", "_id", "qid", "index")
_CONTEXT = ("file", "document_id", "doc_id", "context_id", "book_title", "topic_fn")
_LONG = 2_000  # characters: a longer field is no label of a question


@dataclass(frozen=True, slots=True)
class Fields:
    """The names of a row's fields. None: the first of the usual names that the rows have; `task` may be a constant."""

    prediction: str = "prediction"
    gold: str = "ground_truth"
    question: str | None = None
    question_id: str | None = None
    context: str | None = None
    task: str | None = None


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
    rows = [row for path in paths for row in _rows(path)]
    file = paths[0] if len(paths) == 1 else paths[0].with_name(f"{paths[0].name} and {len(paths) - 1} more")
    named = _named(fields or Fields(), rows, file)
    known = _known_corpus(corpus, corpus_options or {})
    if known is None:
        whole, pairs, lost = _own_questions(rows, named, corpus.partition("@")[0], metrics, file)
    else:
        whole = known
        pairs, lost = _matched(rows, named, known, file)
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


def _rows(file: Path) -> list[dict[str, Any]]:
    """All rows of a file. Raises InputError when there are none, or when one cannot be read."""
    rows = list(_read(file))
    if not rows:
        raise InputError("holds no rows", file=file)
    return rows


def _read(file: Path) -> Iterator[dict[str, Any]]:
    if not file.is_file():
        raise InputError("no such file", file=file, fix="give a .jsonl, .json or .csv file of predictions")
    if file.suffix == ".csv":
        csv.field_size_limit(2**30)
        with file.open(encoding="utf-8-sig", newline="", errors="replace") as lines:
            yield from csv.DictReader(lines)
    elif file.suffix == ".json":
        try:
            value = json.loads(file.read_text(encoding="utf-8-sig"))
        except ValueError as error:
            raise InputError(f"is no JSON: {error}", file=file) from None
        if not isinstance(value, list) or not all(isinstance(row, dict) for row in value):
            raise InputError("is no list of objects", file=file)
        yield from value
    else:
        from workbench.conformance.replays import json_lines

        yield from json_lines(file)


def _named(fields: Fields, rows: Sequence[Mapping[str, Any]], file: Path) -> Fields:
    """The fields with the usual names filled in. Raises InputError for one that no row has."""
    have = {name for row in rows for name in row}

    def usual(given: str | None, names: Iterable[str]) -> str | None:
        return given if given is not None else next((name for name in names if name in have), None)

    prediction = fields.prediction
    if prediction not in have and fields.prediction == Fields().prediction:
        prediction = next((name for name in sorted(have) if name.endswith("_pred") or name == "output"), prediction)
    gold = fields.gold
    if gold not in have and fields.gold == Fields().gold:
        gold = next((name for name in ("gt", "answers", "answer", "gold", "target") if name in have), gold)
    chosen = Fields(
        prediction,
        gold,
        usual(fields.question, _QUESTION),
        usual(fields.question_id, _ID),
        usual(fields.context, _CONTEXT),
        fields.task,
    )
    for option, name in (
        ("--field", chosen.prediction),
        ("--gold", chosen.gold),
        ("--question", chosen.question),
        ("--id", chosen.question_id),
        ("--context", chosen.context),
    ):
        if name is not None and name not in have and option != "--gold":
            fix = f"they have {', '.join(sorted(have))}"
            raise InputError(f"no row has a field {name!r}", file=file, field=option, fix=fix)
    return chosen


def _known_corpus(name: str, options: Mapping[str, Any]) -> Corpus | None:
    from workbench import catalogue
    from workbench.experiment.schema import Entry
    from workbench.experiment.setup import load_corpus

    plain, at, _ = name.partition("@")
    if plain not in catalogue.corpora():
        if at or options:
            catalogue.corpus(plain)  # raises, naming the known ones
        return None
    return load_corpus(Entry(name=name, options=dict(options)))


def _text(value: Any) -> str:
    return " ".join(str(value).split())


def _gold(value: Any) -> tuple[str, ...]:
    """The reference answers of a row: a list's items, or the one value."""
    if isinstance(value, str) and value.startswith("[") and value.endswith("]"):
        try:
            value = json.loads(value)
        except ValueError:
            return (value,)
    if isinstance(value, list | tuple):
        return tuple(str(item) for item in value)
    return () if value is None else (str(value),)


def _own_questions(
    rows: Sequence[Mapping[str, Any]], named: Fields, corpus: str, metrics: Sequence[str], file: Path
) -> tuple[Corpus, list[tuple[Question, Mapping[str, Any]]], int]:
    if not any(named.gold in row for row in rows):
        have = ", ".join(sorted({name for row in rows for name in row}))
        raise InputError(f"no row has a field {named.gold!r}", file=file, field="--gold", fix=f"they have {have}")
    pairs: list[tuple[Question, Mapping[str, Any]]] = []
    contexts: dict[str, Context] = {}
    seen: Counter[str] = Counter()
    for number, row in enumerate(rows, 1):
        gold = _gold(row.get(named.gold))
        shown = _text(row[named.question]) if named.question and row.get(named.question) else ""
        own = str(row[named.question_id]) if named.question_id and named.question_id in row else ""
        if not shown and not own:
            own = str(number)
        task = str(row.get(named.task, named.task)) if named.task else ""
        place = str(row[named.context]) if named.context and row.get(named.context) else ""
        # by content, without the row's id when the text is there: systems number their rows differently; a question
        # that is asked of several unpublished contexts is told apart by its turn
        content = combined_hash(corpus, task, shown or own, place, *gold)
        seen[content] += 1
        context = Context((Document(place or f"question {content[:12]}.{seen[content]}", ""),))
        contexts[context.context_id] = context
        question = Question(
            question_id=combined_hash(content, str(seen[content]))[:20],
            text=shown or f"(question {own}; its text is not published with the predictions)",
            context_id=context.context_id,
            answers=gold,
            task=task,
            metrics=tuple(metrics) or ("token_f1",),
            metadata=_labels(row, named),
        )
        pairs.append((question, row))
    unique = {question.question_id: question for question, _ in pairs}
    made = _NamedCorpus(
        corpus, "imported", contexts, tuple(unique.values()), provenance=f"rows of {file.name}, imported"
    )
    return made, pairs, 0


class _NamedCorpus(Corpus):
    """A corpus that grows with every import of its name: its questions are told apart by their own hashes."""

    @property
    def fingerprint(self) -> str:
        """Hash of the name alone, so that files with some questions each belong to one corpus."""
        return combined_hash(METHOD, self.name)


def _labels(row: Mapping[str, Any], named: Fields) -> dict[str, Any]:
    used = {named.prediction, named.gold, named.question, named.question_id}
    return {
        name: value
        for name, value in row.items()
        if name not in used and not name.endswith("_pred") and value is not None and len(str(value)) <= _LONG
    }


def _matched(
    rows: Sequence[Mapping[str, Any]], named: Fields, corpus: Corpus, file: Path
) -> tuple[list[tuple[Question, Mapping[str, Any]]], int]:
    """Rows with their questions, and how many have none: by id, else by text and, where it is asked twice, by gold."""
    by_id = {question.question_id: question for question in corpus.questions}
    by_text: dict[str, list[Question]] = {}
    for question in corpus.questions:
        # a loader may add words to the benchmark's question; predictions are published with the question alone
        for shown in dict.fromkeys((_text(question.text), _text(question.metadata.get("asked") or question.text))):
            by_text.setdefault(shown.lower(), []).append(question)
    pairs: list[tuple[Question, Mapping[str, Any]]] = []
    used: set[str] = set()
    lost = 0
    for row in rows:
        found = by_id.get(str(row.get(named.question_id))) if named.question_id else None
        candidates = [found] if found else by_text.get(_text(row.get(named.question or "")).lower(), [])
        if len(candidates) > 1:
            gold = {_text(answer).lower() for answer in _gold(row.get(named.gold))}
            candidates = [q for q in candidates if gold & {_text(answer).lower() for answer in q.answers}]
            candidates = [q for q in candidates if q.question_id not in used][:1] or candidates[-1:]
        if len(candidates) == 1:
            pairs.append((candidates[0], row))
            used.add(candidates[0].question_id)
        else:
            lost += 1
    if not pairs:
        raise InputError(
            f"none of its {len(rows)} rows is a question of {corpus.name}",
            file=file,
            field="--corpus",
            fix="name the fields of the question's id or text with --id and --question, or give the corpus a new name",
        )
    return pairs, lost


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
