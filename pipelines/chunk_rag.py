"""Chunk RAG: retrieve the best chunks, read them in one call."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

from workbench.pipeline import ANSWER_RULE, Bench, MethodCard, Prompt, Retriever, render_documents, render_question
from workbench.records import Answer, Context, Hit, Question
from workbench.retrieval.index import ChunkIndex

READ = Prompt("chunk_rag.read", user=f"{{chunks}}\n\n{ANSWER_RULE}\n\nQuestion: {{question}}\nAnswer:")


@dataclass(frozen=True)
class ChunkRag:
    """The retrieval arm: llama-index SentenceSplitter chunks; FAISS dense, rank-bm25 sparse, or both fused by RRF.

    Defaults follow "Long Context vs. RAG for LLMs" (arXiv 2501.01880) and LaRA where they agree: a few chunks of some
    hundred tokens, top 5. `order: document` restores source order (OP-RAG, arXiv 2409.01666). What does not fit the
    window is dropped from the lowest rank up, and recorded.
    """

    card: ClassVar[MethodCard] = MethodCard(
        title="Chunk RAG",
        family="retrieval",
        cost="1 call",
        url="https://arxiv.org/abs/2501.01880",
        year=2025,
        stages="index | retrieve → read",
    )
    retriever: Retriever = "hybrid"
    top_k: int = 5
    chunk_tokens: int = 512
    overlap: int = 64
    order: Literal["relevance", "document"] = "relevance"

    def __post_init__(self) -> None:
        if self.top_k < 1 or self.chunk_tokens < 1 or not 0 <= self.overlap < self.chunk_tokens:
            raise ValueError("top_k and chunk_tokens must be at least 1, and overlap less than chunk_tokens")

    def build(self, context: Context, bench: Bench) -> ChunkIndex:
        return bench.index(chunk_tokens=self.chunk_tokens, overlap=self.overlap)

    def answer(self, question: Question, state: ChunkIndex, bench: Bench) -> Answer:
        hits = state.search(question.text, self.top_k, self.retriever)
        return read_hits(hits, question, bench, order=self.order)


def read_hits(
    hits: Sequence[Hit], question: Question, bench: Bench, *, order: str = "relevance", step: str = "read"
) -> Answer:
    """One call over retrieved chunks; the lowest ranks are dropped while they do not fit."""
    asked = render_question(question)
    room = bench.room(READ(chunks="", question=asked), reply_tokens=bench.answer_tokens)
    kept, dropped = list(hits), 0
    while kept and bench.count(render_documents([hit.chunk for hit in kept], bench.context)) > room:
        dropped += bench.count(kept.pop().chunk.text)
    shown = kept
    if order == "document":
        place = {document.document_id: i for i, document in enumerate(bench.context.documents)}
        shown = sorted(kept, key=lambda hit: (place[hit.chunk.document_id], hit.chunk.start))
    text = render_documents([hit.chunk for hit in shown], bench.context)
    return bench.reply(READ(chunks=text, question=asked), step=step, hits=kept, dropped_tokens=dropped)
