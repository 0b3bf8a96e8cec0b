"""LightRAG: entities and relations with descriptions, searched by two levels of keywords, read with their chunks."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import ClassVar, Literal, TypeVar

from pydantic import BaseModel

from pipelines.graph._extraction import entity_row, extracted, extraction_chunks, merge_descriptions, relation_row
from workbench.method.fitting import cut, fitting_hits, hits_text, leading, note_room, room_for
from workbench.method.prompts import ANSWER_RULE, Prompt, render_question
from workbench.method.protocol import Bench, MethodCard
from workbench.records import Answer, Context, Hit, Question
from workbench.retrieval.graphs.knowledge_graph import KnowledgeGraph, Pair
from workbench.retrieval.indexes.chunk_index import ChunkIndex
from workbench.retrieval.indexes.text_index import TextIndex

EXTRACT = Prompt(
    "light_rag.extract",
    user="{chunk}\n\nList the entities of the text above with their name, type and a description of everything that "
    "the text says about them; and the relations between two of them (subject, relation, object) with a description, a "
    "few keywords that name the theme, and a strength from 1 to 10. Write names always alike.",
)
KEYWORDS = Prompt(
    "light_rag.keywords",
    user="To search for the answer of the question below, write high-level keywords (its themes) and low-level "
    "keywords (the people, places, things and dates it names).\n\nQuestion: {question}\nReply:",
)
READ = Prompt("light_rag.read", user=f"{{text}}\n\n{ANSWER_RULE}\n\nQuestion: {{question}}\nAnswer:")
T = TypeVar("T")


class Keywords(BaseModel):
    """The reply of the keyword step."""

    high_level_keywords: list[str]
    low_level_keywords: list[str]


@dataclass(frozen=True)
class Light:
    """Chunks and the merged graph; indexes of entities and relations in the order of their keys."""

    index: ChunkIndex
    names: tuple[str, ...]
    pairs: tuple[Pair, ...]
    entity_texts: tuple[str, ...]
    relation_texts: tuple[str, ...]
    entities: TextIndex
    relations: TextIndex
    graph: KnowledgeGraph


@dataclass(frozen=True)
class LightRag:
    """Guo et al., EMNLP Findings 2025 (arXiv 2410.05779; HKUDS/LightRAG, MIT, version 1.5.7). Index stage, 2 calls a
    chunk in two waves: entities and relations, then what was missed; merged by name, and summarised by one call where 8
    descriptions or 1,200 tokens came together. Query stage, 2 calls: keywords on two levels; low ones find entities
    (and their relations), high ones relations (and their ends), the question itself chunks; merged in turns, cut to
    budgets, joined by the chunks behind them, and read. `mode`: `mix` all three, `hybrid` without the last, `local`,
    `global`, `naive` (chunks only, 1 call).

    Defaults are the release's: chunks 1,200/100, 40 entities or relations, 20 chunks in all, cosine ≥ 0.2, 5 chunks an
    element, 6,000 + 8,000 of 30,000 tokens (of texts; upstream counts the prompt too); in a smaller window the same
    shares. Named deviations: replies are JSON; what the second call repeats is added to, not compared with, the first;
    the summary of many descriptions is one call over what fits, of 500 tokens; an element keeps all its chunks, not
    200; a chunk whose replies hold nothing is read by rule; no keywords: the question stands for both levels; nothing
    found: the nearest chunks are read (upstream has a set phrase); no list of references; the temperature is the
    experiment's (upstream 1). What was not found, or left out, is noted.
    """

    card: ClassVar[MethodCard] = MethodCard(
        title="LightRAG",
        cost="index: 2m + merges, 2 (+ 1) in sequence; query: 2 calls in sequence (naive: 1)",
        url="https://arxiv.org/abs/2410.05779",
        year=2024,
        stages="index: extract → glean → merge | keywords → entities, relations, chunks → read",
    )
    mode: Literal["mix", "hybrid", "local", "global", "naive"] = "mix"
    top_k: int = 40
    chunk_top_k: int = 20
    related_chunks: int = 5
    cosine: float = 0.2
    budget_tokens: int = 30_000
    chunk_tokens: int = 1_200
    overlap: int = 100
    gleanings: int = 1
    reply_tokens: int = 3_000

    def __post_init__(self) -> None:
        if self.top_k < 1 or self.gleanings < 0 or not 0 <= self.overlap < self.chunk_tokens:
            raise ValueError("top_k must be at least 1, gleanings not negative, and overlap less than chunk_tokens")

    def build(self, context: Context, bench: Bench) -> Light:
        index, texts, tokens = extraction_chunks(EXTRACT, self.chunk_tokens, self.overlap, self.reply_tokens, bench)
        naive = self.mode == "naive"
        graph = KnowledgeGraph() if naive else extracted(texts, EXTRACT, self.gleanings, tokens, bench)
        merge_descriptions(graph, bench, many=8, tokens=1_200)
        names, pairs = tuple(graph.entities), tuple(graph.relations)
        entity_texts = tuple(entity_row(graph, key) for key in names)
        relation_texts = tuple(relation_row(graph, pair) for pair in pairs)
        keyed = [
            f"{', '.join(graph.relations[p].keywords)} {text}" for p, text in zip(pairs, relation_texts, strict=True)
        ]
        found = bench.text_index(entity_texts), bench.text_index(keyed)
        return Light(index, names, pairs, entity_texts, relation_texts, *found, graph)

    def answer(self, question: Question, state: Light, bench: Bench) -> Answer:
        asked = render_question(question)
        room = room_for(READ(text="", question=asked), bench, reply_tokens=bench.answer_tokens)
        total = min(room, self.budget_tokens)
        nearest = [hit.chunk for hit in state.index.search(question.text, len(state.index.chunks), "dense")]
        place = {chunk: i for i, chunk in enumerate(state.index.chunks)}
        order = [place[chunk] for chunk in nearest] or list(place.values())  # of an unknown question: as they stand
        names, pairs = ([], []) if self.mode == "naive" else self._elements(question, state, bench)
        names = leading(names, total * 6 // 30, bench, lambda some: "\n".join(state.entity_texts[i] for i in some))
        pairs = leading(pairs, total * 8 // 30, bench, lambda some: "\n".join(state.relation_texts[i] for i in some))
        parts = [
            f"{title}:\n" + "\n".join(texts[i] for i in some)
            for title, texts, some in (
                ("Entities", state.entity_texts, names),
                ("Relations", state.relation_texts, pairs),
            )
            if some
        ]
        chosen = self._chunks(question, names, pairs, order, state)[: self.chunk_top_k]
        if not chosen and not parts and order:
            bench.note("nothing_found", True)
            chosen = order[: self.chunk_top_k]
        above = "\n\n".join(parts) + "\n\n" if parts else ""

        def shown(some: Sequence[Hit]) -> str:
            return above + hits_text(some, bench)

        found = [Hit(state.index.chunks[i], 1 / rank, rank) for rank, i in enumerate(chosen, 1)]
        hits, dropped = fitting_hits(found, total, bench, shown)
        text = cut(shown(hits), room, bench)
        return bench.reply(READ(text=text, question=asked), step="read", hits=hits, dropped_tokens=dropped)

    def _elements(self, question: Question, state: Light, bench: Bench) -> tuple[list[int], list[int]]:
        """The numbers of the entities and of the relations found, best first."""
        asked = render_question(question)
        tokens = note_room(256, KEYWORDS(question=asked), bench, schema=Keywords)
        reply = bench.ask(KEYWORDS(question=asked), step="keywords", max_tokens=tokens, schema=Keywords)
        said = reply.parsed or Keywords(high_level_keywords=[], low_level_keywords=[])
        low, high = ", ".join(said.low_level_keywords).strip(), ", ".join(said.high_level_keywords).strip()
        if not low and not high:
            bench.note("no_keywords", True)
            low = high = question.text
        number = {pair: i for i, pair in enumerate(state.pairs)}
        entity = {name: i for i, name in enumerate(state.names)}
        near, theirs, direct, ends = [], [], [], []
        if self.mode != "global":
            near = [i for i, score in state.entities.dense(low, self.top_k) if score >= self.cosine]
            found = dict.fromkeys(pair for i in near for pair in state.graph.relations_of(state.names[i]))
            ranked = sorted(found, key=lambda p: (-state.graph.rank(p), -state.graph.relations[p].weight))
            theirs = [number[pair] for pair in ranked]
        if self.mode != "local":
            direct = [i for i, score in state.relations.dense(high, self.top_k) if score >= self.cosine]
            ends = [entity[name] for i in direct for name in state.pairs[i]]
        return in_turns(near, ends), in_turns(theirs, direct)

    def _chunks(
        self, question: Question, names: Sequence[int], pairs: Sequence[int], order: Sequence[int], state: Light
    ) -> list[int]:
        """The chunks nearest to the question, of the entities' and of the relations', in turns."""
        graph = state.graph
        near = []
        if self.mode in ("mix", "naive"):
            hits = state.index.search(question.text, self.chunk_top_k, "dense")
            near = [i for i, hit in zip(order, hits, strict=False) if hit.score >= self.cosine]
        of_names = {c for i in names for c in graph.entities[state.names[i]].chunks}
        of_pairs = {c for i in pairs for c in graph.relations[state.pairs[i]].chunks}
        behind = [
            [i for i in order if i in held][: self.related_chunks * number // 2]
            for held, number in ((of_names, len(names)), (of_pairs, len(pairs)))
        ]
        return in_turns(near, *behind)


def in_turns(*rankings: Iterable[T]) -> list[T]:
    """Rankings merged in turns, each item once.

    >>> in_turns([1, 2, 3], [9, 1])
    [1, 9, 2, 3]
    """
    nothing = object()
    mixed = (item for row in zip_longest(*rankings, fillvalue=nothing) for item in row if item is not nothing)
    return list(dict.fromkeys(mixed))  # type: ignore[arg-type]
