"""LongMemEval (Wu et al., ICLR 2025, arXiv 2410.10813): questions about a user's long history of chats.

Officially a model judges the answers (use `workbench judge` for that); the metrics here are rough substitutes, and
abstention questions are right when the reply abstains.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from corpora.benchmarks.exclusions import exclusions_of
from corpora.benchmarks.fields import FILLED, FLAG, GOLD, TEXT, TEXTS, Fields, ListOf
from corpora.benchmarks.hub import Source, files_of
from corpora.benchmarks.raw import assembled, excluded, file_of, read_table
from workbench.errors import InputError
from workbench.records import Chunk, Context, Corpus, Document, Question

SOURCE = Source("longmemeval", "xiaowu0162/longmemeval-cleaned", ("longmemeval_*.json",))
_RETRIEVAL = ("recall_any@5", "recall_all@5", "ndcg_any@5", "recall_any@10", "recall_all@10", "ndcg_any@10")  # sessions
_TURN = {"role": TEXT, "content": TEXT, "has_answer?": FLAG}
_FIELDS: Fields = {
    "question_id": FILLED, "question_type": TEXT, "question": FILLED, "answer": GOLD, "question_date": TEXT,
    "haystack_session_ids": TEXTS, "haystack_dates": TEXTS, "haystack_sessions": ListOf(ListOf(_TURN)),
    "answer_session_ids": TEXTS,
}  # fmt: skip


def load(
    *,
    path: str | None = None,
    size: str = "s",
    exclude: str | dict[str, str] | None = None,
    limit: int | None = None,
    revision: str | None = None,
) -> Corpus:
    """LongMemEval: each question has its own chat history; a session is a document that begins with its date.

    `size`: oracle (only the evidence sessions), s (about 115k tokens), m (about 500 sessions). The turns marked as
    containing the answer are the evidence. Abstention questions have the type that they were made from, as in the
    official report, and the label `abstention`. `exclude`: `detected`, `known`, or a file of question ids to leave out
    with reasons. Raises InputError.
    """
    folder, named = files_of(SOURCE, path, revision), f"longmemeval_{size}"
    if folder.is_dir() and any(folder.rglob(f"{named}_cleaned.json")):  # the name of the hub's files
        named += "_cleaned"
    data = file_of(folder, named)
    contexts, questions = [], []
    for row in read_table(data, _FIELDS):
        context, evidence = _history(row, data)
        contexts.append(context)
        absent = row["question_id"].endswith("_abs")
        text = f"Current date: {row['question_date']}\nAnswer from the chat history.\nQuestion: {row['question']}"
        labels = {
            "unanswerable": absent,
            "abstention": absent,
            "sessions": len(context.documents),
            "scope": len(evidence),
            "max_gen": 500,
        }
        questions.append(
            Question(
                row["question_id"], text, context.context_id, (str(row["answer"]),), (),
                () if absent else tuple(evidence), row["question_type"],
                ("abstention",) if absent else ("contains", "token_f1", "rouge_l", *_RETRIEVAL),
                labels,
            )
        )  # fmt: skip
    kept, notes = excluded(questions, exclusions_of(exclude, questions, "longmemeval"))
    return assembled(
        f"longmemeval-{size}", contexts, kept, limit=limit, version="cleaned, 2",
        provenance=f"{SOURCE.page}; {data.name}", licence="MIT", notes=notes,
    )  # fmt: skip


def _history(row: dict[str, Any], file: Path) -> tuple[Context, list[Chunk]]:
    """The sessions in the order of the file, and the turns marked as containing the answer."""
    lengths = {len(row[name]) for name in ("haystack_session_ids", "haystack_dates", "haystack_sessions")}
    if len(lengths) != 1:
        problem = "has other numbers of sessions, ids and dates"
        raise InputError(problem, file=file, field=f"question {row['question_id']}", fix="get it again")
    documents, evidence = [], []
    together = zip(row["haystack_session_ids"], row["haystack_dates"], row["haystack_sessions"], strict=True)
    for number, (session_id, date, turns) in enumerate(together):
        text, spans = f"Date: {date}\n", []
        for turn in turns:
            start = len(text)
            text += f"{turn['role']}: {turn['content']}\n"
            if turn.get("has_answer"):
                spans.append((start, len(text) - 1))
        document = Document(f"{number}-{session_id}", text, str(date))  # ids may repeat within a history
        documents.append(document)
        evidence += [Chunk.of(document, start, end) for start, end in spans]
    return Context(tuple(documents)), evidence
