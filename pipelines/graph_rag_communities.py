"""GraphRAG: an entity graph in communities, each with a report; local search around entities, global over reports."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

from pydantic import BaseModel, Field

from pipelines._extraction import (
    entity_row,
    extracted,
    extraction_chunks,
    merged_descriptions,
    relation_row,
)
from workbench.fitting import SEAM, cut, fitting_hits, from_the_start, leading, note_room, packed, room_for
from workbench.pipeline import ANSWER_RULE, REFUSAL, Bench, MethodCard, Prompt, render_documents, render_question
from workbench.records import Answer, Context, Hit, Question
from workbench.retrieval.index import ChunkIndex
from workbench.retrieval.knowledge_graph import Community, KnowledgeGraph, Pair
from workbench.retrieval.text_index import TextIndex

EXTRACT = Prompt(
    "graph_rag_communities.extract",
    user="{chunk}\n\nList the entities of the text above (organisations, persons, places, events) with name, type and "
    "a comprehensive description; and every pair of them that is clearly related (subject, relation, object), with a "
    "description of how, and a strength from 1 to 10.",
)
REPORT = Prompt(
    "graph_rag_communities.report",
    user="{facts}\n\nAbove are the entities of one community and their relations. Write a report on it: a title that "
    "names its main entities, a summary of how they are related, a rating from 0 to 10 of its importance, and 5 to 10 "
    "findings, each with an explanation that rests on the facts above.",
)
MAP = Prompt(
    "graph_rag_communities.map",
    user="{reports}\n\nFrom the reports above, list the key points that help to answer the question below, each with a "
    "score from 0 to 100 of how much it helps. No points if nothing helps.\n\nQuestion: {question}\nReply:",
)
REDUCE = Prompt("graph_rag_communities.reduce", user=f"{{points}}\n\n{ANSWER_RULE}\n\nQuestion: {{question}}\nAnswer:")
READ = Prompt("graph_rag_communities.read", user=f"{{text}}\n\n{ANSWER_RULE}\n\nQuestion: {{question}}\nAnswer:")
LEIDEN_SEED, SHUFFLE_SEED = 0xDEADBEEF, 86  # the repository's


class Finding(BaseModel):
    """One insight of a report."""

    summary: str
    explanation: str = ""


class Report(BaseModel):
    """A community's report."""

    title: str
    summary: str
    rating: float = Field(default=0.0, ge=0, le=10)
    findings: list[Finding] = Field(default_factory=list)

    def text(self) -> str:
        """The report as prompts show it."""
        parts = [self.title, self.summary, *(f"{f.summary} {f.explanation}" for f in self.findings)]
        return "\n".join(part.strip() for part in parts if part.strip())


class Point(BaseModel):
    """A key point of one batch of reports."""

    description: str
    score: float = Field(ge=0, le=100)


class Points(BaseModel):
    """The reply of the map step."""

    points: list[Point]


@dataclass(frozen=True)
class Reported:
    """A community with its report's text and rating."""

    community: Community
    text: str
    rating: float


@dataclass(frozen=True)
class Communities:
    """What the index stage leaves."""

    index: ChunkIndex
    graph: KnowledgeGraph
    told: dict[str | Pair, str]
    names: tuple[str, ...]
    entities: TextIndex
    reports: tuple[Reported, ...]


@dataclass(frozen=True)
class GraphRagCommunities:
    """Edge et al. 2024 (arXiv 2404.16130; microsoft/graphrag 3.1, MIT). Index stage: entities and relations of every
    chunk, with one gleaning; merged by name, one call for what has several descriptions; hierarchical Leiden on the
    largest component; a report per community, deepest level first. `search: local`: around the 20 entities nearest to
    the question, reports (15 % of 12,000 tokens), entities and relations (35 %) and chunks (50 %), 1 call. `global`:
    batches of reports of level ≤ 2 give scored points, in parallel; the best points are reduced to the answer.

    Defaults are the repository's (chunks 1,200/100, communities of at most 10, reports from 8,000 tokens, batches of
    12,000). Named deviations: replies are JSON; entities merge by name alone, not name and type; many descriptions are
    merged by one call over what fits, not in batches; a relation's unknown end becomes an entity; a community too long
    for its prompt is reported from its parts' reports, as the paper says (the repository builds the prompts before any
    report exists); no claims, citations or history; no point scored: "unanswerable" without a call; no entity like the
    question: the first chunks are read. Smaller windows shrink all budgets. What cannot be parsed is noted.
    """

    card: ClassVar[MethodCard] = MethodCard(
        title="GraphRAG with communities",
        family="graph",
        cost="index: 2m + merges + communities, 2 (+ 1) + levels in sequence; query: 1; global: b + 1, 2 in sequence",
        url="https://arxiv.org/abs/2404.16130",
        year=2024,
        stages="index: extract → glean → merge → Leiden → reports, level by level | local: read; global: map → reduce",
    )
    search: Literal["local", "global"] = "local"
    chunk_tokens: int = 1_200
    overlap: int = 100
    gleanings: int = 1
    community_size: int = 10
    report_input_tokens: int = 8_000
    report_tokens: int = 2_000
    reply_tokens: int = 3_000
    max_level: int = 2
    top_k: int = 20
    budget_tokens: int = 12_000

    def __post_init__(self) -> None:
        if self.top_k < 1 or self.community_size < 2 or not 0 <= self.overlap < self.chunk_tokens:
            raise ValueError("top_k must be at least 1, community_size 2, and overlap less than chunk_tokens")

    def build(self, context: Context, bench: Bench) -> Communities:
        index, texts, tokens = extraction_chunks(EXTRACT, self.chunk_tokens, self.overlap, self.reply_tokens, bench)
        graph = extracted(texts, EXTRACT, self.gleanings, tokens, bench)
        told = merged_descriptions(graph, bench, many=2, tokens=0)
        names = tuple(graph.entities)
        rows = [entity_row(graph, name, told[name]) for name in names]
        reports = self._reports(graph, told, bench)
        return Communities(index, graph, told, names, bench.text_index(rows), reports)

    def _reports(self, graph: KnowledgeGraph, told: dict[str | Pair, str], bench: Bench) -> tuple[Reported, ...]:
        tokens = note_room(self.report_tokens, REPORT(facts=""), bench, schema=Report)
        room = room_for(REPORT(facts=""), bench, reply_tokens=tokens, schema=Report)
        room = min(self.report_input_tokens, room)
        found = graph.communities(largest=self.community_size, seed=LEIDEN_SEED)
        done: dict[int, Reported] = {}
        for level in sorted({community.level for community in found}, reverse=True):
            group = [community for community in found if community.level == level]
            facts = []
            for community in group:
                parts = [report for report in done.values() if report.community.parent == community.number]
                rows = self._rows_of(community, graph, told)
                if parts and bench.count("\n".join(rows)) > room:
                    bench.note("reported_from_parts", community.number)
                    rows = [part.text for part in sorted(parts, key=lambda part: -len(part.community.members))]
                facts.append("\n".join(leading(rows, room, bench, "\n".join)) or cut("".join(rows[:1]), room, bench))
            replies = bench.ask_many([REPORT(facts=f) for f in facts], step="report", max_tokens=tokens, schema=Report)
            for community, reply, fact in zip(group, replies, facts, strict=True):
                if isinstance(reply.parsed, Report):
                    text, rating = reply.parsed.text(), reply.parsed.rating
                else:
                    bench.note("report_unparsable", community.number)
                    text, rating = reply.text.strip(), 0.0
                done[community.number] = Reported(community, cut(text or fact, tokens, bench, noted=False), rating)
        return tuple(done[community.number] for community in found)

    def _rows_of(self, community: Community, graph: KnowledgeGraph, told: dict[str | Pair, str]) -> list[str]:
        """A community's entities and relations as lines, the most central first."""
        inside = set(community.members)
        members = sorted(community.members, key=lambda name: (-graph.degree(name), name))
        pairs = sorted((p for p in graph.relations if set(p) <= inside), key=lambda p: (-graph.rank(p), p))
        entities = [entity_row(graph, name, told[name]) for name in members]
        return entities + [relation_row(graph, pair, told[pair]) for pair in pairs]

    def answer(self, question: Question, state: Communities, bench: Bench) -> Answer:
        return self._local(question, state, bench) if self.search == "local" else self._global(question, state, bench)

    def _local(self, question: Question, state: Communities, bench: Bench) -> Answer:
        asked = render_question(question)
        room = room_for(READ(text="", question=asked), bench, reply_tokens=bench.answer_tokens)
        total = min(room, self.budget_tokens)
        near = [state.names[i] for i, _ in state.entities.dense(question.text, self.top_k)]
        reports = self._matched(near, state)
        reports = leading(reports, total * 15 // 100, bench, "\n\n".join)
        rows = leading(self._rows(near, state), total * 35 // 100, bench, "\n".join)
        above = "\n\n".join(part for part in ("\n\n".join(reports), "\n".join(rows)) if part)
        found = [Hit(state.index.chunks[i], 1 / rank, rank) for rank, i in enumerate(self._chunks(near, state), 1)]
        found = from_the_start(found, state.index.chunks, len(state.index.chunks), bench)

        def shown(some: Sequence[Hit]) -> str:
            return render_documents([hit.chunk for hit in some], bench.context)

        hits, dropped = fitting_hits(found, min(total // 2, total - bench.count(above) - SEAM), bench, shown)
        text = cut("\n\n".join(part for part in (above, shown(hits)) if part), room, bench)
        return bench.reply(READ(text=text, question=asked), step="read", hits=hits, dropped_tokens=dropped)

    def _matched(self, near: Sequence[str], state: Communities) -> list[str]:
        """Reports of the entities' communities, those of most of them first."""
        matches = {r.community.number: len(set(near) & set(r.community.members)) for r in self._selected(state)}
        found = [r for r in self._selected(state) if matches[r.community.number]]
        return [r.text for r in sorted(found, key=lambda r: (-matches[r.community.number], -r.rating))]

    def _rows(self, near: Sequence[str], state: Communities) -> list[str]:
        """Each entity, then relations among them, then relations to others by links and rank, at most 10 an entity."""
        graph, chosen = state.graph, set(near)
        pairs = list(dict.fromkeys(pair for name in near for pair in graph.relations_of(name)))
        inner = [pair for pair in pairs if set(pair) <= chosen]
        links: dict[str, int] = {}
        for pair in pairs:
            for end in set(pair) - chosen:
                links[end] = links.get(end, 0) + 1
        outer = [pair for pair in pairs if not set(pair) <= chosen]
        outer.sort(key=lambda p: (-max(links[end] for end in set(p) - chosen), -graph.rank(p)))
        rows = [entity_row(graph, name, state.told[name]) for name in near]
        return rows + [relation_row(graph, pair, state.told[pair]) for pair in (*inner, *outer)[: 10 * len(near)]]

    def _chunks(self, near: Sequence[str], state: Communities) -> list[int]:
        """The entities' chunks: in the order of the entities, then by how many of their relations a chunk states."""
        graph = state.graph
        found: dict[int, None] = {}
        for name in near:
            stated = [chunk for pair in graph.relations_of(name) for chunk in graph.relations[pair].chunks]
            found |= dict.fromkeys(sorted(graph.entities[name].chunks, key=lambda chunk: (-stated.count(chunk), chunk)))
        return list(found)

    def _selected(self, state: Communities) -> list[Reported]:
        """The deepest communities down to `max_level`."""
        shallow = [r for r in state.reports if r.community.level <= self.max_level]
        parents = {r.community.parent for r in shallow}
        return [r for r in shallow if r.community.number not in parents]

    def _global(self, question: Question, state: Communities, bench: Bench) -> Answer:
        asked = render_question(question)
        frame = MAP(reports="", question=asked)
        tokens = note_room(1_000, frame, bench, schema=Points)
        room = min(self.budget_tokens, room_for(frame, bench, reply_tokens=tokens, schema=Points))
        last = room_for(REDUCE(points="", question=asked), bench, reply_tokens=bench.answer_tokens)
        reports = [report for report in self._selected(state) if report.text]
        random.Random(SHUFFLE_SEED).shuffle(reports)
        chunks = {
            r.text: len({c for n in r.community.members for c in state.graph.entities[n].chunks}) for r in reports
        }
        rating = {report.text: report.rating for report in reports}
        batches = packed([report.text for report in reports], room, bench, "\n\n".join)
        for batch in batches:
            batch.sort(key=lambda text: (-chunks.get(text, 0), -rating.get(text, 0.0)))
        prompts = [MAP(reports="\n\n".join(batch), question=asked) for batch in batches]
        replies = bench.ask_many(prompts, step="map", max_tokens=tokens, schema=Points)
        unparsable = sum(reply.parsed is None for reply in replies)
        if unparsable:
            bench.note("map_unparsable", unparsable)
        scored = [
            (point.score, f"Analyst {number}: {point.description.strip()}")
            for number, reply in enumerate(replies, 1)
            if isinstance(reply.parsed, Points)
            for point in reply.parsed.points
            if point.score > 0 and point.description.strip()
        ]
        points = [text for _, text in sorted(scored, key=lambda item: -item[0])]
        if not points:
            bench.note("no_point_scored", len(batches))
            return Answer(REFUSAL)
        kept = leading(points, min(last, self.budget_tokens), bench, "\n\n".join)
        text = "\n\n".join(kept) if kept else cut(points[0], last, bench)
        return bench.reply(REDUCE(points=text, question=asked), step="reduce")
