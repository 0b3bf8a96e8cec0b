"""Graph RAG: entities and relations form a graph with the chunks; PageRank starts from the question's entities."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

from pydantic import BaseModel, Field

from pipelines._reading import READ, read_hits
from workbench.method.fitting import (
    cut,
    fitting_hits,
    from_the_start,
    hits_text,
    leading,
    note_number,
    note_room,
    reduced,
    room_for,
)
from workbench.method.prompts import Prompt, render_question
from workbench.method.protocol import Bench, MethodCard
from workbench.records import Answer, Context, Hit, Question
from workbench.retrieval.bounds import within
from workbench.retrieval.graphs.entity_graph import EntityGraph, Triple, cooccurrence_triples, entities
from workbench.retrieval.indexes.chunk_index import ChunkIndex

EXTRACT = Prompt(
    "graph_rag.extract",
    user="{chunk}\n\nExtract the facts stated in the text above as triples of subject, relation and object. Subjects "
    "and objects are names of people, places, organisations, events, things, or dates, as the text writes them.",
)
REPORT = Prompt(
    "graph_rag.report",
    user="{facts}\n\nAbove are facts about a group of related entities. Write a short report: who and what they are, "
    "and how they are related.\nSummary:",
)


class Fact(BaseModel):
    """One triple of a reply."""

    subject: str
    relation: str
    object: str


class Facts(BaseModel):
    """The structured reply of the extraction step."""

    triples: list[Fact] = Field(description="facts stated in the text")


@dataclass(frozen=True)
class GraphState:
    """What the index stage leaves: the chunks, their graph and, when asked for, reports on its communities."""

    index: ChunkIndex
    graph: EntityGraph
    reports: tuple[tuple[frozenset[str], str], ...] = ()


@dataclass(frozen=True)
class GraphRag:
    """An entity graph with passages, searched by personalised PageRank as in HippoRAG 2 (arXiv 2502.14802), with
    optional community reports after GraphRAG (arXiv 2404.16130).

    Kept from HippoRAG 2: nodes for phrases and passages, damping 0.5, dense scores · 0.05 as the weights of passages,
    seeds weighted by 1 / number of the chunks that hold them, and the dense ranking when there is no seed.

    Deviations:
    - by default no model extracts facts: capitalised names in the same sentence are joined (`extraction:
      cooccurrence`); `llm` makes one call per chunk, where HippoRAG 2 first asks for names and then for triples;
    - seeds are the names in the question; no call selects facts ("recognition memory");
    - there are no edges between synonyms;
    - of the community reports, only the one that covers most seeds is read, before the chunks; communities are
      Louvain's, not Leiden's, and the largest `max_reports` get a report;
    - when nothing is found, the first chunks of the text are read, recorded.
    """

    card: ClassVar[MethodCard] = MethodCard(
        title="Graph RAG",
        cost="index: n (llm) or 0, + communities; query: 1 call",
        url="https://arxiv.org/abs/2502.14802",
        year=2025,
        stages="index: extract → graph (→ community reports) | seeds → PageRank → read",
    )
    extraction: Literal["cooccurrence", "llm"] = "cooccurrence"
    community_summaries: bool = False
    top_k: int = 5
    chunk_tokens: int = 512
    overlap: int = 64
    damping: float = 0.5
    passage_weight: float = 0.05
    facts_tokens: int = 1_024  # visible tokens of the facts that the model extracts of a chunk
    report_tokens: int = 300
    max_reports: int = 20

    def __post_init__(self) -> None:
        within("facts_tokens", self.facts_tokens, 1)

    def build(self, context: Context, bench: Bench) -> GraphState:
        size, tokens = self.chunk_tokens, 0
        if self.extraction == "llm":
            tokens = note_room(self.facts_tokens, EXTRACT(chunk=""), bench, schema=Facts)
            size = reduced(size, room_for(EXTRACT(chunk=""), bench, reply_tokens=tokens, schema=Facts), bench)
        index = bench.index(chunk_tokens=size, overlap=min(self.overlap, size // 4))
        texts = [chunk.text for chunk in index.chunks]
        graph = EntityGraph(self._triples([cut(text, size, bench) for text in texts], tokens, bench), texts)
        reports = self._reports(graph, bench) if self.community_summaries else ()
        return GraphState(index, graph, reports)

    def _triples(self, texts: list[str], tokens: int, bench: Bench) -> list[Triple]:
        if self.extraction == "cooccurrence":
            return [triple for i, text in enumerate(texts) for triple in cooccurrence_triples(text, i)]
        prompts = [EXTRACT(chunk=text) for text in texts]
        triples = []
        for i, reply in enumerate(bench.ask_many(prompts, step="extract", max_tokens=tokens, schema=Facts)):
            if reply.parsed is None:  # a chunk must not vanish from the graph
                bench.note("extraction_unparsable", i)
                triples += cooccurrence_triples(texts[i], i)
            else:
                triples += [Triple(f.subject, f.relation, f.object, i) for f in reply.parsed.triples]
        return triples

    def _reports(self, graph: EntityGraph, bench: Bench) -> tuple[tuple[frozenset[str], str], ...]:
        groups = graph.communities(seed=bench.seed)[: self.max_reports]
        tokens = note_room(self.report_tokens, REPORT(facts=""), bench)
        room = room_for(REPORT(facts=""), bench, reply_tokens=tokens)
        prompts = []
        for group in groups:
            facts = graph.facts(group)
            kept = leading(facts, room, bench, "\n".join)
            if len(kept) < len(facts):
                bench.note("facts_left_out", len(facts) - len(kept))
            prompts.append(REPORT(facts="\n".join(kept)))
        replies = bench.ask_many(prompts, step="report", max_tokens=tokens)
        note_number("empty_reports", sum(not reply.text.strip() for reply in replies), bench)
        return tuple((frozenset(g), cut(r.text.strip(), tokens, bench)) for g, r in zip(groups, replies, strict=True))

    def answer(self, question: Question, state: GraphState, bench: Bench) -> Answer:
        dense = state.index.search(question.text, len(state.index.chunks), "dense")
        dense = from_the_start(dense, state.index.chunks, len(state.index.chunks), bench)
        place = {chunk: i for i, chunk in enumerate(state.index.chunks)}
        low = min((hit.score for hit in dense), default=0.0)
        span = max((hit.score for hit in dense), default=0.0) - low or 1.0
        prior = {place[hit.chunk]: self.passage_weight * (hit.score - low) / span for hit in dense}
        seeds = state.graph.seeds(entities(question.text))
        if not seeds:
            bench.note("no_seed_entities", True)
            hits = dense[: self.top_k]
        else:
            ranked = state.graph.rank(seeds, prior, self.damping)[: self.top_k]
            hits = [Hit(state.index.chunks[i], score, rank) for rank, (i, score) in enumerate(ranked, 1)]
        report = self._report_for(set(seeds), state)
        return self._read_with(report, hits, question, bench) if report else read_hits(hits, question, bench)

    def _report_for(self, seeds: set[str], state: GraphState) -> str:
        best = max(state.reports, key=lambda item: len(item[0] & seeds), default=None)
        return best[1] if best and best[0] & seeds else ""

    def _read_with(self, report: str, hits: list[Hit], question: Question, bench: Bench) -> Answer:
        asked = render_question(question)
        room = room_for(READ(chunks="", question=asked), bench, reply_tokens=bench.answer_tokens)
        report = cut(report, room // 2, bench)
        room -= bench.count(report)

        kept, dropped = fitting_hits(hits, room - 4, bench)
        text = f"{report}\n\n{hits_text(kept, bench)}"
        return bench.reply(READ(chunks=text, question=asked), step="read", hits=kept, dropped_tokens=dropped)
