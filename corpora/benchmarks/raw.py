"""Reading the raw files of published benchmarks, with one clear error for what is missing or broken."""

from __future__ import annotations

import csv
import heapq
import io
import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import Any

from corpora.benchmarks.fields import NOT_NULL, Fields, wrong_in
from workbench.errors import InputError
from workbench.records import Chunk, Context, Corpus, Document, Question
from workbench.text import combined_hash

_READING: ContextVar[tuple[Path, str] | None] = ContextVar("_READING", default=None)


class Rows(list[dict[str, Any]]):
    """Rows of a file that record which one is being processed, so that an error in a loader can name it."""

    def __init__(self, rows: Iterable[tuple[str, dict[str, Any]]], file: Path) -> None:
        placed = list(rows)
        super().__init__(row for _, row in placed)
        self._file, self._places = file, [place for place, _ in placed]

    def __iter__(self) -> Iterator[dict[str, Any]]:
        for place, row in zip(self._places, super().__iter__(), strict=True):
            _READING.set((self._file, place))
            yield row


@contextmanager
def broken_rows(benchmark: str) -> Iterator[None]:
    """Turn errors of a loader that come from its files (a missing field, a wrong kind of value) into one InputError
    that names file and row. Errors before any file is read are left as they are."""
    token = _READING.set(None)
    try:
        yield
    except (KeyError, TypeError, ValueError, IndexError, AttributeError) as error:
        reading = _READING.get()
        if reading is None:
            raise
        told = f"has no field {error.args[0]!r}" if isinstance(error, KeyError) else f"has a wrong value: {error}"
        raise InputError(
            f"{told} ({type(error).__name__})", file=reading[0], field=reading[1],
            fix=f"{benchmark} needs the files as they were published",
        ) from error  # fmt: skip
    finally:
        _READING.reset(token)


def folder_of(path: str | None, benchmark: str, source: str) -> Path:
    """The local folder of a benchmark's files. Raises InputError with the source of the files if there is none."""
    if path is None:
        raise InputError(
            f"corpus {benchmark} needs its files", field="path",
            fix=f"get them from {source} and write {benchmark}@FOLDER",
        )  # fmt: skip
    folder = Path(path).expanduser()
    if not folder.exists():
        raise InputError("no such folder", file=folder, fix=f"get the files from {source}")
    return folder


def read_text(path: Path) -> str:
    """A UTF-8 text with \\n as line ends. Raises InputError when it is missing or in another encoding."""
    try:
        return path.read_text(encoding="utf-8").replace("\r\n", "\n")
    except FileNotFoundError as error:
        raise InputError("no such file", file=path, fix="the benchmark's folder is not complete") from error
    except UnicodeDecodeError as error:
        raise InputError(f"is not UTF-8 at byte {error.start:,}", file=path, fix="download it again") from error


def read_json(path: Path) -> Any:
    """The content of a JSON file. Raises InputError."""
    _READING.set((path, ""))
    try:
        return json.loads(read_text(path))
    except json.JSONDecodeError as error:
        raise InputError(f"is not JSON: {error.msg}", file=path, field=f"line {error.lineno}", fix=_AGAIN) from error


def read_rows(path: Path, required: Fields) -> list[dict[str, Any]]:
    """The rows of a JSON Lines file, each a mapping with the `required` fields."""
    return Rows(json_rows(read_text(path).split("\n"), path, required), path)


def json_rows(lines: Iterable[str], path: Path, required: Fields) -> Iterator[tuple[str, dict[str, Any]]]:
    """The non-blank lines as checked rows, each with its place. Raises InputError for a line that is not JSON."""
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        place = f"line {number}"
        try:
            row = json.loads(line)
        except json.JSONDecodeError as error:
            raise InputError(f"is not JSON: {error.msg}", file=path, field=place, fix=_AGAIN) from error
        yield place, checked(row, required, path, place)


def read_table(path: Path, required: Fields) -> list[dict[str, Any]]:
    """The rows of a `.jsonl`, `.json` (a list, or a list under `data`), `.parquet` or `.csv` file."""
    if path.suffix == ".jsonl":
        return read_rows(path, required)
    if path.suffix == ".json":
        found = read_json(path)
        rows = found.get("data", []) if isinstance(found, dict) else found
        if not isinstance(rows, list):
            raise InputError("holds no list of rows", file=path, fix=_AGAIN)
    elif path.suffix == ".csv":
        rows = list(csv.DictReader(io.StringIO(read_text(path))))
    else:
        rows = _parquet(path)
    return all_checked(rows, required, path)


def all_checked(rows: Any, required: Fields, path: Path, unit: str = "row") -> Rows:
    """A list of rows, each checked, and named by its number in errors."""
    if not isinstance(rows, list):
        raise InputError("holds no list of rows", file=path, fix=_AGAIN)
    return Rows(((f"{unit} {n}", checked(row, required, path, f"{unit} {n}")) for n, row in enumerate(rows, 1)), path)


def _parquet(path: Path) -> list[dict[str, Any]]:
    import pyarrow.parquet
    from pyarrow.lib import ArrowException

    try:
        rows: list[dict[str, Any]] = []
        for part in _parts(path):
            rows += pyarrow.parquet.read_table(part).to_pylist()
    except FileNotFoundError as error:
        raise InputError("no such file", file=path, fix="the benchmark's folder is not complete") from error
    except (ArrowException, OSError) as error:
        raise InputError("is no parquet file", file=path, fix=_AGAIN) from error
    return rows


def _parts(path: Path) -> list[Path]:
    """All parts of a parquet file, given one (`test-00000-of-00003.parquet`). Raises InputError for missing ones."""
    named = re.fullmatch(r"(.+-)(\d+)-of-(\d+)\.parquet", path.name)
    if not named:
        return [path]
    parts = [path.with_name(f"{named[1]}{n:0{len(named[2])}}-of-{named[3]}.parquet") for n in range(int(named[3]))]
    missing = [part.name for part in parts if not part.exists()]
    if missing:
        raise InputError(f"lacks {', '.join(missing[:3])}", file=path.parent, fix="get all parts of the file")
    return parts


def file_of(folder: Path, name: str) -> Path:
    """The data file `name` (without suffix) at any depth of a folder; for parquet, possibly the first of several parts.

    Raises InputError, listing the existing files, if there is none."""
    if folder.is_file():
        return folder
    for suffix in (".jsonl", ".json", ".csv", ".parquet"):
        found = sorted(folder.rglob(f"{name}{suffix}"))
        if found:
            return found[0]
    parts = sorted(folder.rglob(f"{name}-*.parquet"))
    if parts:
        return parts[0]  # `read_table` reads the others, too
    there = sorted(file.stem for file in folder.rglob("*") if file.suffix in (".jsonl", ".json", ".csv", ".parquet"))
    raise InputError(f"holds no {name}", file=folder, fix=f"there: {', '.join(there[:20]) or 'no data files'}")


def assembled(
    name: str,
    contexts: Iterable[Context],
    questions: Sequence[Question],
    *,
    limit: int | None,
    provenance: str,
    licence: str,
    version: str = "1",
    notes: Sequence[str] = (),
) -> Corpus:
    """The corpus of at most `limit` questions (see `spread`) with their contexts."""
    kept = spread(questions, limit)
    used = {question.context_id for question in kept}
    return Corpus.of(
        name,
        [context for key, context in {c.context_id: c for c in contexts}.items() if key in used],
        kept,
        version=version,
        provenance=provenance,
        licence=licence,
        notes=notes,
    )


def found_in(document: Document, wanted: str) -> Chunk | None:
    """The first occurrence of a text in a document, ignoring differences of white space; None if there is none."""
    wanted = wanted.strip()
    if not wanted:
        return None
    start = document.text.find(wanted)
    if start >= 0:
        return Chunk.of(document, start, start + len(wanted))
    loose = re.search(r"\s+".join(map(re.escape, wanted.split())), document.text)
    return Chunk.of(document, loose.start(), loose.end()) if loose else None


def checked(row: Any, required: Fields, path: Path, place: str) -> dict[str, Any]:
    """The row, if it is a mapping with the required fields of the right kinds (see `fields`). Raises InputError."""
    _READING.set((path, place))
    if not isinstance(row, dict):
        raise InputError("is no mapping", file=path, field=place, fix=_AGAIN)
    problem = wrong_in(row, required if isinstance(required, Mapping) else dict.fromkeys(required, NOT_NULL))
    if problem:
        fix = f"fields there: {', '.join(map(str, row))}" if problem.startswith("has no field") else _AGAIN
        raise InputError(problem, file=path, field=place, fix=fix)
    return row


def spread(questions: Sequence[Question], limit: int | None) -> list[Question]:
    """At most `limit` questions, drawn evenly over tasks and, within a task, from the contexts drawn from least so far.
    The choice is the same at every call, and a smaller one is a subset of a larger one."""
    if limit is None or limit >= len(questions):
        return list(questions)
    groups: dict[tuple[str, str], list[Question]] = {}
    for question in questions:
        groups.setdefault((question.task, question.context_id), []).append(question)
    heaps: dict[str, list[tuple[int, str, str]]] = {}  # task → contexts by how often they were asked
    for (task, context), members in groups.items():
        members.sort(key=lambda question: combined_hash("limit", question.question_id), reverse=True)
        heaps.setdefault(task, []).append((0, combined_hash("limit", task, context), context))
    for heap in heaps.values():
        heapq.heapify(heap)
    asked: Counter[str] = Counter()
    kept: set[str] = set()
    while True:
        for task in [task for task, heap in heaps.items() if heap]:
            heap = heaps[task]
            while heap[0][0] != asked[heap[0][2]]:  # another task has used this context since
                heapq.heapreplace(heap, (asked[heap[0][2]], *heap[0][1:]))
            _, order, context = heapq.heappop(heap)
            members = groups[task, context]
            kept.add(members.pop().question_id)
            asked[context] += 1
            if members:
                heapq.heappush(heap, (asked[context], order, context))
            if len(kept) == limit:
                return [question for question in questions if question.question_id in kept]


def excluded(questions: Sequence[Question], exclude: Mapping[str, str]) -> tuple[list[Question], tuple[str, ...]]:
    """The questions that are not excluded (id → reason), and a note for each reason with the number of questions."""
    kept = [question for question in questions if question.question_id not in exclude]
    reasons: dict[str, int] = {}
    for question in questions:
        if question.question_id in exclude:
            reasons[exclude[question.question_id]] = reasons.get(exclude[question.question_id], 0) + 1
    return kept, tuple(f"{count} questions left out: {reason}" for reason, count in sorted(reasons.items()))


_AGAIN = "the file is cut or changed; get it again"
