"""Oolong's published files (Bertsch et al. 2025, arXiv 2511.02817; abertsch72/oolong): questions over many records.

Synth: records of a classification set, whose labels have to be inferred; real: transcripts of games. Scored by the
official rules, counts with partial credit. A context window is one context, however many questions ask about it.
"""

from __future__ import annotations

from typing import Any, Literal

from corpora.benchmarks.fields import FILLED, GOLD, TEXT, Fields
from corpora.benchmarks.raw import assembled, file_of, folder_of, read_table
from corpora.options import chosen_of
from workbench.errors import InputError
from workbench.records import Context, Corpus, Document, Question

_SOURCE = "https://huggingface.co/datasets/oolongbench/oolong-synth (or oolong-real)"
_FIELDS: Fields = {
    "id?": GOLD, "context_window_id": GOLD, "context_window_text": TEXT, "question": FILLED,
    "answer": GOLD, "context_len?": GOLD, "dataset?": TEXT, "task_group?": TEXT, "task?": TEXT,
    "answer_type?": TEXT, "question_type?": TEXT,
}  # fmt: skip
_LABELS = ("context_len", "dataset", "task_group", "answer_type", "question_type")


def load(
    *,
    path: str | None = None,
    kind: Literal["synth", "real"] = "synth",
    split: str = "validation",
    longest: int | None = None,
    limit: int | None = None,
) -> Corpus:
    """Oolong as published: questions over all records of a window; counts are scored with partial credit.

    `path`: a folder with `validation` or `test` as jsonl, json or parquet; `kind`, synth or real, selects the scoring
    rule. `longest`: leave out windows with more tokens (`context_len`: 1,024 to 4,194,304). Raises InputError.
    """
    chosen_of(kind, ("synth", "real"), "kind")
    file = file_of(folder_of(path, "oolong_published", _SOURCE), split)
    contexts: dict[str, Context] = {}
    questions = []
    for number, row in enumerate(read_table(file, _FIELDS)):
        if longest is not None and int(row.get("context_len") or 0) > longest:
            continue
        window = str(row["context_window_id"])
        context = contexts.setdefault(window, Context((Document(f"window-{window}", row["context_window_text"]),)))
        if context.documents[0].text != row["context_window_text"]:
            raise InputError(f"window {window} has two texts", file=file, field=f"row {number + 1}")
        questions.append(_question(kind, number, row, context))
    if not questions:
        raise InputError(f"no window has at most {longest} tokens", file=file, field="longest", fix="raise it")
    return assembled(
        f"oolong-{kind}", list(contexts.values()), questions, limit=limit, version="adbf1cb",
        provenance=f"{_SOURCE}; {file.name}", licence="not stated (the data sets' own licences apply)",
    )  # fmt: skip


def _question(kind: str, number: int, row: dict[str, Any], context: Context) -> Question:
    labels = {name: row[name] for name in _LABELS if row.get(name) is not None}
    return Question(
        f"oolong-{row.get('id', number)}-{number}", row["question"], context.context_id, (str(row["answer"]),), (), (),
        str(row.get("task") or row.get("question_type") or kind), (f"oolong_{kind}",), labels,
    )  # fmt: skip
