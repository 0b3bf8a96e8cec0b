"""LaRA (Li et al., ICML 2025, arXiv 2502.09977; Alibaba-NLP/LaRA): RAG versus long context on natural texts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from corpora.benchmarks.answer_places import answer_place
from corpora.benchmarks.fields import FILLED, GOLD, TEXT, Fields
from corpora.benchmarks.raw import folder_of, read_rows, read_text, spread
from workbench.records import Chunk, Context, Corpus, Document, Question

LENGTHS = ("32k", "128k")
KINDS = ("book", "financial", "paper")
TASKS = {"location": "location", "reasoning": "reasoning", "comp": "comparison", "hallu": "hallucination"}
_SOURCE = "https://github.com/Alibaba-NLP/LaRA (dataset/)"

_FIELDS: Fields = {"file": FILLED, "question": FILLED, "answer": GOLD, "context?": TEXT}


def load(
    *,
    path: str | None = None,
    length: str = "32k",
    kinds: Sequence[str] = KINDS,
    files: Sequence[str] | None = None,
    limit: int | None = None,
) -> Corpus:
    """LaRA: novels, financial statements and papers of 32k or 128k tokens; four kinds of questions.

    Each document is a context. `files` keeps the documents whose names contain one of these texts. The official score
    is an LLM judge's verdict; token F1, containment and ROUGE-L are stored as proxies. A hallucination question is
    right when the reply abstains. The label `position` is the tenth of the document that the question was written from.

    LaRA names no evidence. For questions about one place (`location`) it is derived here: the sentence with the answer
    in the part that the question was written from, where it is clear which one that is (`answer_place`). The other
    tasks need many places.
    """
    folder = folder_of(path, "lara", _SOURCE)
    contexts: dict[tuple[str, str], Context] = {}
    questions: list[Question] = []
    for kind in kinds:
        for level, task in TASKS.items():
            file = folder / "query" / f"{length}_{kind}_{level}.jsonl"
            if not file.exists():
                continue
            for number, row in enumerate(read_rows(file, _FIELDS)):
                if files and not any(part in row["file"] for part in files):
                    continue
                key = (kind, row["file"])
                if key not in contexts:
                    contexts[key] = _context(folder / length / kind / row["file"])
                questions.append(_question(f"{length}-{kind}-{level}-{number}", row, contexts[key], task, kind))
    questions = spread(questions, limit)
    used = {question.context_id for question in questions}
    return Corpus.of(
        f"lara-{length}",
        [context for context in contexts.values() if context.context_id in used],
        questions,
        version="c171553",
        provenance=_SOURCE,
        licence="MIT",
        notes=("official scores are an LLM judge's; these metrics are proxies",),
    )


def _context(file: Path) -> Context:
    return Context((Document(file.stem, read_text(file), file.stem),))


def _question(question_id: str, row: dict[str, Any], context: Context, task: str, kind: str) -> Question:
    labels: dict[str, Any] = {"kind": kind}
    if str(row.get("context_order", "")).isdigit():
        labels["position"] = int(row["context_order"])
    answers = (str(row["answer"]),)
    if task == "hallucination":
        labels["unanswerable"] = True
    evidence = _place(row, context) if task == "location" else ()
    metrics = ("abstention",) if task == "hallucination" else ("token_f1", "contains", "rouge_l")
    return Question(question_id, row["question"], context.context_id, answers, (), evidence, task, metrics, labels)


def _place(row: Mapping[str, Any], context: Context) -> tuple[Chunk, ...]:
    """The sentence with the answer in the part that the question was written from, or nothing."""
    document = context.documents[0]
    span = answer_place(row["question"], str(row["answer"]), document.text, *_part(row, document))
    return (Chunk.of(document, *span),) if span else ()


def _part(row: Mapping[str, Any], document: Document) -> tuple[int, int]:
    """The part that a question was written from: the passage that a book's question quotes, else the tenth of the
    document that it names with a tenth before and after it, else the whole document."""
    passage = str(row.get("context") or "")
    at = document.text.find(passage[:200]) if passage else -1
    if at >= 0:
        return at, min(len(document.text), at + len(passage))
    if not str(row.get("context_order", "")).isdigit():
        return 0, len(document.text)
    tenth = len(document.text) / 10
    order = int(row["context_order"])
    return int(max(0.0, order - 1) * tenth), int(min(10.0, order + 2) * tenth)
