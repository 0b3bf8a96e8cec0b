"""A graph of entities and chunks, built from triples, that ranks chunks by personalised PageRank."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING

from workbench.retrieval.analysis import STOP_WORDS
from workbench.text import sentence_spans

if TYPE_CHECKING:
    import networkx as nx

_ENTITY = re.compile(
    r"\b[A-ZÀ-Þ][\w'’\-]*(?:\s+(?:(?:of|the|de|von|van|la|and)\s+)?[A-ZÀ-Þ][\w'’\-]*)*|\b\d{3,4}\b", re.UNICODE
)
_EDGE_SPACE = re.compile(r"\s+")
_OPENERS = STOP_WORDS | {
    *("after", "although", "before", "during", "if", "later", "my", "no", "once", "since", "though", "under", "until"),
    *("while", "yet"),
}


@dataclass(frozen=True, slots=True)
class Triple:
    """Subject, relation and object, and the position of the chunk that states them."""

    subject: str
    relation: str
    object: str
    chunk: int


def normalise(entity: str) -> str:
    """The node name of an entity: lower case, white space collapsed, without surrounding punctuation, possessive 's and
    leading "the". Works in any script."""
    folded = _EDGE_SPACE.sub(" ", entity.strip(" \t\n.,;:!?\"'“”’()[]")).lower()
    return folded.removesuffix("'s").removesuffix("’s").removeprefix("the ")


def entities(text: str) -> list[str]:
    """Normalised names of capitalised spans and of numbers of 3 or 4 digits (years), in order of appearance, each once.
    Leading words that often open a sentence ("After", "The") are left out."""
    found: dict[str, None] = {}
    for match in _ENTITY.finditer(text):
        words = match.group().split()
        while words and words[0].lower() in _OPENERS:
            words = words[1:]
        name = " ".join(words)
        if len(name) > 1 and normalise(name) not in STOP_WORDS:
            found.setdefault(normalise(name))
    return [name for name in found if name]


def cooccurrence_triples(text: str, chunk: int) -> list[Triple]:
    """One `appears with` triple for each pair among a sentence's first 12 entities (no model call)."""
    pairs: dict[tuple[str, str], None] = {}
    for start, end in sentence_spans(text):
        for a, b in combinations(entities(text[start:end])[:12], 2):
            pairs.setdefault((a, b))
    return [Triple(a, "appears with", b, chunk) for a, b in pairs]


class EntityGraph:
    """An undirected weighted graph: entity–entity edges weigh the number of their triples, chunk–entity edges 1."""

    def __init__(self, triples: Iterable[Triple], chunks: Sequence[str]) -> None:
        import networkx as nx

        self.graph: nx.Graph = nx.Graph()
        self.triples = list(triples)
        self.chunk_count = len(chunks)
        self.chunks_of: dict[str, set[int]] = defaultdict(set)
        for position in range(len(chunks)):
            self.graph.add_node(("chunk", position))
        for triple in self.triples:
            ends = [normalise(triple.subject), normalise(triple.object)]
            for name in ends:
                if name:
                    self.chunks_of[name].add(triple.chunk)
                    self.graph.add_edge(("entity", name), ("chunk", triple.chunk), weight=1.0)
            if all(ends) and ends[0] != ends[1]:
                self._strengthen(("entity", ends[0]), ("entity", ends[1]))

    def _strengthen(self, a: tuple[str, str], b: tuple[str, str]) -> None:
        weight = self.graph.get_edge_data(a, b, {"weight": 0.0})["weight"]
        self.graph.add_edge(a, b, weight=weight + 1.0)

    def link(self, pairs: Iterable[tuple[str, str, float]]) -> None:
        """Add weighted edges (synonyms) between entities of the graph that no edge joins yet."""
        for a, b, weight in pairs:
            ends = ("entity", a), ("entity", b)
            if a != b and all(end in self.graph for end in ends) and not self.graph.has_edge(*ends):
                self.graph.add_edge(*ends, weight=weight)

    def seeds(self, names: Iterable[str]) -> dict[str, float]:
        """Entities of the graph that match names, fully or by their words, weighted by 1 / number of their chunks."""
        weights: dict[str, float] = {}
        for name in map(normalise, names):
            matched = [name] if name in self.chunks_of else self._partial(name)
            for entity in matched:
                weights[entity] = max(weights.get(entity, 0.0), 1.0 / len(self.chunks_of[entity]))
        return weights

    def _partial(self, name: str) -> list[str]:
        words = {word for word in name.split() if word not in STOP_WORDS and len(word) > 2}
        if not words:
            return []
        return [entity for entity in self.chunks_of if words <= set(entity.split()) or set(entity.split()) <= words][:5]

    def rank(
        self, seeds: Mapping[str, float], chunk_prior: Mapping[int, float] | None = None, damping: float = 0.5
    ) -> list[tuple[int, float]]:
        """Chunks with their personalised PageRank, restarted at entity seeds and a prior over chunks; best first, ties
        by position.

        `damping` 0.5 is HippoRAG 2's. Empty when no seed or prior chunk is in the graph with a positive weight.
        """
        import networkx as nx

        start: dict[tuple[str, str | int], float] = {("entity", name): weight for name, weight in seeds.items()}
        for position, weight in (chunk_prior or {}).items():
            if weight > 0:
                start["chunk", position] = weight
        start = {node: weight for node, weight in start.items() if node in self.graph and weight > 0}
        if not start:
            return []
        scores = nx.pagerank(self.graph, alpha=damping, personalization=start, weight="weight", max_iter=200, tol=1e-8)
        ranked = [(node[1], score) for node, score in scores.items() if node[0] == "chunk"]
        return sorted(ranked, key=lambda item: (-item[1], item[0]))

    def facts(self, names: Iterable[str]) -> list[str]:
        """The relations within a group of entities as lines, each once, pairs with the heaviest edges first."""
        group = set(names)
        lines: dict[str, float] = {}
        for triple in self.triples:
            ends = normalise(triple.subject), normalise(triple.object)
            if ends[0] in group and ends[1] in group and ends[0] != ends[1]:
                weight = self.graph.get_edge_data(("entity", ends[0]), ("entity", ends[1]))["weight"]
                lines.setdefault(f"{triple.subject} — {triple.relation} — {triple.object}", weight)
        return sorted(lines, key=lambda line: (-lines[line], line))

    def communities(self, seed: int = 0, smallest: int = 3) -> list[list[str]]:
        """Louvain communities of the entities, largest first; those under `smallest` entities are left out."""
        import networkx as nx

        only = self.graph.subgraph([node for node in self.graph if node[0] == "entity"])
        # networkx iterates over sets: a copy with sorted nodes and edges makes the outcome depend on the seed alone
        ordered = nx.Graph()
        ordered.add_nodes_from(sorted(only.nodes))
        ordered.add_weighted_edges_from(sorted((*sorted((a, b)), d["weight"]) for a, b, d in only.edges(data=True)))
        found = nx.community.louvain_communities(ordered, weight="weight", seed=seed)
        groups = [sorted(name for _, name in group) for group in found if len(group) >= smallest]
        return sorted(groups, key=lambda group: (-len(group), group))
