"""Reads a questions file (.jsonl or .csv): checks every field, and finds every quoted evidence in the documents."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from corpora.ingest import decode
from workbench.errors import InputError, UnknownName
from workbench.records import Chunk, Document

_SEPARATORS = (",", ";", "\t")
_CLOSE = 0.8  # difflib's ratio; a field name this similar to a known one is a misspelling, not a label
KNOWN = ("question", "answers", "document_ids", "evidence", "task", "options", "metrics", "question_id", "unanswerable")
_ALIASES = {"answer": "answers", "documents": "document_ids", "document_id": "document_ids", "id": "question_id"}
_LISTS = ("answers", "document_ids", "evidence", "options", "metrics")
_EXAMPLE = '{"question": "…?", "answers": ["…"]}'
UNANSWERABLE = ("unanswerable", "not mentioned", "no answer")


@dataclass(frozen=True, slots=True)
class QuestionRow:
    """One checked row; `place` is its place in the file, for later error messages."""

    place: str
    question: str
    answers: tuple[str, ...]
    document_ids: tuple[str, ...]
    evidence: tuple[Chunk, ...]
    task: str
    options: tuple[str, ...]
    metrics: tuple[str, ...]
    question_id: str
    metadata: Mapping[str, Any]


def read_questions(
    path: Path, documents: Sequence[Document], doubled: Mapping[str, str] | None = None
) -> list[QuestionRow]:
    """The rows of a questions file. `doubled`: names of duplicate files → ids of the documents with the same text.

    Raises InputError naming the file, the line and the field.
    """
    if not path.is_file():
        raise InputError("no such questions file", file=path, fix=f"write one question a line: {_EXAMPLE}")
    by_id = {document.document_id: document for document in documents}
    rows: list[QuestionRow] = []
    seen: dict[str, str] = {}
    for place, raw in _rows(path):
        row = _row(path, place, raw, by_id, doubled or {})
        if row.question_id in seen:
            raise InputError(
                f"question_id {row.question_id!r} is also on {seen[row.question_id]}",
                file=path, field=f"{place}, question_id", fix="give each question an id of its own",
            )  # fmt: skip
        seen[row.question_id] = place
        rows.append(row)
    if not rows:
        raise InputError("holds no question", file=path, fix=f"write one question a line: {_EXAMPLE}")
    return rows


def _rows(path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    try:
        text, _ = decode(path.read_bytes())
    except (ValueError, OSError) as error:
        raise InputError(str(error), file=path, fix="save it as UTF-8 text") from error
    if path.suffix.lower() == ".csv":
        yield from _csv_rows(path, text)
    elif path.suffix.lower() in (".jsonl", ".json", ".ndjson"):
        yield from _json_rows(path, text)
    else:
        raise InputError(f"unknown kind {path.suffix!r}", file=path, fix="use .jsonl or .csv")


def _json_rows(path: Path, text: str) -> Iterator[tuple[str, dict[str, Any]]]:
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        try:
            raw = json.loads(line)
        except json.JSONDecodeError as error:
            fix = f"column {error.colno}: {error.msg}; one whole JSON object a line"
            raise InputError("is not JSON", file=path, field=f"line {number}", fix=fix) from error
        if not isinstance(raw, dict):
            raise InputError("is no JSON object", file=path, field=f"line {number}", fix=f"such as {_EXAMPLE}")
        if re.search("[\ud800-\udfff]", json.dumps(raw, ensure_ascii=False)):
            fix = "a text was cut in the middle of a character; write it again"
            raise InputError("holds half of a character (a lone surrogate)", file=path, field=f"line {number}", fix=fix)
        yield f"line {number}", raw


def _csv_rows(path: Path, text: str) -> Iterator[tuple[str, dict[str, Any]]]:
    header = text.lstrip("\n").partition("\n")[0]
    separator = max(_SEPARATORS, key=lambda mark: len(_named(header.split(mark))))
    reader = csv.DictReader(io.StringIO(text), strict=True, delimiter=separator)
    try:
        for raw in reader:
            place = f"line {reader.line_num}"
            if None in raw or None in raw.values():
                fix = f"it must have {len(reader.fieldnames or ())} columns; put quotes around text with commas"
                raise InputError("has another number of columns than the header", file=path, field=place, fix=fix)
            yield place, {name.strip(): value for name, value in raw.items() if value.strip()}  # blank means absent
    except csv.Error as error:
        raise InputError(str(error), file=path, field=f"line {reader.line_num}", fix="close the quotes") from error


def _named(names: Iterable[str]) -> list[str]:
    """Those names that are known fields, in any case."""
    return [name for name in names if _canonical(name.strip().strip('"')) in KNOWN]


def _canonical(name: str) -> str:
    """A field's canonical name for any of its aliases in any case (`Question`, `Answer`); other names unchanged."""
    simple = re.sub(r"[\s-]+", "_", name.strip().lower())
    known = _ALIASES.get(simple, simple)
    return known if known in KNOWN else name


def _fields(path: Path, place: str, raw: Mapping[str, Any]) -> dict[str, Any]:
    """The row with canonical field names. Raises InputError for a field that is given twice or misspelt."""
    fields: dict[str, Any] = {}
    for given, value in raw.items():
        name = _canonical(given)
        if name in fields:
            fix = f"{given!r} is another name of it; keep one"
            raise InputError("is there twice", file=path, field=f"{place}, {name}", fix=fix)
        if name not in KNOWN and (like := get_close_matches(name.lower(), (*KNOWN, *_ALIASES), 1, _CLOSE)):
            fix = f"write {like[0]!r}, or give the label another name"
            raise InputError("is no field but nearly one", file=path, field=f"{place}, {given}", fix=fix)
        fields[name] = value
    return fields


def _row(
    path: Path, place: str, raw: Mapping[str, Any], by_id: Mapping[str, Document], doubled: Mapping[str, str]
) -> QuestionRow:
    fields = _fields(path, place, raw)
    lists = {name: _listed(fields.get(name), path, f"{place}, {name}") for name in _LISTS}
    question = fields.get("question")
    if not isinstance(question, str) or not question.strip():
        fix = f"fields here: {', '.join(raw) or 'none'}; add `question`"
        raise InputError("is missing or empty", file=path, field=f"{place}, question", fix=fix)
    unanswerable = str(fields.get("unanswerable", "")).lower() in ("true", "1", "yes")
    answers = tuple(str(answer) for answer in lists["answers"]) or (UNANSWERABLE if unanswerable else ())
    if not answers:
        fix = "give at least one right answer, or `unanswerable: true`"
        raise InputError("is missing or empty", file=path, field=f"{place}, answers", fix=fix)
    named = tuple(dict.fromkeys(doubled.get(str(name), str(name)) for name in lists["document_ids"]))
    for name in named:
        if name not in by_id:
            raise UnknownName("document", name, list(by_id), file=path, field=f"{place}, document_ids")
    searched = [by_id[name] for name in named] or list(by_id.values())
    metadata = {name: _number(value) for name, value in fields.items() if name not in KNOWN}
    if unanswerable or answers[0].strip().lower() in UNANSWERABLE:
        metadata["unanswerable"] = True
    options = tuple(str(option) for option in lists["options"])
    _check_options(options, answers, bool(metadata.get("unanswerable")), path, place)
    return QuestionRow(
        place=place,
        question=question.strip(),
        answers=answers,
        document_ids=named,
        evidence=tuple(_evidence(part, searched, path, f"{place}, evidence") for part in lists["evidence"]),
        task=str(fields.get("task") or ""),
        options=options,
        metrics=tuple(str(name) for name in lists["metrics"]),
        question_id=str(fields.get("question_id") or f"q{place.rpartition(' ')[2]}"),
        metadata=metadata,
    )


def _check_options(options: Sequence[str], answers: Sequence[str], unanswerable: bool, path: Path, place: str) -> None:
    """Raises InputError when no answer is among the options, since the question could never be answered right."""
    letters = {chr(ord("A") + number) for number in range(len(options))}
    known = {normal(option) for option in options}
    if not options or unanswerable or any(a.strip() in letters or normal(a) in known for a in answers):
        return
    fix = f"write one of the options as they stand, or a letter from A to {max(letters)}"
    raise InputError(f"{answers[0]!r} is none of the options", file=path, field=f"{place}, answers", fix=fix)


def normal(text: str) -> str:
    """A text in lower case with white space collapsed."""
    return " ".join(text.lower().split())


def _listed(value: Any, path: Path, field: str) -> list[Any]:
    """A field's value as a list: from a list, a single value, or (in CSV) a JSON list or values separated by `|`."""
    if value is None or value == "":
        return []
    if isinstance(value, list):
        return [part for part in value if part not in (None, "")]
    if isinstance(value, str) and value.lstrip().startswith("["):
        try:
            parsed = json.loads(value)
        except json.JSONDecodeError:
            return [value]  # text that happens to begin with a bracket
        return parsed if isinstance(parsed, list) else [value]
    if isinstance(value, str) and field.endswith(("answers", "document_ids", "options", "metrics")):
        return [part.strip() for part in value.split("|") if part.strip()]
    if isinstance(value, dict) and not field.endswith("evidence"):
        raise InputError("is a mapping", file=path, field=field, fix="write a text or a list of texts")
    return [value]


def _number(value: Any) -> Any:
    """A text that is a number, as in CSV files, as a number, so that labels such as `hops` sort correctly."""
    if isinstance(value, str) and re.fullmatch(r"-?\d+(\.\d+)?", value):
        return float(value) if "." in value else int(value)
    return value


def _evidence(part: Any, documents: Sequence[Document], path: Path, field: str) -> Chunk:
    """The span of a quotation in the documents (white space may differ), or a checked {document_id, start, end}."""
    if isinstance(part, dict):
        return _span(part, documents, path, field)
    quotation = str(part).strip()
    if not quotation:
        raise InputError("is blank", file=path, field=field, fix="quote the text verbatim, or leave it out")
    for document in documents:
        at = document.text.find(quotation)
        if at >= 0:
            return Chunk.of(document, at, at + len(quotation))
    loose = re.compile(r"\s+".join(map(re.escape, quotation.split())))
    for document in documents:
        if match := loose.search(document.text):
            return Chunk.of(document, *match.span())
    shown = quotation if len(quotation) < 60 else quotation[:57] + "..."
    where = documents[0].document_id if len(documents) == 1 else f"any of {len(documents)} documents"
    raise InputError(f"{shown!r} is not in {where}", file=path, field=field, fix="quote the text verbatim")


def _span(part: Mapping[str, Any], documents: Sequence[Document], path: Path, field: str) -> Chunk:
    by_id = {document.document_id: document for document in documents}
    name = str(part.get("document_id", documents[0].document_id if len(documents) == 1 else ""))
    if name not in by_id:
        raise UnknownName("document", name, list(by_id), file=path, field=field)
    start, end = part.get("start"), part.get("end")
    length = len(by_id[name].text)
    if not isinstance(start, int) or not isinstance(end, int) or not 0 <= start < end <= length:
        problem = f"span {start}-{end} is outside of {name}, which has {length:,} characters"
        raise InputError(problem, file=path, field=field, fix="0 <= start < end <= length, in characters")
    return Chunk.of(by_id[name], start, end)
