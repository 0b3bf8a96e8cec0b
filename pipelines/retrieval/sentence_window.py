"""Sentence window: single sentences are searched, and read with the sentences around them."""

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
    (arXiv 2501.01880): every sentence is indexed alone and replaced, once found, by itself and `window` sentences on
    either side. Then one call.

    Window 3 is llama-index's; top 5 is the paper's smallest (llama-index's example has 2).

    Deviations:
    - windows that touch or overlap are read once, joined, in the order of the text, where llama-index repeats the
      shared sentences;
    - hybrid search is offered;
    - when nothing is found, the first sentences are read, noted.
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
