"""Listwise ranking: the model sorts the candidates, in sliding windows or all at once, then the best are read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

from pipelines.chunk_rag import READ, read_hits
from workbench.fitting import cut, from_the_start, room_for
from workbench.pipeline import Bench, MethodCard, Prompt, Retriever, render_question
from workbench.records import Answer, Chunk, Context, Hit, Question
from workbench.retrieval.index import ChunkIndex
from workbench.retrieval.rerank import permutation, windows

RANK = Prompt(
    "listwise_ranking.rank",
    user="{passages}\n\nAbove are {number} passages, each under its number in brackets. Rank all of them by how much "
    "they help to answer the question below, the most helpful first, in the form [2] > [1] > [3]. Reply with the "
    "ranking only.\n\nQuestion: {question}\nReply:",
)
_TOKENS_PER_ID = 5  # "[12] > "
_LEAST_PASSAGE = 24


@dataclass(frozen=True)
class ListwiseRanking:
    """RankGPT (Sun et al., EMNLP 2023, arXiv 2304.09542; sunnweiwei/RankGPT, Apache-2.0): windows of `window` from the
    tail up, each moved by `step`, so that the best rise to the front; or, with `form: full`, one call over all
    candidates ("Sliding Windows Are Not the End", arXiv 2412.14574; 8421BCD/fullrank, MIT). Then the best are read.

    Defaults are the papers': 100 candidates of about 100 words, window 20, step 10. Named deviations, after RankLLM: a
    last window is clipped to the head when the steps miss it, and fewer candidates than a window are ranked in one call
    (RankGPT leaves both unranked). A reply is a text with numbers in brackets, or of numbers alone: repeated and
    unknown ones are dropped, missing ones follow in their old order, so nothing is lost. Passages are cut to their
    share of a prompt; candidates for which not even a short share is left keep their places at the end. Both are noted.
    """

    card: ClassVar[MethodCard] = MethodCard(
        title="Listwise ranking",
        family="retrieval",
        cost="sliding: ⌈(n − w) / s⌉ + 2 calls; full: 2 calls; all in sequence",
        url="https://arxiv.org/abs/2304.09542",
        year=2023,
        stages="index | retrieve → rank window → rank window → … → read the best",
    )
    form: Literal["sliding", "full"] = "sliding"
    candidates: int = 100
    window: int = 20
    step: int = 10
    top_k: int = 5
    retriever: Retriever = "hybrid"
    chunk_tokens: int = 128

    def __post_init__(self) -> None:
        if not 1 <= self.step <= self.window or self.candidates < 1 or self.top_k < 1:
            raise ValueError("step must lie between 1 and window, and candidates and top_k be at least 1")

    def build(self, context: Context, bench: Bench) -> ChunkIndex:
        return bench.index(chunk_tokens=self.chunk_tokens).prepare(self.retriever)

    def answer(self, question: Question, state: ChunkIndex, bench: Bench) -> Answer:
        room_for(READ(chunks="", question=render_question(question)), bench, reply_tokens=bench.answer_tokens)
        found = state.search(question.text, self.candidates, self.retriever)
        chunks = [hit.chunk for hit in from_the_start(found, state.chunks, self.candidates, bench)]
        size = len(chunks) if self.form == "full" else min(self.window, len(chunks))
        for start, end in windows(len(chunks), size, self.step):
            chunks[start:end] = self._ranked(chunks[start:end], question, bench)
        hits = [Hit(chunk, 1 / rank, rank) for rank, chunk in enumerate(chunks[: self.top_k], 1)]
        return read_hits(hits, question, bench)

    def _ranked(self, chunks: Sequence[Chunk], question: Question, bench: Bench) -> list[Chunk]:
        asked = render_question(question)
        frame = RANK(passages="", number=len(chunks), question=asked)
        room = room_for(frame, bench, reply_tokens=0)
        shown = min(len(chunks), room // (_LEAST_PASSAGE + 2 * _TOKENS_PER_ID))
        if shown < len(chunks):
            bench.note("candidates_not_shown", len(chunks) - shown)
        if shown < 2:
            return list(chunks)
        tokens = shown * _TOKENS_PER_ID + 8
        share = (room - tokens) // shown - _TOKENS_PER_ID
        texts = [cut(chunk.text.strip(), share, bench, noted=False) for chunk in chunks[:shown]]
        shortened = sum(len(text) < len(chunk.text.strip()) for text, chunk in zip(texts, chunks, strict=False))
        if shortened:
            bench.note("passages_cut", shortened)
        passages = [f"[{number}] {text}" for number, text in enumerate(texts, 1)]
        prompt = RANK(passages="\n\n".join(passages), number=shown, question=asked)
        reply = bench.ask(prompt, step="rank", max_tokens=tokens)
        order = permutation(reply.text, shown)
        return [*(chunks[i] for i in order), *chunks[shown:]]
