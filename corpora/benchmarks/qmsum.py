"""QMSum (Zhong et al., NAACL 2021, arXiv 2104.05938; Yale-LILY/QMSum): query-based summaries of meetings."""

from __future__ import annotations

from typing import Any

from corpora.benchmarks.fields import FILLED, TEXT, Fields, Kind, ListOf
from corpora.benchmarks.raw import folder_of, read_rows, spread
from workbench.records import Chunk, Context, Corpus, Document, Question

_SOURCE = "https://github.com/Yale-LILY/QMSum (data/ALL/jsonl)"
_METRICS = ("rouge_mean", "rouge_l", "token_f1")

_SPAN = Kind(
    "a first and a last turn",
    lambda span: isinstance(span, list) and len(span) == 2 and all(str(turn).strip().isdecimal() for turn in span),
)
_QUERIES = ListOf({"query": FILLED, "answer": TEXT, "relevant_text_span?": ListOf(_SPAN)})
_FIELDS: Fields = {
    "meeting_transcripts": ListOf({"speaker": TEXT, "content": TEXT}),
    "general_query_list": _QUERIES,
    "specific_query_list": _QUERIES,
}


def load(*, path: str | None = None, split: str = "test", limit: int | None = None) -> Corpus:
    """QMSum: each meeting is a context; its general and specific queries are the questions, answered by a summary.

    The turns that a query's summary was written from, where they are given, are its evidence.
    """
    folder = folder_of(path, "qmsum", _SOURCE)
    file = folder if folder.is_file() else folder / f"{split}.jsonl"
    contexts, questions, lost = [], [], 0
    for number, row in enumerate(read_rows(file, _FIELDS)):
        context, turns = _meeting(f"meeting-{number:02}", row["meeting_transcripts"])
        contexts.append(context)
        for kind in ("general", "specific"):
            for item, asked in enumerate(row[f"{kind}_query_list"]):
                evidence, missing = _evidence(asked.get("relevant_text_span", ()), turns)
                lost += missing
                labels = {"scope": len(evidence), "turns": len(turns)}
                questions.append(
                    Question(
                        f"{split}-{number}-{kind}-{item}",
                        asked["query"],
                        context.context_id,
                        (asked["answer"],),
                        (),
                        tuple(evidence),
                        kind,
                        _METRICS,
                        labels,
                    )
                )
    questions = spread(questions, limit)
    used = {question.context_id for question in questions}
    return Corpus.of(
        "qmsum",
        [context for context in contexts if context.context_id in used],
        questions,
        version=file.stem,
        provenance=f"{_SOURCE}; {file.name}",
        licence="MIT",
        notes=(f"{lost} spans name turns that do not exist",) if lost else (),
    )


def _meeting(name: str, transcript: list[dict[str, str]]) -> tuple[Context, list[tuple[int, int, Document]]]:
    """The transcript as one document, one turn per line, and the span of each turn."""
    lines = [f"{turn['speaker']}: {turn['content']}" for turn in transcript]
    document = Document(name, "\n".join(lines), name)
    turns, at = [], 0
    for line in lines:
        turns.append((at, at + len(line), document))
        at += len(line) + 1
    return Context((document,)), turns


def _evidence(spans: Any, turns: list[tuple[int, int, Document]]) -> tuple[list[Chunk], int]:
    """Ranges of turns as chunks, and how many ranges name turns that do not exist."""
    found, lost = [], 0
    for span in spans:
        first, last = int(span[0]), int(span[-1])
        if not 0 <= first <= last < len(turns):
            lost += 1
            continue
        found.append(Chunk.of(turns[first][2], turns[first][0], turns[last][1]))
    return found, lost
