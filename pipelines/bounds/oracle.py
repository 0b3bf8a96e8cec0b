"""Control: the gold evidence and nothing else."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from pipelines._reading import read_hits
from workbench.method.protocol import Bench, MethodCard
from workbench.records import Answer, Context, Hit, Question


@dataclass(frozen=True)
class Oracle:
    """Perfect retrieval: the best result that a retriever can reach with this reader. A question without gold evidence
    is asked without any text, which is recorded."""

    card: ClassVar[MethodCard] = MethodCard(
        title="Oracle (control)", cost="1 call", stages="gold evidence → read", sees_evidence=True
    )

    def build(self, context: Context, bench: Bench) -> None:
        return None

    def answer(self, question: Question, state: None, bench: Bench) -> Answer:
        if not question.evidence:
            bench.note("no_gold_evidence", True)
        hits = [Hit(chunk, 1.0, rank) for rank, chunk in enumerate(question.evidence, 1)]
        return read_hits(hits, question, bench, order="document")
