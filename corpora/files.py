"""Your own documents as a corpus: a folder of .txt .md .html .pdf .docx files and a questions file (.jsonl, .csv)."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from corpora.ingest import Ingested, ingest
from corpora.question_file import QuestionRow, read_questions
from workbench.errors import InputError
from workbench.records import Context, Corpus, Document, Question

_DEFAULT_METRICS = ("token_f1", "contains", "exact_match")
QUESTION_FILES = ("questions.jsonl", "questions.csv")


def load(
    *,
    path: str,
    questions: str | None = None,
    context: Literal["folder", "named"] = "folder",
    unreadable: Literal["stop", "skip"] = "stop",
    limit: int | None = None,
    max_file_mb: float = 50.0,
    encoding: str | None = None,
) -> Corpus:
    """Your own folder of documents (.txt .md .html .pdf .docx) with your questions about them.

    `questions` is a .jsonl or .csv file with the fields question, answers (any one is right) and, when known,
    document_ids, evidence (quotations, or {document_id, start, end}), task, options, metrics; other fields become
    labels to break results down by. By default it is `questions.jsonl` or `.csv` in the folder. `context: folder` asks
    every question about all documents together, `named` about the documents that it names. A file that cannot be read
    stops the load; with `unreadable: skip` it is left out and reported. `limit` keeps the first questions. `encoding`
    is that of text that is not UTF-8 (shift_jis, cp1251, …); by default Windows-1252, if the bytes are plausible as
    such.

    Raises InputError naming the file, the line, the field and the fix.
    """
    folder = Path(path).expanduser()
    file = _question_file(folder, questions)
    found = ingest(folder, ignore=frozenset({file.resolve()}), max_file_mb=max_file_mb, encoding=encoding)
    _check(found, folder, unreadable)
    if context not in ("folder", "named"):
        raise InputError(f"context {context!r}", field="context", fix="use folder or named")
    rows = read_questions(file, found.documents, found.duplicates)[:limit]
    everything = Context(tuple(found.documents))
    contexts: dict[tuple[str, ...], Context] = {}
    asked = []
    for row in rows:
        key = row.document_ids if context == "named" else ()
        if context == "named" and not key:
            fix = "name the question's documents, or use `context: folder`"
            raise InputError("is missing", file=file, field=f"{row.place}, document_ids", fix=fix)
        if key not in contexts:
            contexts[key] = Context(tuple(everything.document(name) for name in key)) if key else everything
        asked.append(_question(row, contexts[key], file))
    return Corpus.of(
        (folder.stem if folder.is_file() else folder.resolve().name) or "files",
        list(contexts.values()),
        asked,
        version="1",
        provenance=f"{len(found.documents)} files of {folder}, questions of {file}",
        licence="your own",
        notes=found.notes(),
    )


def with_questions(corpus: Corpus, file: Path) -> Corpus:
    """The documents of a corpus with the questions of a file (such as `workbench corpus questions` writes).

    A question is asked about the context that contains the documents that it or its evidence names. If it names none,
    or no context contains them all, it is asked about all documents together. Raises InputError naming the file and
    line.
    """
    documents = documents_of(corpus, file)
    together = Context(tuple(documents.values()))
    whole = next((c for c in corpus.contexts.values() if len(c.documents) == len(documents)), together)
    rows = read_questions(file, list(documents.values()))
    contexts: dict[str, Context] = {}
    asked = []
    for row in rows:
        named = {*row.document_ids, *(chunk.document_id for chunk in row.evidence)}
        held = (c for c in corpus.contexts.values() if named and named <= {d.document_id for d in c.documents})
        context = next(held, whole)
        contexts[context.context_id] = context
        asked.append(_question(row, context, file))
    return Corpus.of(
        corpus.name, list(contexts.values()), asked, version=f"{corpus.version}, own questions",
        provenance=f"{corpus.provenance}; questions of {file}", licence=corpus.licence, notes=corpus.notes,
    )  # fmt: skip


def documents_of(corpus: Corpus, file: Path | None = None) -> dict[str, Document]:
    """All documents of a corpus by id. Raises InputError when two different documents have the same id, since questions
    name documents by id (`file`: the questions file, for the message)."""
    documents: dict[str, Document] = {}
    for document in (d for context in corpus.contexts.values() for d in context.documents):
        if documents.setdefault(document.document_id, document).text != document.text:
            problem = f"several documents of {corpus.name} are called {document.document_id!r}"
            raise InputError(
                problem, file=file, field="document_ids", fix="ask of a corpus whose document ids are unique"
            )
    return documents


def _question_file(folder: Path, given: str | None) -> Path:
    if given is not None:
        return Path(given).expanduser()
    beside = folder.parent if folder.is_file() else folder
    for name in QUESTION_FILES:
        if (beside / name).is_file():
            return beside / name
    raise InputError(
        "has no questions file", file=folder, field="questions",
        fix="add questions.jsonl to the folder, or give its path: files@FOLDER: {questions: FILE}",
    )  # fmt: skip


def _check(found: Ingested, folder: Path, unreadable: str) -> None:
    failed = [skipped for skipped in found.skipped if skipped.supported]
    if failed and unreadable != "skip":
        more = f" (and {len(failed) - 1} more)" if len(failed) > 1 else ""
        raise InputError(
            failed[0].reason + more, file=failed[0].path, fix="mend or remove it, or set `unreadable: skip`"
        )
    if not found.documents:
        raise InputError("holds no document", file=folder, fix="add .txt, .md, .html, .pdf or .docx files")


def _question(row: QuestionRow, context: Context, file: Path) -> Question:
    metrics = row.metrics or _metrics(row)
    return Question(
        question_id=row.question_id,
        text=row.question,
        context_id=context.context_id,
        answers=row.answers,
        options=row.options,
        evidence=row.evidence,
        task=row.task,
        metrics=metrics,
        metadata={**row.metadata, "documents": len(context.documents)},
    )


def _metrics(row: QuestionRow) -> tuple[str, ...]:
    if row.metadata.get("unanswerable"):
        return ("abstention",)
    return ("choice_accuracy",) if row.options else _DEFAULT_METRICS
