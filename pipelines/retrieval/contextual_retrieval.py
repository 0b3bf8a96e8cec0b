"""Contextual retrieval: the model says where each chunk stands in its document, and that is indexed with it."""

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
    """Chunks as they stand in the text, and the index of their texts with contexts added."""

    chunks: Sequence[Chunk]
    contexts: tuple[str, ...]
    index: TextIndex


@dataclass(frozen=True)
class ContextualRetrieval:
    """Anthropic 2024 ("Introducing Contextual Retrieval"; anthropics/anthropic-cookbook, MIT): one index call a chunk,
    which sees the whole document, the same first bytes for all chunks of a document so that a prefix cache holds them;
    chunk and context together are embedded and put into BM25; 150 of each, fused by 0.8 / rank + 0.2 / rank; top 20.

    Chunks of 800 tokens, contexts of at most 1,024 (the cookbook; about 100 are written, by its own count).

    Deviations:
    - a document longer than the window is shown in consecutive parts, each chunk with the part it begins in;
    - no cross-encoder; one field for BM25, not two;
    - chunks get smaller in a small window; a chunk with an empty context stands alone; both are noted;
    - the reader sees the original text; when nothing is found, the text's first chunks are read, noted.
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
