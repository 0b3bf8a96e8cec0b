"""The rows of a file of predictions, and the names of their fields."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from workbench.errors import InputError

_QUESTION = ("question", "query", "instruction")
_ID = ("question_id", "id", "_id", "qid", "index")
_CONTEXT = ("file", "document_id", "doc_id", "context_id", "book_title", "topic_fn")


@dataclass(frozen=True, slots=True)
class Fields:
    """The names of a row's fields. None: the first of the usual names that the rows have; `task` may be a constant."""

    prediction: str = "prediction"
    gold: str = "ground_truth"
    question: str | None = None
    question_id: str | None = None
    context: str | None = None
    task: str | None = None


def rows_of(file: Path) -> list[dict[str, Any]]:
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


def named_fields(fields: Fields, rows: Sequence[Mapping[str, Any]], file: Path) -> Fields:
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


def plain(value: Any) -> str:
    """A value as text with single spaces, to be compared."""
    return " ".join(str(value).split())


def gold_of(value: Any) -> tuple[str, ...]:
    """The reference answers of a row: a list's items, or the one value."""
    if isinstance(value, str) and value.startswith("[") and value.endswith("]"):
        try:
            value = json.loads(value)
        except ValueError:
            return (value,)
    if isinstance(value, list | tuple):
        return tuple(str(item) for item in value)
    return () if value is None else (str(value),)
