"""Questions to leave out because of label errors, each with a reason; reported, and part of what identifies a run.

A list comes from a file (`question_id`, `reason` as CSV, JSON or JSON Lines), from checks of the data itself
(`detected`), or from the few errors whose ids are `known` here. LoCoMo's 99 errors are listed in issues 27 and 34 of
its repository, without a licence, so they are not part of this package: save them as such a file to apply them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence, Set
from pathlib import Path

from corpora.benchmarks.raw import read_json, read_table
from workbench.errors import InputError
from workbench.records import Question

DETECTED = "detected"
KNOWN = "known"
CHECKS = (DETECTED, KNOWN)
KNOWN_ERRORS: Mapping[str, Mapping[str, str]] = {
    "longmemeval": {"eac54add": "label error (xiaowu0162/LongMemEval, issue 37)"},
}


def exclusions_of(
    exclude: str | Mapping[str, str] | None, questions: Sequence[Question], benchmark: str
) -> Mapping[str, str]:
    """Question id → reason. `exclude`: None for none, `detected` for what the checks find, `known` for the benchmark's
    errors known here, a mapping, or the path of a file.

    Raises InputError for a file that cannot be read, and for ids that are not among the questions.
    """
    if exclude is None:
        return {}
    if exclude == DETECTED:
        return detected(questions)
    if exclude == KNOWN:
        return known_errors(benchmark)
    path = Path(exclude).expanduser() if isinstance(exclude, str) else None
    found = listed(path) if path else exclude
    assert isinstance(found, Mapping)
    check_ids(
        found,
        {question.question_id for question in questions},
        path or f"corpus {benchmark}",
        "question_id" if path else "exclude",
    )
    return found


def check_ids(found: Iterable[str], known: Set[str], file: object, field: str) -> None:
    """Raises InputError for unknown ids, since a misspelt id would silently exclude nothing."""
    strangers = [name for name in found if name not in known]
    if strangers:
        raise InputError(
            f"names questions that do not exist: {', '.join(strangers[:5])}", file=file, field=field,
            fix="use the ids of this corpus",
        )  # fmt: skip


def known_errors(benchmark: str) -> Mapping[str, str]:
    """Question id → reason for the errors known here. Raises InputError for a benchmark without any."""
    if benchmark not in KNOWN_ERRORS:
        fix = f"use detected, or a file with question_id and reason; known: {', '.join(KNOWN_ERRORS)}"
        raise InputError(f"no label errors of {benchmark} are known by their ids", field="exclude", fix=fix)
    return KNOWN_ERRORS[benchmark]


def listed(path: Path) -> dict[str, str]:
    """Question id → reason from a file. Raises InputError when it cannot be read or lists nothing."""
    if path.suffix not in (".csv", ".json", ".jsonl"):
        fix = "use .csv, .json or .jsonl with question_id and reason"
        raise InputError("is no list of questions", file=path, field="exclude", fix=fix)
    if path.suffix == ".json" and isinstance(found := read_json(path), dict) and "data" not in found:
        reasons = {str(name): str(reason) for name, reason in found.items()}
    else:
        rows = read_table(path, ("question_id", "reason"))
        reasons = {str(row["question_id"]): str(row["reason"]) for row in rows}
    if not reasons:
        raise InputError("lists no question", file=path, fix="add rows of question_id and reason, or drop it")
    return reasons


def detected(questions: Sequence[Question]) -> dict[str, str]:
    """Errors that the data themselves show: a missing gold answer, evidence that does not exist, a gold answer that is
    not among the options, and the same question asked twice about one context with different answers."""
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
