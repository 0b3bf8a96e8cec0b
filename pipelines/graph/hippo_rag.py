"""HippoRAG 2: the facts of all passages form a graph; a search starts from facts that the model confirms."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import ClassVar

from pydantic import BaseModel, Field

from pipelines._reading import read_hits
from workbench.method.fitting import cut, from_the_start, note_room, reduced, room_for
from workbench.method.prompts import Prompt, render_question
from workbench.method.protocol import Bench, MethodCard
from workbench.records import Answer, Context, Hit, Question
from workbench.retrieval.bounds import within
from workbench.retrieval.graphs.entity_graph import EntityGraph, Triple, cooccurrence_triples, entities, normalise
from workbench.retrieval.indexes.chunk_index import ChunkIndex
from workbench.retrieval.indexes.text_index import TextIndex

NAMES = Prompt(
    "hippo_rag.names",
    user="{passage}\n\nList the named entities in the text above: people, places, organisations, works, events, dates.",
)
TRIPLES = Prompt(
    "hippo_rag.triples",
    user="{passage}\n\nNamed entities of the text above: {names}\n\nWrite the facts of the text as triples of subject, "
    "relation and object. Each triple holds at least one of the named entities; replace pronouns by names.",
)
FILTER = Prompt(
    "hippo_rag.filter",
    user="{facts}\n\nWhich of the facts above help to answer the question below, directly or as a step towards the "
    "answer? Copy those facts word for word, the most helpful first, at most four; none if none helps.\n\n"
    "Question: {question}\nReply:",
)


class Names(BaseModel):
    """The reply of the first index step."""

    entities: list[str]


class Fact(BaseModel):
    """One triple."""

    subject: str
    relation: str
    object: str


class Facts(BaseModel):
    """The reply of the second index step."""

    triples: list[Fact]


class Kept(BaseModel):
    """The facts that recognition memory keeps."""

    facts: list[str] = Field(description="copied facts")


@dataclass(frozen=True)
class Memory:
    """The passages, their graph, and the facts with their index."""

    index: ChunkIndex
    graph: EntityGraph
    triples: tuple[Triple, ...]
    facts: TextIndex


@dataclass(frozen=True)
class HippoRag:
    """Gutiérrez et al., ICML 2025 (arXiv 2502.14802; OSU-NLP-Group/HippoRAG, MIT), HippoRAG 2. Index stage: 2 calls per
    passage in two waves, first for named entities, then for triples given them; they form a graph of phrases and
    passages, with edges between phrases of cosine ≥ 0.8. Query stage: 2 calls (1 without any fact). The 5 facts nearest
    to the question go to a call that keeps those that help (recognition memory). A personalised PageRank of damping 0.5
    starts from the phrases of the kept facts (score / number of passages that hold the phrase, best 5) and from all
    passages (dense score · 0.05). The best 5 passages are read. When no fact is kept, the ranking is the dense one.

    Deviations:
    - the answer is given at once, under the answer rule of all methods (upstream: a thought first);
    - no prompt has worked examples; no instructions for the embedder; replies are JSON;
    - facts that differ only in case or punctuation can take several of the 5 places (upstream counts them as one);
    - a copied fact must resemble a candidate (upstream's fuzzy match accepts anything);
    - a fact counts once on its edge (upstream: in both directions); synonyms join only phrases that no fact joins;
    - passages of 512 tokens (upstream: paragraphs as given);
    - a passage whose reply cannot be read gets facts by rule (names in the same sentence are joined), recorded;
    - a filter whose reply cannot be read keeps nothing, recorded;
    - when nothing is found, the first chunks of the text are read, recorded.
    """

    card: ClassVar[MethodCard] = MethodCard(
        title="HippoRAG 2",
        cost="index: 2m, 2 in sequence; query: 2 calls in sequence (1 without any fact)",
        url="https://arxiv.org/abs/2502.14802",
        year=2025,
        stages="index: names → triples → graph | nearest facts → filter → PageRank → read",
    )
    top_k: int = 5
    linking_top_k: int = 5
    passage_weight: float = 0.05
    damping: float = 0.5
    synonym_cosine: float = 0.8
    chunk_tokens: int = 512
    reply_tokens: int = 1_024
    filter_tokens: int = 512  # visible tokens of the facts that the filter keeps

    def __post_init__(self) -> None:
        if self.top_k < 1 or self.linking_top_k < 1 or not 0 < self.damping < 1:
            raise ValueError("top_k and linking_top_k must be at least 1, and damping between 0 and 1")
        within("filter_tokens", self.filter_tokens, 1)

    def build(self, context: Context, bench: Bench) -> Memory:
        frame = TRIPLES(passage="", names="")
        tokens = note_room(self.reply_tokens, frame, bench, held=2, schema=Facts)
        room = room_for(frame, bench, reply_tokens=2 * tokens, schema=Facts)
        # facts are longer than the text that states them: chunks shrink together with the replies
        size = reduced(self.chunk_tokens, min(room, tokens * self.chunk_tokens // self.reply_tokens), bench)
        index = bench.index(chunk_tokens=size)
        texts = [cut(chunk.text, size, bench) for chunk in index.chunks]
        triples = self._triples(texts, self._names(texts, tokens, bench), tokens, bench)
        graph = EntityGraph(triples, texts)
        graph.link(synonyms(list(graph.chunks_of), bench, self.synonym_cosine))
        return Memory(index, graph, tuple(triples), bench.text_index([sentence(triple) for triple in triples]))

    def _names(self, texts: Sequence[str], tokens: int, bench: Bench) -> list[str]:
        found = []
        for text, reply in zip(
            texts,
            bench.ask_many([NAMES(passage=text) for text in texts], step="names", max_tokens=tokens, schema=Names),
            strict=True,
        ):
            if reply.parsed is None:
                bench.note("names_unparsable", reply.text[:40])
            names = entities(text) if reply.parsed is None else reply.parsed.entities
            found.append(cut("; ".join(dict.fromkeys(names)), tokens, bench, noted=False))
        return found

    def _triples(self, texts: Sequence[str], names: Sequence[str], tokens: int, bench: Bench) -> list[Triple]:
        prompts = [TRIPLES(passage=text, names=held) for text, held in zip(texts, names, strict=True)]
        found: dict[Triple, None] = {}
        for i, reply in enumerate(bench.ask_many(prompts, step="triples", max_tokens=tokens, schema=Facts)):
            if reply.parsed is None:
                bench.note("triples_unparsable", i)
                found.update(dict.fromkeys(cooccurrence_triples(texts[i], i)))
            else:
                found.update({Triple(f.subject, f.relation, f.object, i): None for f in reply.parsed.triples})
        return list(found)

    def answer(self, question: Question, state: Memory, bench: Bench) -> Answer:
        ranked = from_the_start(self.ranked(question, state, bench), state.index.chunks, self.top_k, bench)
        return read_hits(ranked[: self.top_k], question, bench)

    def ranked(self, question: Question, state: Memory, bench: Bench) -> list[Hit]:
        """All passages, best first: by PageRank from the facts that the filter keeps, else by cosine."""
        dense = state.index.search(question.text, len(state.index.chunks), "dense")
        weights = self._phrases(question, state, bench)
        if not weights:
            return dense
        place = {chunk: i for i, chunk in enumerate(state.index.chunks)}
        scores = scaled([hit.score for hit in dense])
        prior = {place[hit.chunk]: self.passage_weight * s for hit, s in zip(dense, scores, strict=True)}
        ranked = state.graph.rank(weights, prior, self.damping)
        return [Hit(state.index.chunks[i], score, rank) for rank, (i, score) in enumerate(ranked, 1)]

    def _phrases(self, question: Question, state: Memory, bench: Bench) -> dict[str, float]:
        """The phrases to start from, with their weights; none when no fact is kept."""
        ranked = state.facts.dense(question.text, len(state.facts))
        candidates: dict[str, tuple[int, float]] = {}  # a fact that several passages state is one candidate
        for (position, _), score in zip(ranked, scaled([score for _, score in ranked]), strict=True):
            if len(candidates) == self.linking_top_k:
                break
            candidates.setdefault(sentence(state.triples[position]), (position, score))
        kept = self._filtered(list(candidates), question, bench) if candidates else []
        bench.note("facts_kept", len(kept))
        weights: dict[str, list[float]] = {}
        for line in kept:
            position, score = candidates[line]
            for name in {normalise(state.triples[position].subject), normalise(state.triples[position].object)}:
                if name in state.graph.chunks_of:
                    weights.setdefault(name, []).append(score / len(state.graph.chunks_of[name]))
        mean = {name: sum(values) / len(values) for name, values in weights.items()}
        best = sorted(mean, key=lambda name: (-mean[name], name))[: self.linking_top_k]
        return {name: mean[name] for name in best if mean[name] > 0}

    def _filtered(self, lines: list[str], question: Question, bench: Bench) -> list[str]:
        asked = render_question(question)
        tokens = note_room(self.filter_tokens, FILTER(facts="", question=asked), bench, schema=Kept)
        room = bench.room(FILTER(facts="", question=asked), reply_tokens=tokens, schema=Kept)
        shown = [cut(line, room // (len(lines) + 1), bench, noted=False) for line in lines]
        prompt = FILTER(facts="\n".join(shown), question=asked)
        reply = bench.ask(prompt, step="filter", max_tokens=tokens, schema=Kept)
        if reply.parsed is None:
            bench.note("filter_unparsable", reply.text[:40])
            return []
        matched = [get_close_matches(fact.strip(), shown, n=1, cutoff=0.8) for fact in reply.parsed.facts]
        return [lines[shown.index(match)] for match in dict.fromkeys(m[0] for m in matched if m)]


def sentence(triple: Triple) -> str:
    """A triple as a sentence."""
    return " ".join(part.strip() for part in (triple.subject, triple.relation, triple.object)) + "."


def scaled(scores: Sequence[float]) -> list[float]:
    """The scores mapped to 0 (lowest) … 1 (highest); all 1 when they are equal."""
    low, high = min(scores, default=0.0), max(scores, default=0.0)
    return [(score - low) / (high - low) if high > low else 1.0 for score in scores]


def synonyms(names: Sequence[str], bench: Bench, least: float, most: int = 100) -> list[tuple[str, str, float]]:
    """Pairs of names with a cosine of at least `least`, at most `most` for each name. Names of fewer than three letters
    and digits are left out."""
    import numpy as np

    long = [name for name in names if sum(map(str.isalnum, name)) > 2]
    if len(long) < 2:
        return []
    vectors = bench.text_index(long).vectors
    pairs = []
    for start in range(0, len(long), 512):
        similar = vectors[start : start + 512] @ vectors.T if vectors is not None else np.zeros((0, 0))
        for i, row in enumerate(similar, start):
            near = [j for j in np.argsort(-row, kind="stable")[: most + 1].tolist() if j != i and row[j] >= least]
            pairs += [(long[i], long[j], float(row[j])) for j in near if i < j]
    return pairs
