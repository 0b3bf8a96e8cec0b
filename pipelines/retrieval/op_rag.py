"""Order-preserving RAG: many small chunks, picked by similarity, read in the order of the text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from pipelines._reading import READ
from workbench.method.fitting import fitting_hits, from_the_start, merged, room_for
from workbench.method.prompts import render_documents, render_question
from workbench.method.protocol import Bench, MethodCard, Retriever
from workbench.records import Answer, Context, Hit, Question
from workbench.retrieval.indexes.chunk_index import ChunkIndex


@dataclass(frozen=True)
class OpRag:
    """Yu, Xu and Akkiraju 2024 (arXiv 2409.01666; no repository): the chunks nearest to the question, as many as the
    budget holds, in the order in which they stand in the text; then one call.

    Chunks of 128 tokens without overlap and a budget of 16,384 tokens, at which the paper reports its EN.QA gain; what
    the window does not hold is dropped from the lowest rank up. The chunks re-join to the text, so a budget for all of
    it reads the whole text.

    Deviations:
    - the workbench's embedder instead of BGE-large;
    - documents stand in the context's order (the paper has one document); neighbouring chunks are joined without a
      mark;
    - when nothing is found, the text's beginning is read, noted.
    """

    card: ClassVar[MethodCard] = MethodCard(
        title="Order-preserving RAG",
        cost="1 call",
        url="https://arxiv.org/abs/2409.01666",
        year=2024,
        stages="index | retrieve → restore order → read",
    )
    budget_tokens: int = 16_384
    chunk_tokens: int = 128
    retriever: Retriever = "dense"

    def __post_init__(self) -> None:
        if self.budget_tokens < 1 or self.chunk_tokens < 1:
            raise ValueError("budget_tokens and chunk_tokens must be at least 1")

    def build(self, context: Context, bench: Bench) -> ChunkIndex:
        return bench.index(chunk_tokens=self.chunk_tokens, splitter="packed")

    def answer(self, question: Question, state: ChunkIndex, bench: Bench) -> Answer:
        found = state.search(question.text, len(state.chunks), self.retriever)
        found = from_the_start(found, state.chunks, len(state.chunks), bench)
        chosen, _ = fitting_hits(found, self.budget_tokens, bench, lambda some: in_order_text(some, bench.context))
        return read_in_order(chosen, question, bench)


def read_in_order(hits: Sequence[Hit], question: Question, bench: Bench) -> Answer:
    """One call over chunks in the text's order; the lowest ranks are dropped when they do not fit, and a single chunk
    that is too long is cut."""
    asked = render_question(question)
    room = room_for(READ(chunks="", question=asked), bench, reply_tokens=bench.answer_tokens)
    kept, dropped = fitting_hits(hits, room, bench, lambda some: in_order_text(some, bench.context))
    prompt = READ(chunks=in_order_text(kept, bench.context), question=asked)
    return bench.reply(prompt, step="read", hits=kept, dropped_tokens=dropped)


def in_order_text(hits: Sequence[Hit], context: Context) -> str:
    """The hits' chunks as prompt text, in the context's order, neighbours and overlaps joined."""
    place = {document.document_id: i for i, document in enumerate(context.documents)}
    chunks = sorted((hit.chunk for hit in hits), key=lambda chunk: (place[chunk.document_id], chunk.start, chunk.end))
    return render_documents(merged(chunks), context)
