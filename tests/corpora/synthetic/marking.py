"""What holds for every generated question, whatever its task."""

from __future__ import annotations

from workbench.evaluation.metrics import score_answer
from workbench.records import Answer, Corpus, Question


def headline(question: Question, reply: str) -> float | None:
    """The reply's score under the question's first metric."""
    return score_answer(question, Answer(reply), ())[0].value


def full_marks(question: Question, reply: str | None = None) -> bool:
    """The gold answers, all of them in one reply, are worth 1."""
    return headline(question, ", ".join(question.answers) if reply is None else reply) == 1.0


def nothing_for_nothing(question: Question) -> bool:
    """An empty reply and an unrelated one are worth 0."""
    return headline(question, "") == 0.0 and headline(question, "Perhaps.") == 0.0


def stands_in_text(question: Question, corpus: Corpus) -> bool:
    """Every piece of evidence stands at its offsets."""
    context = corpus.contexts[question.context_id]
    return all(context.holds(chunk) for chunk in question.evidence)
