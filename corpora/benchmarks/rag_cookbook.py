"""Questions on Anthropic's documentation, with gold sections, from the RAG guide of Anthropic's cookbook."""

from __future__ import annotations

from corpora.benchmarks.fields import TEXT, TEXTS, Fields
from corpora.benchmarks.raw import assembled, folder_of, read_table
from workbench.records import Chunk, Context, Corpus, Document, Question

_SOURCE = "https://github.com/anthropics/anthropic-cookbook (skills/retrieval_augmented_generation/data)"


def load(*, path: str | None = None, limit: int | None = None) -> Corpus:
    """Anthropic's documentation: 232 sections as documents of one context, 100 questions, gold sections as evidence.

    `path`: a folder with `anthropic_docs.json` and `docs_evaluation_dataset.json`. Raises InputError.
    """
    folder = folder_of(path, "rag_cookbook", _SOURCE)
    sections = read_table(folder / "anthropic_docs.json", dict.fromkeys(("chunk_link", "chunk_heading", "text"), TEXT))
    documents: dict[str, Document] = {}
    for row in sections:
        documents.setdefault(row["chunk_link"], Document(row["chunk_link"], row["text"], row["chunk_heading"]))
    context = Context(tuple(documents.values()))
    questions, lost = [], 0
    fields: Fields = {"id": TEXT, "question": TEXT, "correct_chunks": TEXTS, "correct_answer": TEXT}
    rows = read_table(folder / "docs_evaluation_dataset.json", fields)
    for row in rows:
        gold = [documents[link] for link in row["correct_chunks"] if link in documents and documents[link].text]
        lost += len(row["correct_chunks"]) - len(gold)
        evidence = tuple(Chunk.of(document, 0, len(document.text)) for document in gold)
        questions.append(
            Question(
                row["id"], row["question"], context.context_id, (row["correct_answer"],), (), evidence, "documentation",
                ("token_f1", "rouge_l"), {"hops": len(evidence), "scope": len(evidence)},
            )
        )  # fmt: skip
    return assembled(
        "rag-cookbook", [context], questions, limit=limit, version="4b36a1e", provenance=_SOURCE, licence="MIT",
        notes=(f"{lost} gold sections do not exist",) if lost else (),
    )  # fmt: skip
