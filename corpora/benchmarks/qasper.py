"""QASPER (Dasigi et al., NAACL 2021, arXiv 2105.03011): questions on research papers, with the evidence paragraphs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from corpora.benchmarks.fields import FLAG, MAPPING, TEXT, TEXTS, Fields, ListOf
from corpora.benchmarks.hub import Source, files_of
from corpora.benchmarks.raw import assembled, checked, file_of, found_in, read_json
from workbench.errors import InputError
from workbench.records import Chunk, Context, Corpus, Document, Question

SOURCE = Source("qasper", "allenai/qasper", ("qasper-dev-v0.3.json", "*.json"))

_PAPER: Fields = {
    "title": TEXT,
    "abstract": TEXT,
    "full_text": ListOf({"section_name?": TEXT, "paragraphs?": TEXTS}),
    "qas": ListOf(MAPPING),
}
_ANSWER: Fields = {
    "unanswerable?": FLAG, "extractive_spans?": TEXTS, "yes_no?": FLAG, "free_form_answer?": TEXT, "evidence?": TEXTS,
}  # fmt: skip
_ASKED: Fields = {"question": TEXT, "question_id": TEXT, "answers": ListOf({"answer": _ANSWER}, least=1)}


def load(
    *,
    path: str | None = None,
    file: str = "qasper-dev-v0.3",
    limit: int | None = None,
    revision: str | None = None,
) -> Corpus:
    """QASPER: each paper is a context; the best annotator's answer counts; all evidence found in the text is kept.

    A question that every annotator calls unanswerable has the label `unanswerable`. Raises InputError.
    """
    data = file_of(files_of(SOURCE, path, revision), file)
    papers = read_json(data)
    if not isinstance(papers, Mapping):
        raise InputError("holds no papers by id", file=data, fix="get it again")
    contexts, questions = [], []
    lost = 0
    for paper_id, raw in papers.items():
        paper = checked(raw, _PAPER, data, f"paper {paper_id}")
        document = Document(str(paper_id), _text(paper), paper["title"])
        context = Context((document,))
        contexts.append(context)
        for asked in paper["qas"]:
            row = checked(asked, _ASKED, data, f"paper {paper_id}")
            question, missing = _question(row, document, context)
            questions.append(question)
            lost += missing
    return assembled(
        "qasper", contexts, questions, limit=limit, version=file, provenance=f"{SOURCE.page}; {data.name}",
        licence="CC BY 4.0",
        notes=(f"{lost} pieces of evidence (tables, figures) do not stand in the papers' text",) if lost else (),
    )  # fmt: skip


def _text(paper: Mapping[str, Any]) -> str:
    parts = [paper["title"], f"Abstract\n{paper['abstract']}"]
    for section in paper["full_text"]:
        parts += [str(section.get("section_name") or ""), *section.get("paragraphs", ())]
    return "\n\n".join(part for part in parts if part)


def _question(row: Mapping[str, Any], document: Document, context: Context) -> tuple[Question, int]:
    golds: dict[str, None] = {}
    spans: dict[str, Chunk] = {}
    lost = 0
    for annotation in row["answers"]:
        answer = annotation["answer"]
        golds[_gold(answer)] = None
        for piece in answer.get("evidence") or ():
            chunk = found_in(document, str(piece))
            lost += chunk is None
            if chunk is not None:
                spans[chunk.chunk_id] = chunk
    none = set(golds) == {"Unanswerable"}
    question = Question(
        row["question_id"], row["question"], context.context_id, tuple(golds), (), tuple(spans.values()),
        "unanswerable" if none else "answerable", ("qasper_f1", "contains"), {"unanswerable": none, "hops": 1},
    )  # fmt: skip
    return question, lost


def _gold(answer: Mapping[str, Any]) -> str:
    """One annotator's answer as the official evaluator reads it."""
    if answer.get("unanswerable"):
        return "Unanswerable"
    if answer.get("extractive_spans"):
        return ", ".join(answer["extractive_spans"])
    if answer.get("free_form_answer"):
        return str(answer["free_form_answer"])
    return "Yes" if answer.get("yes_no") else "No"
