"""Whether a draft is a question with an answer and evidence, as far as can be told without asking a model."""

from __future__ import annotations

import re
from collections.abc import Sequence

from workbench.evaluation.metrics import metric
from workbench.evaluation.metrics.refusal import abstains
from workbench.questions.material import Material
from workbench.questions.prompts import Draft
from workbench.records import Chunk
from workbench.text import combined_hash

_SAME = 0.75  # token F1 of two questions from which they are one
_RIGHT = 0.5  # token F1 from which a reply counts as the answer


def question_id(draft: Draft) -> str:
    """The id of a drafted question: the same words have the same id."""
    return f"w-{combined_hash(draft.question)[:12]}"


def alike(question: str, other: str) -> bool:
    """Whether two questions are one, by the token F1 of their words."""
    return metric("token_f1")(question, [other]) >= _SAME


def is_answer(reply: str, gold: str) -> bool:
    """Whether a reply counts as the gold answer."""
    if abstains(reply):
        return False
    return metric("contains")(reply, [gold]) == 1.0 or metric("token_f1")(reply, [gold]) >= _RIGHT


def quoted(quote: str, chunks: Sequence[Chunk]) -> Chunk | None:
    """Where a quotation stands in the material's documents; white space may differ, nothing else."""
    words = quote.split()
    if not words:
        return None
    pattern = re.compile(r"\s+".join(map(re.escape, words)))
    for chunk in chunks:
        if found := pattern.search(chunk.text):
            start, end = chunk.start + found.start(), chunk.start + found.end()
            return Chunk(chunk.document_id, start, end, found.group())
    return None


def flaw(material: Material, draft: Draft, spans: Sequence[Chunk]) -> str:
    """Why a draft has to be rejected, as far as can be told without a model; empty when nothing is wrong."""
    if not draft.question.strip() or not draft.answer.strip() or abstains(draft.answer):
        return "no question or no answer"
    if re.search(r"\bthe (?:text|passage|material|piece|document|excerpt)s?\b", draft.question, re.I):
        return "speaks of the text"
    if not spans or len(spans) < len(draft.evidence):
        return "evidence is not verbatim"
    places = {n for span in spans for n, chunk in enumerate(material.chunks) if chunk.overlap(span)}
    if material.kind == "pair" and len(places) < 2:
        return "needs one chunk only"
    if material.kind == "whole" and len(spans) < 2:
        return "needs one place only"
    return ""
