"""Contextual retrieval: the model describes each chunk's place in its document, and both are indexed together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from pipelines._reading import READ, read_hits
from workbench.method.fitting import SEAM, cut, from_the_start, note_number, reduced, room_for
from workbench.method.prompts import Prompt
from workbench.method.protocol import Bench, MethodCard
from workbench.records import Answer, Chunk, Context, Hit, Question
from workbench.retrieval.chunks.chunking import pack
from workbench.retrieval.indexes.text_index import TextIndex
from workbench.retrieval.ranking.fusion import weighted

SITUATE = Prompt(
    "contextual_retrieval.situate",
    user="<document>\n{document}\n</document>\n\nHere is a chunk of the document above:\n\n"
    "<chunk>\n{chunk}\n</chunk>\n\nWrite one or two sentences that place this chunk within the whole document, so "
    "that a search finds it: what and whom it is about, when and where, also where the chunk itself only says he or "
    "she or it. Write nothing else.\nSummary:",
)


@dataclass(frozen=True)
class Situated:
    """The chunks as they stand in the text, the contexts written for them, and an index of both together."""

    chunks: Sequence[Chunk]
    contexts: tuple[str, ...]
    index: TextIndex


@dataclass(frozen=True)
class ContextualRetrieval:
    """Anthropic 2024 ("Introducing Contextual Retrieval"; anthropics/anthropic-cookbook, MIT). Index stage: one call
    per chunk sees the whole document and writes a context. The document comes first in the prompt, so that a prefix
    cache serves all of its chunks. Query stage: 150 results each of dense search and BM25 over chunk and context, fused
    by 0.8 / rank + 0.2 / rank; the top 20 chunks are read, without their contexts.

    Chunks of 800 tokens, contexts of at most 1,024 (the cookbook's; it counts about 100 written on average).

    Deviations:
    - no reranking by a cross-encoder, which the cookbook offers;
    - a document longer than the window is shown in consecutive parts, each chunk with the part in which it begins;
    - chunk and context are one field for BM25, not two;
    - chunks get smaller in a small window, recorded;
    - a chunk whose context is empty is indexed alone, recorded;
    - when nothing is found, the first chunks of the text are read, recorded.
    """

    card: ClassVar[MethodCard] = MethodCard(
        title="Contextual retrieval",
        cost="index: m (parallel); query: 1 call",
        url="https://www.anthropic.com/news/contextual-retrieval",
        year=2024,
        stages="index: situate every chunk (parallel) | dense + BM25 → fuse → read",
    )
    top_k: int = 20
    candidates: int = 150
    dense_weight: float = 0.8
    chunk_tokens: int = 800
    context_tokens: int = 1_024

    def __post_init__(self) -> None:
        if self.top_k < 1 or self.candidates < 1 or self.chunk_tokens < 1 or not 0 <= self.dense_weight <= 1:
            raise ValueError("top_k, candidates and chunk_tokens must be at least 1, and dense_weight from 0 to 1")

    def build(self, context: Context, bench: Bench) -> Situated:
        tokens = min(self.context_tokens, bench.window // 8)
        room = room_for(SITUATE(document="", chunk=""), bench, reply_tokens=tokens)
        reading = room_for(READ(chunks="", question=""), bench, reply_tokens=bench.answer_tokens)
        size = reduced(self.chunk_tokens, min(room // 3, reading // 2), bench)
        chunks = bench.index(chunk_tokens=size).chunks
        parts = {d.document_id: pack(d, room - size - SEAM, bench.count) for d in context.documents}
        cut_up = sum(len(of_document) > 1 for of_document in parts.values())
        if cut_up:
            bench.note("documents_shown_in_parts", cut_up)
        prompts = [SITUATE(document=_around(c, parts[c.document_id]), chunk=cut(c.text, size, bench)) for c in chunks]
        replies = bench.ask_many(prompts, step="situate", max_tokens=tokens)
        contexts = [cut(reply.text.strip(), tokens, bench) for reply in replies]
        note_number("empty_contexts", contexts.count(""), bench)
        texts = [
            f"{chunk.text}\n\n{added}" if added else chunk.text for chunk, added in zip(chunks, contexts, strict=True)
        ]
        return Situated(chunks, tuple(contexts), bench.text_index(texts))

    def answer(self, question: Question, state: Situated, bench: Bench) -> Answer:
        dense = state.index.dense(question.text, self.candidates)
        sparse = state.index.sparse(question.text, self.candidates)
        rankings = [[position for position, _ in ranking] for ranking in (dense, sparse)]
        fused = weighted(rankings, [self.dense_weight, 1 - self.dense_weight], k=0)[: self.top_k]
        hits = [Hit(state.chunks[position], score, rank) for rank, (position, score) in enumerate(fused, 1)]
        return read_hits(from_the_start(hits, state.chunks, self.top_k, bench), question, bench)


def _around(chunk: Chunk, parts: Sequence[Chunk]) -> str:
    """The part of the document in which the chunk begins."""
    return next((part.text for part in parts if part.start <= chunk.start < part.end), chunk.text)
