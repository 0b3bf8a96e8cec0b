"""Label errors: questions to leave out, each with its reason; reported, reversible, and part of what a run is.

A list comes from a file (`question_id`, `reason` as CSV, JSON or JSON Lines), or from checks of the data itself
(`detected`). The published lists of LoCoMo's and LongMemEval's errors stand in their repositories' issues; they are
not part of this package, because they have no licence. Save them as such a file to apply them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from corpora.benchmarks.raw import read_json, read_table
from workbench.errors import InputError
from workbench.records import Context, Question

DETECTED = "detected"


def exclusions_of(
    exclude: str | None, questions: Sequence[Question], contexts: Iterable[Context] = ()
) -> Mapping[str, str]:
    """Question id → reason: nothing for None, the checks' findings for `detected`, else what the file says.

    Raises InputError for a file that cannot be read, and for ids that are of no question here.
    """
    if exclude is None:
        return {}
    if exclude == DETECTED:
        return detected(questions)
    path = Path(exclude).expanduser()
    listed = _listed(path)
    known = {question.question_id for question in questions}
    strangers = [name for name in listed if name not in known]
    if strangers:
        raise InputError(
            f"names questions that do not exist: {', '.join(strangers[:5])}", file=path, field="question_id",
            fix="use the ids of this corpus",
        )  # fmt: skip
    return listed


def _listed(path: Path) -> dict[str, str]:
    if path.suffix == ".json":
        found = read_json(path)
        if isinstance(found, dict):
            return {str(name): str(reason) for name, reason in found.items()}
    return {row["question_id"]: str(row["reason"]) for row in read_table(path, ("question_id", "reason"))}


def detected(questions: Sequence[Question]) -> dict[str, str]:
    """What the data themselves show to be wrong: no gold answer where there should be one, evidence that is missing,
    a gold option that is none of the options, and the same question asked twice of one context with other answers."""
    found: dict[str, str] = {}
    asked: dict[tuple[str, str], Question] = {}
    for question in questions:
        if question.metadata.get("unanswerable"):
            continue
        if not any(answer.strip() for answer in question.answers):
            found[question.question_id] = "no gold answer"
        elif question.metadata.get("evidence_missing"):
            found[question.question_id] = "evidence does not exist in the context"
        elif question.options and not any(
            answer in question.options or len(answer) == 1 for answer in question.answers
        ):  # fmt: skip
            found[question.question_id] = "the gold answer is none of the options"
        twin = asked.setdefault((question.context_id, " ".join(question.text.lower().split())), question)
        if twin is not question and set(twin.answers) != set(question.answers):
            found[question.question_id] = "asked before with another answer"
    return found
