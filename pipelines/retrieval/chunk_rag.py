"""Chunk RAG: the best chunks are retrieved and read in one call."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

from pipelines._reading import read_hits
from workbench.errors import InputError, UnknownName
from workbench.method.fitting import fitting_hits, from_the_start
from workbench.method.protocol import Bench, MethodCard, Retriever
from workbench.records import Answer, Context, Hit, Message, Question
from workbench.retrieval.asking import Asker
from workbench.retrieval.bounds import within
from workbench.retrieval.chunks.contextual import SITUATE_PROMPT, situated
from workbench.retrieval.chunks.splitters import check_splitter
from workbench.retrieval.embedders.embedder import Embedder
from workbench.retrieval.embedders.opening import open_embedder
from workbench.retrieval.embedders.wrapped import PrefixedEmbedder, TruncatedEmbedder
from workbench.retrieval.indexes.bm25 import Bm25Options
from workbench.retrieval.indexes.chunk_index import ChunkIndex
from workbench.retrieval.indexes.parts import IndexOptions
from workbench.retrieval.indexes.vector import KINDS
from workbench.retrieval.ranking.cross_encoder import open_cross_encoder
from workbench.retrieval.ranking.fusion import Fusion
from workbench.retrieval.ranking.queries import (
    DECOMPOSE_PROMPT,
    HYDE_PROMPT,
    MULTI_QUERY_PROMPT,
    STEP_BACK_PROMPT,
    TRANSFORMS,
    transformed,
)
from workbench.retrieval.ranking.rerank import LISTWISE_PROMPT, POINTWISE_PROMPT, Rerank, reranked
from workbench.retrieval.ranking.selection import FILLS, ORDERS, OVERFLOWS, taken
from workbench.retrieval.stop_words import LANGUAGES

# Listed in this module because a run's identity covers the prompts of its method's module.
OPTION_PROMPTS = "\n".join(
    [
        *(SITUATE_PROMPT, HYDE_PROMPT, MULTI_QUERY_PROMPT, DECOMPOSE_PROMPT, STEP_BACK_PROMPT),
        *(LISTWISE_PROMPT, POINTWISE_PROMPT),
    ]
)


@dataclass(frozen=True)
class ChunkRag:
    """The retrieval arm, with a field for every choice in which retrieval methods differ (see `docs/retrieval.md`).

    By default: llama-index's SentenceSplitter, FAISS for dense and BM25 (as rank-bm25) for sparse search, both fused by
    reciprocal ranks. Sizes follow "Long Context vs. RAG for LLMs" (arXiv 2501.01880) and LaRA where they agree: the top
    5 of chunks of some hundred tokens. `order: document` restores the order of the source (OP-RAG, arXiv 2409.01666).

    Chunks that do not fit the window are dropped, the lowest ranks first, and counted. When nothing is found, the first
    `top_k` chunks are read, recorded.
    """

    card: ClassVar[MethodCard] = MethodCard(
        title="Chunk RAG",
        cost="1 call",
        url="https://arxiv.org/abs/2501.01880",
        year=2025,
        stages="index | retrieve → read",
    )
    retriever: Retriever = "hybrid"
    top_k: int = 5
    chunk_tokens: int = 512
    overlap: int = 64
    order: Literal["relevance", "document", "reversed", "lost_in_the_middle"] = "relevance"
    splitter: str = "sentence"
    embedder: str = ""
    query_prefix: str = ""
    document_prefix: str = ""
    dimensions: int = 0
    contextual: bool = False
    context_tokens: int = 100  # visible tokens of what a model writes about a chunk; ≤ window / 8
    dense_index: Literal["auto", "flat", "hnsw", "ivfpq"] = "auto"
    bm25: Literal["okapi", "l", "plus"] = "okapi"
    k1: float = 1.5
    b: float = 0.75
    epsilon: float = 0.25
    delta: float | None = None
    language: str = "english"
    fusion: Literal["rrf", "weighted", "interleave", "relative_score", "dist_based_score"] = "rrf"
    rrf_k: int = 60
    dense_weight: float = 0.5
    query: Literal["none", "hyde", "multi_query", "decompose", "step_back"] = "none"
    queries: int = 4
    query_tokens: int = 64  # visible tokens of each rewording, simpler or more general question
    hyde_tokens: int = 512  # visible tokens of each passage that `hyde` has written (HyDE's)
    rerank: Literal["none", "listwise", "listwise_full", "pointwise", "mmr", "graph"] = "none"
    candidates: int = 50
    rerank_window: int = 20
    rerank_step: int = 10
    ranking_tokens: int | None = None  # visible tokens of a ranking; 5 for each passage shown and 8 when None
    grade_tokens: int = 8  # visible tokens of the grade of a passage
    diversity: float = 0.5
    cross_encoder: str = ""
    fill: Literal["top_k", "token_budget", "threshold", "adaptive_k"] = "top_k"
    token_budget: int = 4096
    overflow: Literal["stop", "skip", "overshoot"] = "stop"
    threshold: float = 0.5

    def __post_init__(self) -> None:
        """Check the fields before anything runs. Raises InputError with the name of the wrong field."""
        check_splitter(self.splitter, self.chunk_tokens, self.overlap)
        for name, value, lowest, highest in (
            ("top_k", self.top_k, 1, None),
            ("candidates", self.candidates, 1, None),
            ("queries", self.queries, 1, None),
            ("context_tokens", self.context_tokens, 1, None),
            ("query_tokens", self.query_tokens, 1, None),
            ("hyde_tokens", self.hyde_tokens, 1, None),
            ("token_budget", self.token_budget, 1, None),
            ("dimensions", self.dimensions, 0, None),
            ("threshold", self.threshold, 0, 1),
        ):
            within(name, value, lowest, highest)
        for name, known in (
            ("dense_index", KINDS),
            ("language", LANGUAGES),
            ("query", TRANSFORMS),
            ("fill", FILLS),
            ("overflow", OVERFLOWS),
            ("order", ORDERS),
            ("retriever", ("dense", "sparse", "hybrid")),
        ):
            if getattr(self, name) not in known:
                raise UnknownName(name.replace("_", " "), getattr(self, name), list(known), field=name)
        self._fusion(), self._reranker(), self._index_options()  # each checks its own fields
        if self.query == "hyde" and self.retriever == "sparse":
            raise InputError(
                "hyde moves the vector that is searched for, and a sparse search has none: its passages would be paid "
                "for and not used",
                field="query",
                fix="write retriever: dense or hybrid, or another query",
            )

    def check(self) -> None:
        """Open the models that the fields name, before a run begins. Raises InputError when one cannot be opened."""
        if self.embedder:
            embedder = self._wrapped(open_embedder(self.embedder))
            if self.contextual and getattr(embedder, "late", False):
                raise InputError(
                    "late chunking embeds the documents themselves, not texts made of them",
                    field="embedder",
                    fix="leave `late:` or `contextual` away",
                )
        if self.cross_encoder:
            open_cross_encoder(self.cross_encoder)

    def _fusion(self) -> Fusion:
        return Fusion(self.fusion, self.rrf_k, self.dense_weight)

    def _reranker(self) -> Rerank:
        if self.cross_encoder and self.rerank != "none":
            raise InputError("a cross_encoder is a reranker itself", field="cross_encoder", fix="leave rerank away")
        kind = "cross_encoder" if self.cross_encoder else self.rerank
        return Rerank(
            kind,
            self.rerank_window,
            self.rerank_step,
            self.diversity,
            self.cross_encoder,
            self.ranking_tokens,
            self.grade_tokens,
        )

    def _index_options(self) -> IndexOptions:
        bm25 = Bm25Options(self.bm25, self.k1, self.b, self.epsilon, self.delta, self.language)
        return IndexOptions(bm25, self.dense_index)

    def build(self, context: Context, bench: Bench) -> ChunkIndex:
        index = bench.index(chunk_tokens=self.chunk_tokens, overlap=self.overlap, splitter=self.splitter)
        embedder = self._wrapped(open_embedder(self.embedder) if self.embedder else index.unfitted_embedder)
        texts = None
        if self.contextual:
            texts = situated(index.chunks, context, asker(bench), reply_tokens=self.context_tokens)
        made = index.configured(self._index_options(), embedder=embedder, texts=texts).prepare(self.retriever)
        if self.retriever != "sparse" and made.dense_facts and made.dense_facts[0] != "flat":
            bench.note("dense_index", "{}, recall@10 against exact search {:.3f}".format(*made.dense_facts))
        return made

    def _wrapped(self, embedder: Embedder) -> Embedder:
        if self.query_prefix or self.document_prefix:
            embedder = PrefixedEmbedder(embedder, self.query_prefix, self.document_prefix)
        return TruncatedEmbedder(embedder, self.dimensions) if self.dimensions else embedder

    def answer(self, question: Question, state: ChunkIndex, bench: Bench) -> Answer:
        hits = from_the_start(self.hits(question.text, state, bench), state.chunks, self.top_k, bench)
        return read_hits(hits, question, bench, order=self.order)

    def hits(self, question: str, index: ChunkIndex, bench: Bench) -> list[Hit]:
        """The chunks to read for a question, best first."""
        model = asker(bench)
        query = transformed(
            question,
            self.query,
            index,
            model,
            number=self.queries,
            question_tokens=self.query_tokens,
            passage_tokens=self.hyde_tokens,
        )
        reranker = self._reranker()
        whole = reranker.kind == "none" and self.fill == "top_k"
        wanted = self.top_k if whole else max(self.top_k, self.candidates)
        while True:
            found = index.find(query.wordings, wanted, self.retriever, fusion=self._fusion(), vector=query.vector)
            ranked = reranked(question, found, reranker, index, model)
            kept = self._taken(ranked, bench)
            if self.fill != "token_budget" or len(kept) < len(ranked) or wanted >= len(index.chunks):
                break
            if reranker.kind != "none":  # more chunks would have to be reranked first
                bench.note("budget_unfilled", f"all {len(kept)} reranked candidates fit: raise candidates")
                break
            wanted *= 4  # all that was found fits, and the budget holds more
        if ranked and not kept:
            bench.note("budget_too_small", f"the best chunk is over the budget of {self.token_budget} tokens")
            kept, _ = fitting_hits(ranked[:1], self.token_budget, bench, lambda some: some[0].chunk.text)
        return kept

    def _taken(self, ranked: Sequence[Hit], bench: Bench) -> list[Hit]:
        return taken(
            ranked,
            self.fill,
            top_k=self.top_k,
            token_budget=self.token_budget,
            overflow=self.overflow,
            threshold=self.threshold,
            count=bench.count,
        )


def asker(bench: Bench) -> Asker:
    """The part of a bench that retrieval may use."""

    def ask(prompts: Sequence[str], *, step: str, max_tokens: int, temperature: float | None = None) -> list[str]:
        messages = [(Message("user", prompt),) for prompt in prompts]
        if temperature is None:
            return [reply.text for reply in bench.ask_many(messages, step=step, max_tokens=max_tokens)]

        def draw(number: int) -> str:
            prompt = messages[number]
            return bench.ask(prompt, step=step, max_tokens=max_tokens, temperature=temperature, sample=number).text

        return bench.parallel([lambda number=number: draw(number) for number in range(len(messages))])  # type: ignore[misc]

    def room(prompt: str, reply_tokens: int) -> int:
        return bench.room((Message("user", prompt),), reply_tokens=reply_tokens)

    return Asker(ask, bench.count, room, bench.note)
