"""Control: chunks drawn at random, as many as chunk RAG reads."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import ClassVar

from pipelines._reading import read_hits
from workbench.method.protocol import Bench, MethodCard
from workbench.records import Answer, Context, Hit, Question
from workbench.retrieval.indexes.chunk_index import ChunkIndex


@dataclass(frozen=True)
class RandomChunks:
    """What the reader gets right without retrieval: the floor that a retriever has to beat at the same budget."""

    card: ClassVar[MethodCard] = MethodCard(
        title="Random chunks (control)", cost="1 call", stages="index | draw → read"
    )
    top_k: int = 5
    chunk_tokens: int = 512
    overlap: int = 64

    def build(self, context: Context, bench: Bench) -> ChunkIndex:
        return bench.index(chunk_tokens=self.chunk_tokens, overlap=self.overlap)

    def answer(self, question: Question, state: ChunkIndex, bench: Bench) -> Answer:
        draw = random.Random(f"{bench.seed}:{question.question_id}")
        chosen = draw.sample(state.chunks, min(self.top_k, len(state.chunks)))
        return read_hits([Hit(chunk, 0.0, rank) for rank, chunk in enumerate(chosen, 1)], question, bench)
