"""NarrativeQA (Kočiský et al., TACL 2018, arXiv 1712.07040): questions on whole books and film scripts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from corpora.benchmarks.fields import TEXT, Fields, ListOf, either
from corpora.benchmarks.hub import Source, files_of
from corpora.benchmarks.raw import assembled, file_of, read_table, read_text
from workbench.errors import InputError
from workbench.records import Context, Corpus, Document, Question

SOURCE = Source("narrativeqa", "deepmind/narrativeqa", ("data/test-*.parquet", "qaps.csv", "documents.csv"))


def load(
    *, path: str | None = None, split: str = "test", limit: int | None = None, revision: str | None = None
) -> Corpus:
    """NarrativeQA: each book or film script is a context; the better of two reference answers counts.

    `path`: a folder of the original repository (`qaps.csv` and the texts `tmp/ID.content` or `ID.txt` that its script
    downloads), or of the hub (`SPLIT-*.parquet`, `SPLIT.jsonl`). Raises InputError.
    """
    folder = files_of(SOURCE, path, revision)
    table = folder / "qaps.csv"
    rows = _original(folder, table, split) if table.exists() else _hub(folder, split)
    contexts: dict[str, Context] = {}
    questions = []
    for number, (book, text, question, answers) in enumerate(rows):
        context = contexts.setdefault(book, Context((Document(book, text),)))
        asked = f"{question} Answer as concisely as you can, in a single phrase if possible."
        questions.append(
            Question(
                f"narrativeqa-{split}-{number}", asked, context.context_id, tuple(answers), (), (), "book",
                ("rouge_l_google", "token_f1", "meteor"), {},
            )
        )  # fmt: skip
    return assembled(
        "narrativeqa", list(contexts.values()), questions, limit=limit, version=split, provenance=SOURCE.page,
        licence="Apache-2.0 (books: public domain; scripts: their owners')",
    )  # fmt: skip


_ORIGINAL: Fields = dict.fromkeys(("document_id", "set", "question", "answer1", "answer2"), TEXT)
_PART = either(TEXT, {"text": TEXT})
_HUB: Fields = {"document": {"id": TEXT, "text": TEXT}, "question": _PART, "answers": ListOf(_PART, least=1)}
Row = tuple[str, str, str, list[str]]


def _original(folder: Path, table: Path, split: str) -> list[Row]:
    texts: dict[str, str] = {}
    found = []
    for row in read_table(table, _ORIGINAL):
        if row["set"] != split:
            continue
        name = row["document_id"]
        if name not in texts:
            places = (folder / "tmp" / f"{name}.content", folder / f"{name}.txt")
            file = next((place for place in places if place.is_file()), None)
            if file is None:
                raise InputError("its text is missing", file=places[0], fix="run the repository's download script")
            texts[name] = read_text(file)
        found.append((name, texts[name], row["question"], [row["answer1"], row["answer2"]]))
    return found


def _hub(folder: Path, split: str) -> list[Row]:
    def text(value: Any) -> str:
        return str(value["text"] if isinstance(value, dict) else value)

    rows = read_table(file_of(folder, split), _HUB)
    return [
        (str(row["document"]["id"]), row["document"]["text"], text(row["question"]), [text(a) for a in row["answers"]])
        for row in rows
    ]
