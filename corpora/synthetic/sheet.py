"""Turns generated texts and their questions into a corpus, with the labels that all generators share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from corpora.synthetic.fictional_world.questions import diffusion
from corpora.synthetic.sizing import Counter
from workbench.errors import InputError
from workbench.records import Chunk, Context, Corpus, Document, Question

Span = tuple[int, int]


@dataclass(frozen=True)
class Asked:
    """One question about a text. `spans` are the evidence, as (start, end) in the text, or as (document id, start, end)
    when the text has several documents (see `Sheet.documents`); `labels` are added to the question's metadata."""

    text: str
    answers: Sequence[str]
    spans: Sequence[Span] | Sequence[tuple[str, int, int]] = ()
    task: str = ""
    metrics: Sequence[str] = ("contains",)
    options: Sequence[str] = ()
    labels: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Sheet:
    """One context and its questions. `texts` is one text, or document id → text for several documents. `length` is the
    requested length, in tokens."""

    name: str
    texts: str | Mapping[str, str]
    asked: Sequence[Asked]
    length: int

    @property
    def documents(self) -> tuple[Document, ...]:
        """The documents, in order; a single text becomes one document with the sheet's name."""
        texts = {self.name: self.texts} if isinstance(self.texts, str) else self.texts
        return tuple(Document(name, text) for name, text in texts.items())


def corpus_of(
    name: str, sheets: Sequence[Sheet], count: Counter, *, version: str, provenance: str, licence: str = "CC0-1.0",
    notes: Sequence[str] = (),
) -> Corpus:  # fmt: skip
    """The corpus of these sheets. Every question gets the labels `length` and `context_tokens`, both in the
    `length_unit` of `tokenizer`, `hops` (1 unless given) and `scope` (pieces of evidence); those with evidence also get
    `diffusion` (0: the evidence has all the question's words, 1: none) and `depth` (start of the last evidence, 0 to
    1). Raises InputError when evidence is outside its text, which is a defect of the generator."""
    contexts, questions = [], []
    for sheet in sheets:
        context = Context(sheet.documents)
        size = sum(count(document.text) for document in context.documents)
        contexts.append(context)
        for number, asked in enumerate(sheet.asked):
            counted = {"context_tokens": size, "length_unit": count.unit, "tokenizer": count.tokenizer}
            questions.append(_question(sheet, f"{name}-{sheet.name}-{number}", asked, context, counted))
    return Corpus.of(
        name, contexts, questions, version=version, provenance=provenance, licence=licence, notes=notes
    )  # fmt: skip


def _question(sheet: Sheet, question_id: str, asked: Asked, context: Context, counted: Mapping[str, Any]) -> Question:
    evidence = []
    for span in asked.spans:
        document_id, start, end = span if len(span) == 3 else (sheet.name, *span)
        document = context.document(document_id)
        if not 0 <= start < end <= len(document.text):
            raise InputError(f"evidence {start}:{end} is outside the text", field=question_id)
        evidence.append(Chunk.of(document, start, end))
    labels: dict[str, Any] = {"length": sheet.length, **counted, "hops": 1, "scope": len(evidence)}
    if evidence:
        starts = _starts(context)
        last = max(starts[chunk.document_id] + chunk.start for chunk in evidence)
        labels["diffusion"] = diffusion(asked.text, [chunk.text for chunk in evidence[:50]])
        labels["depth"] = round(last / max(1, context.characters), 4)
    return Question(
        question_id, asked.text, context.context_id, tuple(asked.answers), tuple(asked.options), tuple(evidence),
        asked.task, tuple(asked.metrics), {**labels, **asked.labels},
    )  # fmt: skip


def _starts(context: Context) -> dict[str, int]:
    starts, at = {}, 0
    for document in context.documents:
        starts[document.document_id] = at
        at += len(document.text)
    return starts
