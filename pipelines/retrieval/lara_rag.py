"""LaRA's retrieval arm: two dense and three BM25 chunks are reordered, numbered and read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

from workbench.method.fitting import fitting_hits, from_the_start, numbered, room_for
from workbench.method.prompts import ANSWER_RULE, Prompt, render_question
from workbench.method.protocol import Bench, MethodCard
from workbench.records import Answer, Context, Hit, Question
from workbench.retrieval.indexes.chunk_index import ChunkIndex

READ = Prompt("lara_rag.read", user=f"{{chunks}}\n\n{ANSWER_RULE}\n\nQuestion: {{question}}\nAnswer:")


@dataclass(frozen=True)
class LaraRag:
    """The RAG arm of the LaRA benchmark (Li et al., ICML 2025, arXiv 2502.09977; Alibaba-NLP/LaRA, MIT). Of `kept`
    chunks, int(kept · share) come from dense search and the rest from BM25. They are joined, BM25's first and without
    repeats, reranked, and read as numbered chunks in one call.

    Chunks of the sentence splitter of 600 tokens with 100 shared, kept 5, share 0.5: the repository's. As there, the
    reranker sees no more candidates than it keeps, so it can only reorder.

    Deviations:
    - the workbench's embedder reranks, where LaRA has a cross-encoder (`rerank: none` keeps the joined order);
    - the embedder for dense search is the workbench's too, instead of gte;
    - the lowest ranks that do not fit the window are dropped and counted;
    - when nothing is found, the first chunks of the text are read, recorded;
    - the index is built once per text, not per question.
    """

    card: ClassVar[MethodCard] = MethodCard(
        title="LaRA's RAG",
        cost="1 call",
        url="https://arxiv.org/abs/2502.09977",
        year=2025,
        stages="index | dense + BM25 → rerank → read",
    )
    kept: int = 5
    dense_share: float = 0.5
    rerank: Literal["embedding", "none"] = "embedding"
    chunk_tokens: int = 600
    overlap: int = 100

    def __post_init__(self) -> None:
        if self.kept < 1 or not 0 <= self.dense_share <= 1 or not 0 <= self.overlap < self.chunk_tokens:
            raise ValueError("kept must be at least 1, dense_share from 0 to 1, and overlap less than chunk_tokens")

    def build(self, context: Context, bench: Bench) -> ChunkIndex:
        return bench.index(chunk_tokens=self.chunk_tokens, overlap=self.overlap)

    def answer(self, question: Question, state: ChunkIndex, bench: Bench) -> Answer:
        hits = from_the_start(self.candidates(question, state), state.chunks, self.kept, bench)
        if self.rerank == "embedding" and hits:
            vectors = bench.embed([question.text, *(hit.chunk.text for hit in hits)])
            scores = (vectors[1:] @ vectors[0]).tolist()
            order = sorted(range(len(hits)), key=lambda i: (-scores[i], i))
            hits = [Hit(hits[i].chunk, scores[i], rank) for rank, i in enumerate(order, 1)]
        asked = render_question(question)
        room = room_for(READ(chunks="", question=asked), bench, reply_tokens=bench.answer_tokens)

        def shown(some: Sequence[Hit]) -> str:
            return numbered([hit.chunk for hit in some], bench, "Chunk")

        fitting, dropped = fitting_hits(hits, room, bench, shown)
        prompt = READ(chunks=shown(fitting), question=asked)
        return bench.reply(prompt, step="read", hits=fitting, dropped_tokens=dropped)

    def candidates(self, question: Question, state: ChunkIndex) -> list[Hit]:
        """At most `kept` chunks: those of BM25 first, then the dense ones that BM25 did not find."""
        dense = int(self.kept * self.dense_share)
        found = state.search(question.text, self.kept - dense, "sparse") + state.search(question.text, dense, "dense")
        unique = {hit.chunk: hit for hit in reversed(found)}
        ordered = [hit for hit in found if unique[hit.chunk] is hit]
        return [Hit(hit.chunk, hit.score, rank) for rank, hit in enumerate(ordered, 1)]
