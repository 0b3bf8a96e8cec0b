"""Order-preserving RAG: many small chunks, chosen by similarity, read in the order of the text."""

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
    budget holds, are read in the order in which they stand in the text, in one call.

    Chunks of 128 tokens without overlap and a budget of 16,384 tokens, at which the paper reports its gain on EN.QA.
    Chunks that the window does not hold are dropped, the lowest ranks first. Together the chunks are the whole text, so
    with a large enough budget all of it is read.

    Deviations:
    - neighbouring chunks are joined without a mark between them;
    - documents stand in the order of the context (the paper has one document);
    - when nothing is found, the beginning of the text is read, recorded;
    - the workbench's embedder instead of BGE-large.
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
    """One call over chunks in the order of the text. When they do not fit the window the lowest ranks are dropped; when
    not even the first one fits, its end is cut."""
    asked = render_question(question)
    room = room_for(READ(chunks="", question=asked), bench, reply_tokens=bench.answer_tokens)
    kept, dropped = fitting_hits(hits, room, bench, lambda some: in_order_text(some, bench.context))
    prompt = READ(chunks=in_order_text(kept, bench.context), question=asked)
    return bench.reply(prompt, step="read", hits=kept, dropped_tokens=dropped)


def in_order_text(hits: Sequence[Hit], context: Context) -> str:
    """The chunks of hits as prompt text, in the order of the context, with neighbouring and overlapping chunks
    joined."""
    place = {document.document_id: i for i, document in enumerate(context.documents)}
    chunks = sorted((hit.chunk for hit in hits), key=lambda chunk: (place[chunk.document_id], chunk.start, chunk.end))
    return render_documents(merged(chunks), context)
