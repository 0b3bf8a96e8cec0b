"""LightRAG: entities and relations with descriptions, searched by two levels of keywords, read with their chunks."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import ClassVar, Generic, Literal, TypeVar

from pydantic import BaseModel

from pipelines.graph._extraction import entity_row, extracted, extraction_chunks, merge_descriptions, relation_row
from workbench.method.fitting import cut, fitting_hits, hits_text, leading, note_room, room_for
from workbench.method.prompts import ANSWER_RULE, Prompt, render_question
from workbench.method.protocol import Bench, MethodCard
from workbench.records import Answer, Context, Hit, Question
from workbench.retrieval.bounds import within
from workbench.retrieval.graphs.knowledge_graph import Entity, KnowledgeGraph, Pair, Relation
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
Key = TypeVar("Key")


class Keywords(BaseModel):
    """The reply of the keyword step."""

    high_level_keywords: list[str]
    low_level_keywords: list[str]


@dataclass(frozen=True)
class Elements(Generic[Key]):
    """The graph's entities (by name) or relations (by their two names): each as a row of text, and an index."""

    rows: Mapping[Key, str]
    index: TextIndex

    def nearest(self, query: str, number: int, cosine: float) -> list[Key]:
        """The elements nearest to a query, best first, at least as near as `cosine`."""
        keys = list(self.rows)
        return [keys[i] for i, score in self.index.dense(query, number) if score >= cosine]

    def shown(self, some: Sequence[Key]) -> str:
        """Some of them as prompt text, a row each."""
        return "\n".join(self.rows[key] for key in some)


@dataclass(frozen=True)
class Light:
    """Chunks, the merged graph, and its entities and relations to be searched."""

    index: ChunkIndex
    graph: KnowledgeGraph
    entities: Elements[str]
    relations: Elements[Pair]


@dataclass(frozen=True)
class Found:
    """What keywords of one level found: entities and relations, best first."""

    entities: Sequence[str] = ()
    relations: Sequence[Pair] = ()


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
    shares.

    Deviations:
    - replies are JSON; what the second call repeats is added to the first, not compared with it;
    - the summary of many descriptions is one call over what fits, of 500 tokens;
    - an element keeps all its chunks, not 200; a chunk whose replies hold nothing is read by rule;
    - without keywords the question stands for both levels, and when nothing is found the nearest chunks are read
      (upstream has a set phrase), both noted;
    - no list of references; the temperature is the experiment's (upstream 1).
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
    description_tokens: int = 500  # visible tokens of the summary of many descriptions
    keyword_tokens: int = 256  # visible tokens of the keywords of both levels

    def __post_init__(self) -> None:
        if self.top_k < 1 or self.gleanings < 0 or not 0 <= self.overlap < self.chunk_tokens:
            raise ValueError("top_k must be at least 1, gleanings not negative, and overlap less than chunk_tokens")
        within("description_tokens", self.description_tokens, 1)
        within("keyword_tokens", self.keyword_tokens, 1)

    def build(self, context: Context, bench: Bench) -> Light:
        index, texts, tokens = extraction_chunks(EXTRACT, self.chunk_tokens, self.overlap, self.reply_tokens, bench)
        naive = self.mode == "naive"
        graph = KnowledgeGraph() if naive else extracted(texts, EXTRACT, self.gleanings, tokens, bench)
        merge_descriptions(graph, bench, many=8, tokens=1_200, reply_tokens=self.description_tokens)
        entities = {name: entity_row(graph, name) for name in graph.entities}
        relations = {pair: relation_row(graph, pair) for pair in graph.relations}
        keyed = [f"{', '.join(graph.relations[pair].keywords)} {row}" for pair, row in relations.items()]
        return Light(
            index,
            graph,
            Elements(entities, bench.text_index(list(entities.values()))),
            Elements(relations, bench.text_index(keyed)),
        )

    def answer(self, question: Question, state: Light, bench: Bench) -> Answer:
        asked = render_question(question)
        room = room_for(READ(text="", question=asked), bench, reply_tokens=bench.answer_tokens)
        total = min(room, self.budget_tokens)
        near_first = nearest_chunks(question, state)
        local = overall = Found()
        if self.mode != "naive":
            low, high = self._keywords(question, bench)
            local = self._local(low, state) if self.mode != "global" else Found()
            overall = self._global(high, state) if self.mode != "local" else Found()
        names = in_turns(local.entities, overall.entities)
        pairs = in_turns(local.relations, overall.relations)
        names = leading(names, total * 6 // 30, bench, state.entities.shown)
        pairs = leading(pairs, total * 8 // 30, bench, state.relations.shown)
        parts = [f"Entities:\n{state.entities.shown(names)}"] if names else []
        parts += [f"Relations:\n{state.relations.shown(pairs)}"] if pairs else []
        above = "\n\n".join(parts) + "\n\n" if parts else ""
        chunks = self._chunks(question, names, pairs, near_first, state)
        if not chunks and not parts and near_first:
            bench.note("nothing_found", True)
            chunks = near_first[: self.chunk_top_k]

        def shown(some: Sequence[Hit]) -> str:
            return above + hits_text(some, bench)

        found = [Hit(state.index.chunks[i], 1 / rank, rank) for rank, i in enumerate(chunks, 1)]
        hits, dropped = fitting_hits(found, total, bench, shown)
        text = cut(shown(hits), room, bench)
        return bench.reply(READ(text=text, question=asked), step="read", hits=hits, dropped_tokens=dropped)

    def _keywords(self, question: Question, bench: Bench) -> tuple[str, str]:
        """Low-level keywords (what the question names) and high-level ones (its themes)."""
        prompt = KEYWORDS(question=render_question(question))
        tokens = note_room(self.keyword_tokens, prompt, bench, schema=Keywords)
        reply = bench.ask(prompt, step="keywords", max_tokens=tokens, schema=Keywords)
        said = reply.parsed or Keywords(high_level_keywords=[], low_level_keywords=[])
        low, high = ", ".join(said.low_level_keywords).strip(), ", ".join(said.high_level_keywords).strip()
        if not low and not high:
            bench.note("no_keywords", True)
            return question.text, question.text
        return low, high

    def _local(self, low: str, state: Light) -> Found:
        """Entities near the low-level keywords, and their relations, those of the best connected entities first."""
        graph = state.graph
        names = state.entities.nearest(low, self.top_k, self.cosine)
        theirs = dict.fromkeys(pair for name in names for pair in graph.relations_of(name))
        return Found(names, sorted(theirs, key=lambda pair: (-graph.rank(pair), -graph.relations[pair].weight)))

    def _global(self, high: str, state: Light) -> Found:
        """Relations near the high-level keywords, and the entities at their ends."""
        pairs = state.relations.nearest(high, self.top_k, self.cosine)
        return Found([name for pair in pairs for name in pair], pairs)

    def _chunks(
        self, question: Question, names: Sequence[str], pairs: Sequence[Pair], near_first: Sequence[int], state: Light
    ) -> list[int]:
        """The numbers of the chunks to read: near the question, behind the entities, behind the relations, in turns."""
        near: list[int] = []
        if self.mode in ("mix", "naive"):
            hits = state.index.search(question.text, self.chunk_top_k, "dense")
            near = [i for i, hit in zip(near_first, hits, strict=False) if hit.score >= self.cosine]

        def behind(elements: Sequence[Entity | Relation]) -> list[int]:
            held = {chunk for element in elements for chunk in element.chunks}
            most = self.related_chunks * len(elements) // 2  # upstream's rule: half of the elements' shares together
            return [i for i in near_first if i in held][:most]

        of_names = behind([state.graph.entities[name] for name in names])
        of_pairs = behind([state.graph.relations[pair] for pair in pairs])
        return in_turns(near, of_names, of_pairs)[: self.chunk_top_k]


def nearest_chunks(question: Question, state: Light) -> list[int]:
    """The numbers of all chunks, the nearest to the question first; as they stand where no word of it is known."""
    chunks = state.index.chunks
    number = {chunk: i for i, chunk in enumerate(chunks)}
    found = state.index.search(question.text, len(chunks), "dense")
    return [number[hit.chunk] for hit in found] or list(number.values())


def in_turns(*rankings: Iterable[T]) -> list[T]:
    """Rankings merged in turns, each item once.

    >>> in_turns([1, 2, 3], [9, 1])
    [1, 9, 2, 3]
    """
    nothing = object()
    mixed = (item for row in zip_longest(*rankings, fillvalue=nothing) for item in row if item is not nothing)
    return list(dict.fromkeys(mixed))  # type: ignore[arg-type]
