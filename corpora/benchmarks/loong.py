"""Loong (Wang et al., EMNLP 2024, arXiv 2406.17419): every document of the context matters; four levels, two languages.

Officially a model rates the answers from 1 to 100 (the comparison's figures sum them up); token F1 is a stand-in.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from corpora.benchmarks.fields import GOLD, TEXT, Fields, Kind, ListOf, one_of
from corpora.benchmarks.hub import Source, files_of
from corpora.benchmarks.raw import assembled, file_of, read_table, read_text
from corpora.options import chosen_of
from workbench.errors import InputError
from workbench.records import Chunk, Context, Corpus, Document, Question

SOURCE = Source("loong", "MozerWang/Loong", ("loong.jsonl", "doc/*/*", "doc/*"))
TYPES = ("financial", "legal", "paper")
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
    """Loong: the documents of each question are its context and all of them its evidence.

    `types`: financial, legal, paper; `sets`: lengths 1 (10k to 50k tokens) to 4 (200k to 250k). `path`: a folder with
    `loong.jsonl` and `doc/TYPE/NAME`. Raises InputError.
    """
    chosen = chosen_of(types, TYPES, "types")
    wanted = [int(n) for n in chosen_of([str(n) for n in sets or (1, 2, 3, 4)], ("1", "2", "3", "4"), "sets")]
    folder = files_of(SOURCE, path, revision)
    contexts, questions = [], []
    for row in read_table(file_of(folder, "loong"), _FIELDS):
        if row["type"] not in chosen or int(row["set"]) not in wanted:
            continue
        documents = tuple(
            Document(f"{number}-{name}", _document(folder, row["type"], name), name)
            for number, name in enumerate(map(str, row["doc"]), 1)
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
        "loong", contexts, questions, limit=limit, version="e05a1fd", provenance=SOURCE.page,
        licence="Apache-2.0 (documents: their owners')",
    )  # fmt: skip


def _document(folder: Path, kind: str, name: str) -> str:
    """A document's text; the papers' names have their suffix, those of the other types may not."""
    for place in (folder / "doc" / kind / name, *(folder / "doc" / kind / f"{name}{s}" for s in (".txt", ".md"))):
        if place.resolve().is_relative_to(folder.resolve()) and place.is_file():
            return read_text(place)
    raise InputError("is not among the documents", file=folder / "doc" / kind, field=name, fix="get them again")
