"""Question hygiene: leave out what says nothing about retrieval or long contexts, and say what was left out and why.

After Li et al. 2025 (arXiv 2501.01880, "Long Context vs. RAG for LLMs: An Evaluation and Revisits"): a question that a
model answers without any text measures its memory, and one whose context does not fit the window measures truncation.
A filtered corpus is another corpus: its fingerprint, and so every run on it, differs from the whole one's.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workbench.errors import InputError
from workbench.records import Context, Corpus, Question

if TYPE_CHECKING:
    from workbench.experiment.config import Hygiene
    from workbench.llm.model import Model

KNOWN_BY_HEART = 0.5  # a headline score from which a closed-book answer counts as right
_FRAME_TOKENS = 300  # instructions and question around a context


def clean(corpus: Corpus, hygiene: Hygiene, models: Sequence[Model], *, answer_tokens: int, source: object) -> Corpus:
    """The corpus without the questions that the filters leave out; its notes count them by reason.

    `closed_book` filters by the closed-book answers of these models in a run log; `truncation` by the smallest of the
    models' windows. Raises InputError when there are no such answers, or nothing would be left.
    """
    reasons: dict[str, str] = {}
    if hygiene.truncation:
        reasons |= _truncated(corpus, models, answer_tokens)
    if hygiene.closed_book is not None:
        reasons |= _known(corpus, hygiene.closed_book, [model.name for model in models], source)
    if not reasons:
        return corpus
    kept = tuple(question for question in corpus.questions if question.question_id not in reasons)
    if not kept:
        raise InputError(
            f"leaves no question of {corpus.name}: {_told(reasons)[0]}", file=source, field="hygiene",
            fix="loosen it, or use shorter contexts",
        )  # fmt: skip
    used = {question.context_id for question in kept}
    contexts = {key: context for key, context in corpus.contexts.items() if key in used}
    return replace(corpus, contexts=contexts, questions=kept, notes=(*corpus.notes, *_told(reasons)))


def _told(reasons: Mapping[str, str]) -> tuple[str, ...]:
    counts = Counter(reasons.values())
    return tuple(f"{number} questions left out: {reason}" for reason, number in sorted(counts.items()))


def _truncated(corpus: Corpus, models: Sequence[Model], answer_tokens: int) -> dict[str, str]:
    smallest = min(models, key=lambda model: model.window)
    room = smallest.window - answer_tokens - _FRAME_TOKENS
    too_long = {key for key, context in corpus.contexts.items() if _tokens(context, smallest) > room}
    reason = f"the context does not fit the window of {smallest.name} ({smallest.window:,} tokens)"
    return {q.question_id: reason for q in corpus.questions if q.context_id in too_long}


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
