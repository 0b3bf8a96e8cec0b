"""Listwise ranking: the model sorts the candidates, in sliding windows or all at once, and the best are read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

from pipelines._reading import READ, read_hits
from pipelines.retrieval.chunk_rag import asker
from workbench.method.fitting import from_the_start, room_for
from workbench.method.prompts import render_question
from workbench.method.protocol import Bench, MethodCard, Retriever
from workbench.records import Answer, Context, Hit, Question
from workbench.retrieval.bounds import within
from workbench.retrieval.indexes.chunk_index import ChunkIndex
from workbench.retrieval.ranking.rerank import LISTWISE_PROMPT, listwise

RANK = LISTWISE_PROMPT  # named here because a run's identity covers this module's prompts


@dataclass(frozen=True)
class ListwiseRanking:
    """RankGPT (Sun et al., EMNLP 2023, arXiv 2304.09542; sunnweiwei/RankGPT, Apache-2.0). Windows of `window`
    candidates are ranked from the last to the first, each `step` further up, so that the best rise to the front. With
    `form: full`, one call ranks all candidates ("Sliding Windows Are Not the End", arXiv 2412.14574; 8421BCD/fullrank,
    MIT). Then one call reads the best.

    Defaults are the papers': 100 candidates of about 100 words, window 20, step 10.

    Deviations:
    - passages are ranked without the titles of their documents, and the question stands only after them (RankGPT: with
      titles, question before and after);
    - as in RankLLM, the last window always begins at the first candidate, fewer candidates than a window are ranked in
      one call (RankGPT leaves both unranked), and all passages stand in one message;
    - passages are cut to their share of the prompt; candidates without room for even a short share keep their places at
      the end of their window; both are recorded;
    - a ranking is read from numbers in brackets, or from a reply without any letter; repeated and unknown numbers are
      dropped, missing ones follow in their old order; a reply that ranks nothing is recorded;
    - when nothing is found, the first chunks of the text are read, recorded.
    """

    card: ClassVar[MethodCard] = MethodCard(
        title="Listwise ranking",
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
    ranking_tokens: int | None = None  # visible tokens of a ranking; 5 for each passage shown and 8 when None

    def __post_init__(self) -> None:
        if not 1 <= self.step <= self.window or self.candidates < 1 or self.top_k < 1:
            raise ValueError("step must lie between 1 and window, and candidates and top_k be at least 1")
        if self.ranking_tokens is not None:
            within("ranking_tokens", self.ranking_tokens, 1)

    def build(self, context: Context, bench: Bench) -> ChunkIndex:
        return bench.index(chunk_tokens=self.chunk_tokens).prepare(self.retriever)

    def answer(self, question: Question, state: ChunkIndex, bench: Bench) -> Answer:
        asked = render_question(question)
        room_for(READ(chunks="", question=asked), bench, reply_tokens=bench.answer_tokens)  # before the ranking is paid
        found = state.search(question.text, self.candidates, self.retriever)
        chunks = [hit.chunk for hit in from_the_start(found, state.chunks, self.candidates, bench)]
        window = max(self.window, len(chunks)) if self.form == "full" else self.window
        order = listwise(asked, chunks, asker(bench), window=window, step=self.step, reply_tokens=self.ranking_tokens)
        hits = [Hit(chunks[position], 1 / rank, rank) for rank, position in enumerate(order[: self.top_k], 1)]
        return read_hits(hits, question, bench)
