"""HotpotQA (Yang et al., EMNLP 2018, arXiv 1809.09600): two-hop questions over Wikipedia paragraphs."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from corpora.benchmarks.fields import FILLED, GOLD, INDEX, TEXTS, Fields, Kind, ListOf, wrong_in
from corpora.benchmarks.raw import all_checked, folder_of, read_json, spread
from workbench.errors import InputError
from workbench.records import Chunk, Context, Corpus, Document, Question

_SOURCE = "https://hotpotqa.github.io (or OSU-NLP-Group/HippoRAG for a pooled corpus)"
_POOL = "_corpus.json"

_FACT = Kind(
    "a title and the number of a sentence",
    lambda fact: isinstance(fact, list) and len(fact) == 2 and isinstance(fact[0], str) and INDEX.holds(fact[1]),
)
_PARAGRAPH = Kind(
    "a title and its sentences",
    lambda part: (
        isinstance(part, list) and len(part) == 2 and isinstance(part[0], str) and wrong_in(part[1], TEXTS) is None
    ),
)
_FIELDS: Fields = {
    "_id": FILLED, "question": FILLED, "answer": GOLD, "supporting_facts": ListOf(_FACT),
    "context": ListOf(_PARAGRAPH, least=1),
}  # fmt: skip


def load(*, path: str | None = None, context: Literal["pooled", "own"] = "pooled", limit: int | None = None) -> Corpus:
    """HotpotQA: two-hop questions over Wikipedia paragraphs; the supporting sentences are the evidence.

    `path`: the file of questions, or a folder with it and optionally `…_corpus.json` (title → sentences) as published
    by HippoRAG. `context: pooled` asks every question about all articles together, `own` about its own ten paragraphs.
    """
    folder = folder_of(path, "hotpotqa", _SOURCE)
    return read(folder, name="hotpotqa", context=context, limit=limit, source=_SOURCE, licence="CC BY-SA 4.0")


def read(folder: Path, *, name: str, context: str, limit: int | None, source: str, licence: str) -> Corpus:
    """A corpus from files in HotpotQA's form; see `load`."""
    file = folder if folder.is_file() else _questions_file(folder)
    rows = all_checked(read_json(file), _FIELDS, file, "question")
    pool = file.with_name(file.stem + _POOL)
    articles: dict[str, list[str]] = {}
    if context == "pooled":
        articles = dict(read_json(pool)) if pool.exists() else {t: s for row in rows for t, s in row["context"]}
    elif context != "own":
        raise InputError(f"context {context!r}", field="context", fix="use pooled or own")
    shared = _context(articles) if articles else None
    contexts: dict[str, Context] = {shared.context_id: shared} if shared else {}
    questions, lost = [], 0
    for row in rows:
        sentences = articles or dict(row["context"])
        own = shared or _context(sentences)
        contexts[own.context_id] = own
        evidence = [span for fact in row["supporting_facts"] if (span := _span(fact, sentences, own))]
        lost += len(row["supporting_facts"]) - len(evidence)
        questions.append(_question(row, own, evidence))
    questions = spread(questions, limit)
    used = {question.context_id for question in questions}
    return Corpus.of(
        name,
        [kept for key, kept in contexts.items() if key in used],
        questions,
        version=file.stem,
        provenance=f"{source}; {file.name}, {context} paragraphs",
        licence=licence,
        notes=(f"{lost} supporting facts name sentences that do not exist",) if lost else (),
    )


def _questions_file(folder: Path) -> Path:
    found = [file for file in sorted(folder.glob("*.json")) if not file.name.endswith(_POOL)]
    if not found:
        raise InputError("holds no questions (.json)", file=folder, fix=f"get them from {_SOURCE}")
    return found[0]


def _context(articles: dict[str, list[str]]) -> Context:
    return Context(tuple(Document(title, "".join(sentences), title) for title, sentences in articles.items()))


def _span(fact: list[Any], sentences: dict[str, list[str]], context: Context) -> Chunk | None:
    """The supporting sentence `fact`, [title, number], without surrounding white space; None if it does not exist."""
    title, number = fact
    if title not in sentences or not 0 <= number < len(sentences[title]):
        return None
    start = sum(len(sentence) for sentence in sentences[title][:number])
    sentence = sentences[title][number]
    start += len(sentence) - len(sentence.lstrip())
    return Chunk.of(context.document(title), start, start + len(sentence.strip()))


def _question(row: dict[str, Any], context: Context, evidence: list[Chunk]) -> Question:
    labels = {"level": row.get("level", ""), "hops": 2, "scope": len(evidence)}
    metrics = ("hotpotqa_f1", "exact_match", "contains")
    return Question(
        row["_id"], row["question"], context.context_id, (str(row["answer"]),), (), tuple(evidence),
        str(row.get("type", "")), metrics, labels,
    )  # fmt: skip
