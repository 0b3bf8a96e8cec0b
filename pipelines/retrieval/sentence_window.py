"""Sentence window: single sentences are searched, and read together with the sentences around them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from pipelines.retrieval.op_rag import read_in_order
from workbench.method.fitting import from_the_start
from workbench.method.protocol import Bench, MethodCard, Retriever
from workbench.records import Answer, Chunk, Context, Hit, Question
from workbench.retrieval.indexes.chunk_index import ChunkIndex


@dataclass(frozen=True)
class SentenceWindow:
    """Sentence-window retrieval as in llama-index (`SentenceWindowNodeParser`, MIT) and "Long Context vs. RAG for LLMs"
    (arXiv 2501.01880). Each sentence is indexed alone. One that is found is read with `window` sentences on either
    side. 1 call.

    Window 3 is llama-index's default; top 5 is the paper's smallest (llama-index's example: 2).

    Deviations:
    - windows are read in text order, those that touch or overlap as one (llama-index repeats shared sentences);
    - when nothing is found, the first sentences are read, recorded.
    """

    card: ClassVar[MethodCard] = MethodCard(
        title="Sentence window",
        cost="1 call",
        url="https://arxiv.org/abs/2501.01880",
        year=2025,
        stages="index sentences | retrieve → widen → read",
    )
    top_k: int = 5
    window: int = 3
    retriever: Retriever = "dense"

    def __post_init__(self) -> None:
        if self.top_k < 1 or self.window < 0:
            raise ValueError("top_k must be at least 1 and window at least 0")

    def build(self, context: Context, bench: Bench) -> ChunkIndex:
        return bench.index(splitter="single")

    def answer(self, question: Question, state: ChunkIndex, bench: Bench) -> Answer:
        place = {chunk: i for i, chunk in enumerate(state.chunks)}
        found = state.search(question.text, self.top_k, self.retriever)
        found = from_the_start(found, state.chunks, self.top_k, bench)
        hits = [Hit(self._widened(place[hit.chunk], state, bench.context), hit.score, hit.rank) for hit in found]
        return read_in_order(hits, question, bench)

    def _widened(self, position: int, state: ChunkIndex, context: Context) -> Chunk:
        centre = state.chunks[position]
        around = state.chunks[max(0, position - self.window) : position + self.window + 1]
        same = [chunk for chunk in around if chunk.document_id == centre.document_id]
        return Chunk.of(context.document(centre.document_id), same[0].start, same[-1].end)
