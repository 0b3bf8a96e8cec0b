"""GraphRAG: an entity graph with a report on each community; local search around entities, global over reports."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

from pydantic import BaseModel, Field

from pipelines.graph._extraction import entity_row, extracted, extraction_chunks, merge_descriptions, relation_row
from workbench.method.fitting import (
    SEAM,
    cut,
    fitting_hits,
    from_the_start,
    hits_text,
    leading,
    note_number,
    note_room,
    packed,
    room_for,
    unparsable,
)
from workbench.method.prompts import ANSWER_RULE, REFUSAL, Prompt, render_question
from workbench.method.protocol import Bench, MethodCard
from workbench.records import Answer, Context, Hit, Question
from workbench.retrieval.bounds import within
from workbench.retrieval.graphs.knowledge_graph import Community, KnowledgeGraph
from workbench.retrieval.indexes.chunk_index import ChunkIndex
from workbench.retrieval.indexes.text_index import TextIndex

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
    shared=("reports",),
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
    """A community, its report's text and rating, and the number of chunks that name its entities."""

    community: Community
    text: str
    rating: float
    chunks: int


@dataclass(frozen=True)
class Communities:
    """What the index stage leaves: the chunks, the graph, its entities' keys and index, and the reports."""

    index: ChunkIndex
    graph: KnowledgeGraph
    names: tuple[str, ...]
    entities: TextIndex
    reports: tuple[Reported, ...]


@dataclass(frozen=True)
class GraphRagCommunities:
    """Edge et al. 2024 (arXiv 2404.16130; microsoft/graphrag 3.1, MIT). Index stage: entities and relations of each
    chunk, with one gleaning; merged by name, with one call for each that has several descriptions; hierarchical Leiden
    on the largest component; a report on each community, from the deepest level up. `search: local`: 1 call reads what
    lies around the 20 entities nearest to the question: reports (15 % of 12,000 tokens), entities and relations (35 %)
    and chunks (50 %). `global`: batches of reports give scored points, in parallel, and one call reduces the best
    points to the answer.

    Defaults are the repository's: chunks 1,200/100, communities of at most 10, reports from 8,000 tokens, batches of
    12,000.

    Deviations:
    - only the deepest communities of level ≤ 2 are read (the repository means to, but reads all levels up to 2);
    - a report rests on all relations inside its community, as in the paper (the repository shows the first of each
      entity, and some that leave the community);
    - a community too long for its prompt is reported from its parts' reports, as in the paper (the repository builds
      all prompts before any report exists);
    - rows show no degrees or weights, and points no scores; no claims, citations, history, dynamic selection or DRIFT;
    - extraction has no worked examples;
    - entities merge by name alone, not by name and type, and relations by their two ends whatever the direction; an
      unknown end of a relation becomes an entity;
    - descriptions are merged by one call over what fits, into 500 tokens, not in batches; reports have at most 2,000
      tokens and the points of a batch 1,000 (upstream: limits in words);
    - when no point is scored, the answer is "unanswerable" (upstream: a set phrase); when no entity is like the
      question, the first chunks are read;
    - no yes-or-no call between gleanings; replies are JSON, and what cannot be parsed is recorded;
    - in a small window all budgets shrink.
    """

    card: ClassVar[MethodCard] = MethodCard(
        title="GraphRAG with communities",
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
    description_tokens: int = 500  # visible tokens of what several descriptions are merged into
    points_tokens: int = 1_000  # visible tokens of the points of a batch of reports
    max_level: int = 2
    top_k: int = 20
    budget_tokens: int = 12_000

    def __post_init__(self) -> None:
        if self.top_k < 1 or self.community_size < 2 or not 0 <= self.overlap < self.chunk_tokens:
            raise ValueError("top_k must be at least 1, community_size 2, and overlap less than chunk_tokens")
        within("description_tokens", self.description_tokens, 1)
        within("points_tokens", self.points_tokens, 1)

    def build(self, context: Context, bench: Bench) -> Communities:
        index, texts, tokens = extraction_chunks(EXTRACT, self.chunk_tokens, self.overlap, self.reply_tokens, bench)
        graph = extracted(texts, EXTRACT, self.gleanings, tokens, bench)
        merge_descriptions(graph, bench, many=2, tokens=0, reply_tokens=self.description_tokens)
        names = tuple(graph.entities)
        rows = [entity_row(graph, name) for name in names]
        reports = self._reports(graph, bench)
        return Communities(index, graph, names, bench.text_index(rows), reports)

    def _reports(self, graph: KnowledgeGraph, bench: Bench) -> tuple[Reported, ...]:
        """A report on each community, from the deepest level up, so that parts are reported before their wholes."""
        tokens = note_room(self.report_tokens, REPORT(facts=""), bench, schema=Report)
        room = room_for(REPORT(facts=""), bench, reply_tokens=tokens, schema=Report)
        room = min(self.report_input_tokens, room)
        found = graph.communities(largest=self.community_size, seed=LEIDEN_SEED)
        done: dict[int, Reported] = {}
        for level in sorted({community.level for community in found}, reverse=True):
            group = [community for community in found if community.level == level]
            parts = [[part for part in done.values() if part.community.parent == c.number] for c in group]
            facts = [reported_from(c, own, room, graph, bench) for c, own in zip(group, parts, strict=True)]
            replies = bench.ask_many([REPORT(facts=f) for f in facts], step="report", max_tokens=tokens, schema=Report)
            for community, reply, fact in zip(group, replies, facts, strict=True):
                text, rating = reply.text.strip(), 0.0
                if isinstance(reply.parsed, Report):
                    text, rating = reply.parsed.text(), reply.parsed.rating
                else:
                    bench.note("report_unparsable", community.number)
                text = cut(text or fact, tokens, bench, noted=False)
                chunks = len(graph.chunks_behind(community.members))
                done[community.number] = Reported(community, text, rating, chunks)
        return tuple(done[community.number] for community in found)

    def answer(self, question: Question, state: Communities, bench: Bench) -> Answer:
        return self._local(question, state, bench) if self.search == "local" else self._global(question, state, bench)

    def _local(self, question: Question, state: Communities, bench: Bench) -> Answer:
        asked = render_question(question)
        room = room_for(READ(text="", question=asked), bench, reply_tokens=bench.answer_tokens)
        total = min(room, self.budget_tokens)
        near = [state.names[i] for i, _ in state.entities.dense(question.text, self.top_k)]
        reports = leading(self._matched(near, state), total * 15 // 100, bench, "\n\n".join)
        rows = elements_around(near, total * 35 // 100, state.graph, bench)
        above = "\n\n".join(part for part in ("\n\n".join(reports), "\n".join(rows)) if part)
        numbers = state.graph.chunks_behind(near)
        found = [Hit(state.index.chunks[i], 1 / rank, rank) for rank, i in enumerate(numbers, 1)]
        found = from_the_start(found, state.index.chunks, len(state.index.chunks), bench)

        hits, dropped = fitting_hits(found, min(total // 2, total - bench.count(above) - SEAM), bench)
        text = cut("\n\n".join(part for part in (above, hits_text(hits, bench)) if part), room, bench)
        return bench.reply(READ(text=text, question=asked), step="read", hits=hits, dropped_tokens=dropped)

    def _matched(self, near: Sequence[str], state: Communities) -> list[str]:
        """The reports of the communities to which the entities belong, those with most of the entities first."""
        matches = [(len(set(near) & set(r.community.members)), r) for r in self._selected(state)]
        found = sorted((item for item in matches if item[0]), key=lambda item: (-item[0], -item[1].rating))
        return [report.text for _, report in found]

    def _selected(self, state: Communities) -> list[Reported]:
        """The deepest communities down to `max_level`."""
        shallow = [r for r in state.reports if r.community.level <= self.max_level]
        parents = {r.community.parent for r in shallow}
        return [r for r in shallow if r.community.number not in parents]

    def _global(self, question: Question, state: Communities, bench: Bench) -> Answer:
        asked = render_question(question)
        frame = MAP(reports="", question=asked)
        tokens = note_room(self.points_tokens, frame, bench, schema=Points)
        room = min(self.budget_tokens, room_for(frame, bench, reply_tokens=tokens, schema=Points))
        last = room_for(REDUCE(points="", question=asked), bench, reply_tokens=bench.answer_tokens)
        prompts = [MAP(reports=batch, question=asked) for batch in self._batches(state, room, bench)]
        replies = bench.ask_many(prompts, step="map", max_tokens=tokens, schema=Points)
        note_number("map_unparsable", unparsable(replies), bench)
        scored = [
            (point.score, f"Analyst {number}: {point.description.strip()}")
            for number, reply in enumerate(replies, 1)
            if isinstance(reply.parsed, Points)
            for point in reply.parsed.points
            if point.score > 0 and point.description.strip()
        ]
        points = [text for _, text in sorted(scored, key=lambda item: -item[0])]
        if not points:
            bench.note("no_point_scored", len(prompts))
            return Answer(REFUSAL)
        kept = leading(points, min(last, self.budget_tokens), bench, "\n\n".join)
        text = "\n\n".join(kept) if kept else cut(points[0], last, bench)
        return bench.reply(REDUCE(points=text, question=asked), step="reduce")

    def _batches(self, state: Communities, room: int, bench: Bench) -> list[str]:
        """All selected reports in random batches; within a batch, those about most chunks and then the best rated come
        first."""
        reports = [report for report in self._selected(state) if report.text]
        random.Random(SHUFFLE_SEED).shuffle(reports)
        batches, following = [], iter(reports)
        for texts in packed([report.text for report in reports], room, bench, "\n\n".join):
            batch = [(next(following), text) for text in texts]
            batch.sort(key=lambda item: (-item[0].chunks, -item[0].rating))
            batches.append("\n\n".join(text for _, text in batch))
        return batches


def reported_from(
    community: Community, parts: Sequence[Reported], room: int, graph: KnowledgeGraph, bench: Bench
) -> str:
    """The rows that a report rests on: the community's relations with their entities, the most central first. While
    they are too long, the rows inside one of its parts are replaced by that part's report, the longest part first."""

    def rows(members: Sequence[str], gone: Sequence[Reported] = ()) -> list[str]:
        hidden = [set(part.community.members) for part in gone]
        held: dict[str, None] = dict.fromkeys(part.text for part in gone)
        ends = [pair for pair in graph.inside(members) if not any(set(pair) <= part for part in hidden)]
        for pair in ends:
            seen = [name for name in pair if not any(name in part for part in hidden)]
            held |= dict.fromkeys(entity_row(graph, name) for name in seen)
            held[relation_row(graph, pair)] = None
        return list(held)

    shown = rows(community.members)
    longest = sorted(parts, key=lambda part: -len("".join(rows(part.community.members))))
    for number in range(1, len(longest) + 1):
        if bench.count("\n".join(shown)) <= room:
            break
        bench.note("reported_from_part", longest[number - 1].community.number)
        shown = rows(community.members, longest[:number])
    return "\n".join(leading(shown, room, bench, "\n".join)) or cut("".join(shown[:1]), room, bench)


def elements_around(near: Sequence[str], room: int, graph: KnowledgeGraph, bench: Bench) -> list[str]:
    """The rows of some entities and of their relations, as many as fit: entity by entity, first the relations among
    them, then those to others, at most 10 of the latter for each entity."""
    entities = [entity_row(graph, name) for name in near]
    rows = leading(entities, room, bench, "\n".join)
    for number in range(1, len(near) + 1):
        some = near[:number]
        pairs = [*graph.inside(some), *graph.outside(some)[: 10 * number]]
        more = [*entities, *(relation_row(graph, pair) for pair in pairs)]
        if bench.count("\n".join(more)) > room:
            break
        rows = more
    return rows
