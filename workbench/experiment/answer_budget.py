"""How long an answer may be: one length for all questions, or each question's own, as its benchmark has it.

It is the same for every pipeline that answers the question, so that none gets more words than another.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from workbench.errors import InputError
from workbench.experiment.schema import ANSWER_TOKENS, Experiment
from workbench.records import Corpus, Question

LABEL = "max_gen"  # the label of a question that holds its benchmark's answer length, in tokens


def answer_tokens(experiment: Experiment, question: Question) -> int:
    """The answer budget of a question, tokens: the experiment's, or with `official` the question's label `max_gen`;
    256 where it has none."""
    if experiment.answer_tokens != "official":
        return experiment.answer_tokens
    own = question.metadata.get(LABEL)
    return ANSWER_TOKENS if own is None else int(own)


def largest_budget(experiment: Experiment, questions: Iterable[Question]) -> int:
    """The largest answer budget of these questions: what an index stage has to leave room for."""
    if experiment.answer_tokens != "official":
        return experiment.answer_tokens
    return max((answer_tokens(experiment, question) for question in questions), default=ANSWER_TOKENS)


def budgets_hash(experiment: Experiment, corpus: Corpus) -> list[str]:
    """With `official`, what a run depends on beside the corpus's fingerprint, which leaves labels out."""
    if experiment.answer_tokens != "official":
        return []
    return [f"{question.question_id}:{answer_tokens(experiment, question)}" for question in corpus.questions]


def check_budgets(experiment: Experiment, corpora: Sequence[Corpus]) -> None:
    """Raises InputError where `official` finds a label that is no length, or no label in any corpus."""
    if experiment.answer_tokens != "official":
        return
    labels = [(c, q, q.metadata[LABEL]) for c in corpora for q in c.questions if q.metadata.get(LABEL) is not None]
    for corpus, question, label in labels:
        if isinstance(label, bool) or not isinstance(label, int) or label < 1:
            raise InputError(
                f"label {LABEL} is {label!r} and no number of tokens", file=f"corpus {corpus.name}",
                field=f"question {question.question_id}", fix="write a whole number from 1",
            )  # fmt: skip
    if not labels:
        raise InputError(
            "official: no question of these corpora has an answer length of its own", file=experiment.source,
            field="answer_tokens", fix=f"write a number of tokens, or give the questions a label {LABEL}",
        )  # fmt: skip
