"""Loong (Wang et al., EMNLP 2024, arXiv 2406.17419): every document of the context matters; four levels, two languages.

Officially a model rates the answers from 1 to 100 (the comparison's figures aggregate such ratings); token F1 is a
substitute.
"""

from __future__ import annotations

import glob
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from corpora.benchmarks.fields import GOLD, TEXT, Fields, Kind, ListOf, one_of
from corpora.benchmarks.hub import Source, files_of
from corpora.benchmarks.raw import assembled, checked, file_of, read_json, read_table, read_text
from corpora.options import chosen_of
from workbench.errors import InputError
from workbench.records import Chunk, Context, Corpus, Document, Question

SOURCE = Source("loong", "MozerWang/Loong", ("loong.jsonl", "doc/*/*", "doc/*"))
TYPES = ("financial", "legal", "paper")
_RESULTS_ARE_ASKED = "阅读以上判决文书，我将给你若干份判决结果："
LEVELS = {1: "spotlight_locating", 2: "comparison", 3: "clustering", 4: "chain_of_reasoning"}
_FIELDS: Fields = {
    "level": one_of(*LEVELS, *map(str, LEVELS)), "set": one_of(1, 2, 3, 4, "1", "2", "3", "4"),
    "type": one_of(*TYPES), "language": TEXT, "question": TEXT, "instruction": TEXT, "doc": ListOf(GOLD, least=1),
    "answer": Kind("an answer that is not empty", lambda value: value not in (None, "", [], {})), "id": GOLD,
}  # fmt: skip


def load(
    *,
    path: str | None = None,
    types: Sequence[str] | str | None = None,
    sets: Sequence[int] | None = None,
    limit: int | None = None,
    revision: str | None = None,
) -> Corpus:
    """Loong: each question's documents are its context, and all of them are its evidence.

    `types`: financial, legal, paper; `sets`: lengths from 1 (10k to 50k tokens) to 4 (200k to 250k). `path`: a folder
    with `loong.jsonl` and `doc/TYPE/…`, as in the repository's `data`. Raises InputError.
    """
    chosen = chosen_of(types, TYPES, "types")
    wanted = [int(n) for n in chosen_of([str(n) for n in sets or (1, 2, 3, 4)], ("1", "2", "3", "4"), "sets")]
    folder = files_of(SOURCE, path, revision)
    judgements = _judgements(folder) if "legal" in chosen and folder.is_dir() else {}
    contexts, questions = [], []
    for row in read_table(file_of(folder, "loong"), _FIELDS):
        if row["type"] not in chosen or int(row["set"]) not in wanted:
            continue
        documents = tuple(
            Document(f"{number}-{name}", text, name)
            for number, (name, text) in enumerate(_texts(folder, row, judgements), 1)
        )
        context = Context(documents)
        contexts.append(context)
        answer = row["answer"] if isinstance(row["answer"], str) else json.dumps(row["answer"], ensure_ascii=False)
        chinese = row["language"] == "zh"
        questions.append(
            Question(
                f"loong-{row['id']}", f"{row['instruction']}\n{row['question']}".strip(), context.context_id, (answer,),
                (), tuple(Chunk.of(d, 0, len(d.text)) for d in documents if d.text), LEVELS[int(row["level"])],
                ("token_f1_zh" if chinese else "token_f1", "contains"),
                {"type": row["type"], "set": row["set"], "language": row["language"], "scope": len(documents)},
            )
        )  # fmt: skip
    return assembled(
        "loong", contexts, questions, limit=limit, version="e05a1fd, 2", provenance=SOURCE.page,
        licence="Apache-2.0 (documents: their owners')",
    )  # fmt: skip


def _texts(folder: Path, row: Mapping[str, Any], judgements: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Name and text of a row's documents, looked up as in the benchmark's code."""
    kind, level = row["type"], int(row["level"])
    names = list(map(str, row["doc"]))
    if kind == "legal" and judgements:
        bare = level == 4 and _RESULTS_ARE_ASKED in row["instruction"]  # where the results are what is asked for
        return [(name, judgements[name]["content"] + ("" if bare else judgements[name]["result"])) for name in names]
    return [(name, read_text(_file(folder, kind, name, level))) for name in names]


def _file(folder: Path, kind: str, name: str, level: int) -> Path:
    """A document's file: its name with or without a suffix; or, for financial filings, a file whose name contains it,
    below level 4 preceded by `2024-`."""
    for place in (folder / "doc" / kind, folder / "data" / "doc" / kind):
        exact = (place / name, place / f"{name}.txt", place / f"{name}.md")
        part = glob.escape(name if level == 4 else f"2024-{name}")
        filed = sorted(place.glob(f"*{part}*.txt")) if kind == "financial" and "/" not in name else []
        for file in (*exact, *filed):
            if file.resolve().is_relative_to(place.resolve()) and file.is_file():
                return file
    raise InputError("is not among the documents", file=folder / "doc" / kind, field=name, fix="get them again")


def _judgements(folder: Path) -> dict[str, Any]:
    """The legal documents, which are all in one file."""
    found = sorted(folder.rglob("legal.json"))
    return checked(read_json(found[0]), {}, found[0], "documents") if found else {}
