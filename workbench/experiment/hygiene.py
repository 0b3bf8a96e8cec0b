"""Question hygiene: leave out questions that say nothing about retrieval or long contexts, and report why.

After Li et al. 2025 (arXiv 2501.01880, "Long Context vs. RAG for LLMs: An Evaluation and Revisits"): a question that a
model answers without any text measures its memory, and one whose context does not fit the window measures truncation.
Label errors are left out by `exclude`, each with its reason. A filtered corpus is another corpus: its fingerprint, and
so every run on it, differs from the whole one's; without the rule, the whole one is back.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from corpora.benchmarks.exclusions import DETECTED, KNOWN_ERRORS, check_ids, detected, known_errors
from workbench.errors import InputError, UnknownName
from workbench.experiment.answer_budget import answer_tokens as budget
from workbench.experiment.schema import EVERY_CORPUS
from workbench.records import Context, Corpus, Question

if TYPE_CHECKING:
    from workbench.experiment.schema import Entry, Experiment, Hygiene
    from workbench.llm.model import Model

_SHOWN = 10  # ids in a note
KNOWN_BY_HEART = 0.5  # a headline score from which a closed-book answer counts as right
_FRAME_TOKENS = 300  # instructions and question around a context


def clean(
    corpus: Corpus,
    hygiene: Hygiene,
    models: Sequence[Model],
    *,
    answer_tokens: Callable[[Question], int],
    source: object,
    errors: LabelErrors | None = None,
) -> Corpus:
    """The corpus without the questions that the filters leave out, and without the label `errors` (id → reason); its
    notes count them by reason.

    `closed_book` filters by the closed-book answers of these models in a run log; `truncation` by the smallest of the
    models' windows. Raises InputError when there are no such answers, or nothing would be left.
    """
    errors = errors or LabelErrors({})
    reasons = {name: f"label error: {reason}" for name, reason in errors.reasons.items()}
    absent = (
        (f"{len(errors.absent)} excluded ids are of no question here: {_few(errors.absent)}",) if errors.absent else ()
    )
    if hygiene.truncation:
        reasons = _truncated(corpus, models, answer_tokens) | reasons
    if hygiene.closed_book is not None:
        reasons = _known(corpus, hygiene.closed_book, [model.name for model in models], source) | reasons
    if not reasons:
        return replace(corpus, notes=(*corpus.notes, *absent)) if absent else corpus
    kept = tuple(question for question in corpus.questions if question.question_id not in reasons)
    if not kept:
        raise InputError(
            f"leaves no question of {corpus.name}: {_told(reasons)[0]}", file=source, field="hygiene",
            fix="loosen it, or use shorter contexts",
        )  # fmt: skip
    used = {question.context_id for question in kept}
    contexts = {key: context for key, context in corpus.contexts.items() if key in used}
    return replace(corpus, contexts=contexts, questions=kept, notes=(*corpus.notes, *_told(reasons), *absent))


@dataclass(frozen=True, slots=True)
class LabelErrors:
    """Questions of a corpus to leave out, id → reason; `absent` are listed ids that this part of it does not hold."""

    reasons: Mapping[str, str]
    absent: tuple[str, ...] = ()


def label_errors(
    entries: Sequence[Entry], corpora: Sequence[Corpus], hygiene: Hygiene, source: object
) -> list[LabelErrors]:
    """For each corpus the questions that `exclude` leaves out as label errors.

    A rule names a corpus as its entry does, or as the corpus calls itself. Raises InputError for a rule about no corpus
    here, and for an id that no question has, unless the entry's options (`limit`, `tasks`) chose from the questions.
    """
    names = [entry.name.partition("@")[0] for entry in entries]
    reasons: list[dict[str, str]] = [{} for _ in corpora]
    absent: list[list[str]] = [[] for _ in corpora]
    for named, parts in hygiene.exclude.items():
        field = f"hygiene.exclude.{named}" if named != EVERY_CORPUS else "hygiene.exclude"
        meant = [i for i, corpus in enumerate(corpora) if named in (EVERY_CORPUS, names[i], corpus.name)]
        if not meant:
            raise UnknownName("corpus of this experiment", named, names, file=source, field=field)
        for part in parts:
            for i in meant:
                reasons[i] |= _errors(part, names[i], corpora[i], required=named != EVERY_CORPUS)
            if isinstance(part, str):
                continue
            here = {question.question_id for i in meant for question in corpora[i].questions}
            if all(set(entries[i].options) <= {"path"} for i in meant):
                check_ids(part, here, source, field)
            for i in meant:
                absent[i] += [name for name in part if name not in here]
    return [LabelErrors(found, tuple(gone)) for found, gone in zip(reasons, absent, strict=True)]


def without_label_errors(experiment: Experiment, corpora: Sequence[Corpus]) -> list[Corpus]:
    """The corpora of an experiment without their label errors, the one filter that needs no model."""
    if experiment.hygiene is None or not experiment.hygiene.exclude:
        return list(corpora)
    only = experiment.hygiene.model_copy(update={"truncation": False, "closed_book": None})
    errors = label_errors(experiment.corpora, corpora, only, experiment.source)
    return [
        clean(corpus, only, (), answer_tokens=partial(budget, experiment), source=experiment.source, errors=wrong)
        for corpus, wrong in zip(corpora, errors, strict=True)
    ]


def _errors(part: str | Mapping[str, str], name: str, corpus: Corpus, *, required: bool) -> dict[str, str]:
    if part == DETECTED:
        return detected(corpus.questions)
    listed = part if not isinstance(part, str) else known_errors(name) if required else KNOWN_ERRORS.get(name, {})
    here = {question.question_id for question in corpus.questions}
    return {question_id: reason for question_id, reason in listed.items() if question_id in here}


def _told(reasons: Mapping[str, str]) -> tuple[str, ...]:
    counts = Counter(reasons.values())
    return tuple(
        f"{number} questions left out: {reason}{_which(reasons, reason)}" for reason, number in sorted(counts.items())
    )


def _which(reasons: Mapping[str, str], reason: str) -> str:
    """The ids of label errors, so that each exclusion can be looked up and taken back."""
    if not reason.startswith("label error: "):
        return ""
    names = [name for name, given in reasons.items() if given == reason]
    return f" ({_few(names)})"


def _few(names: Sequence[str]) -> str:
    return ", ".join(names[:_SHOWN]) + (", …" if len(names) > _SHOWN else "")


def _truncated(corpus: Corpus, models: Sequence[Model], answer_tokens: Callable[[Question], int]) -> dict[str, str]:
    smallest = min(models, key=lambda model: model.window)
    room = smallest.window - _FRAME_TOKENS
    long = {key: _tokens(context, smallest) for key, context in corpus.contexts.items()}
    reason = f"the context does not fit the window of {smallest.name} ({smallest.window:,} tokens)"
    return {q.question_id: reason for q in corpus.questions if long[q.context_id] > room - answer_tokens(q)}


def _tokens(context: Context, model: Model) -> int:
    return sum(model.count(document.text) for document in context.documents)


def _known(corpus: Corpus, log: Path, models: Sequence[str], source: object) -> dict[str, str]:
    """Questions that the closed-book runs of these models answered right. Unanswerable ones stay: an abstention
    without a text is no memory."""
    from workbench.runlog.reader import RunLogReader

    if not log.exists():
        raise InputError(
            "no such run log", file=source, field="hygiene.closed_book",
            fix=f"run `closed_book` on the corpus into {log} first",
        )  # fmt: skip
    reader = RunLogReader(log)
    answers = reader.answers()
    mine = answers[(answers["method"] == "closed_book") & answers["model"].isin(list(models))]
    asked: dict[str, Question] = {question.question_id: question for question in corpus.questions}
    records: list[dict[str, Any]] = [{str(k): v for k, v in row.items()} for row in mine.to_dict("records")]
    # a seed or an option makes another corpus of the same name with the same ids: the question itself must be the same
    logged = {
        (row["corpus_fingerprint"], row["question_id"]): (row["text"], tuple(row["answers"]))
        for row in reader.questions().to_dict("records")
    }
    rows = [
        row
        for row in records
        if (question := asked.get(row["question_id"])) is not None
        and row["corpus"] == corpus.name
        and logged.get((row["corpus_fingerprint"], row["question_id"])) == (question.text, tuple(question.answers))
    ]
    if not rows:
        raise InputError(
            f"{log} holds no closed_book answers of {', '.join(models)} to {corpus.name}", file=source,
            field="hygiene.closed_book", fix="run `closed_book` on the same corpus and model first",
        )  # fmt: skip
    reason = "answered right without the text"
    return {
        row["question_id"]: reason
        for row in rows
        if row["score"] is not None
        and row["score"] >= KNOWN_BY_HEART
        and not asked[row["question_id"]].metadata.get("unanswerable")
    }
