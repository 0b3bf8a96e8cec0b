"""NaturalQuestions-Open with gold passages, as in "Lost in the Middle" (Liu et al., TACL 2024, arXiv 2307.03172)."""

from __future__ import annotations

import gzip

from corpora.benchmarks.fields import FILLED, TEXT, Fields, ListOf
from corpora.benchmarks.raw import Rows, folder_of, json_rows, spread
from workbench.errors import InputError
from workbench.records import Chunk, Context, Corpus, Document, Question

_SOURCE = "https://github.com/nelson-liu/lost-in-the-middle (qa_data/nq-open-oracle.jsonl.gz)"

_FIELDS: Fields = {
    "question": FILLED,
    "answers": ListOf(TEXT, least=1),
    "ctxs": ListOf({"title": TEXT, "text": TEXT}, least=1),
}


def load(*, path: str | None = None, limit: int | None = None, passages: int | None = None) -> Corpus:
    """NQ-open: 2,655 questions, all their gold passages pooled into one haystack; the gold passage is the evidence.

    `limit` asks fewer questions about the same haystack; `passages` keeps only the first passages, with their
    questions. As in the paper, a reply is right when its first line contains one of the answers.
    """
    folder = folder_of(path, "nq_open", _SOURCE)
    file = folder if folder.is_file() else folder / "nq-open-oracle.jsonl.gz"
    try:
        with gzip.open(file, "rt", encoding="utf-8") as lines:
            read = list(lines)
    except FileNotFoundError as error:
        raise InputError("no such file", file=file, fix=f"get it from {_SOURCE}") from error
    except (OSError, EOFError, ValueError) as error:
        raise InputError(f"cannot be read: {error}", file=file, fix="the file is cut; get it again") from error
    rows = Rows(json_rows(read, file, _FIELDS), file)
    documents: dict[str, Document] = {}
    for row in rows:
        gold = row["ctxs"][0]
        if passages is None or len(documents) < passages or gold["text"] in documents:
            documents.setdefault(gold["text"], Document(f"p{len(documents)}", gold["text"], gold["title"]))
    haystack = Context(tuple(documents.values()))
    questions = []
    for number, row in enumerate(rows):
        document = documents.get(row["ctxs"][0]["text"])
        if document is not None:
            evidence = (Chunk.of(document, 0, len(document.text)),)
            questions.append(
                Question(
                    f"nq-{number}",
                    row["question"],
                    haystack.context_id,
                    tuple(row["answers"]),
                    (),
                    evidence,
                    "open",
                    ("nq_open", "token_f1"),
                    {"hops": 1, "scope": 1},
                )
            )
    return Corpus.of(
        "nq-open",
        [haystack],
        spread(questions, limit),
        version="29b8a6d, 2",
        provenance=_SOURCE,
        licence="MIT (questions: CC BY-SA 3.0)",
    )
