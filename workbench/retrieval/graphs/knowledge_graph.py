"""A knowledge graph of described entities and relations, merged by name, with hierarchical Leiden communities."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from workbench.retrieval.graphs.entity_graph import normalise

Pair = tuple[str, str]
T = TypeVar("T")


@dataclass
class Entity:
    """An entity: its name as first written, type, descriptions, and the chunks that name it."""

    name: str
    kind: str = ""
    descriptions: list[str] = field(default_factory=list)
    chunks: list[int] = field(default_factory=list)


@dataclass
class Relation:
    """A relation of two entities; `weight` sums the strengths of all its statements."""

    ends: Pair
    descriptions: list[str] = field(default_factory=list)
    keywords: list[str] = field(default_factory=list)
    chunks: list[int] = field(default_factory=list)
    weight: float = 0.0


@dataclass(frozen=True, slots=True)
class Community:
    """A community: its number, level (0 is the coarsest), parent's number, and its entities' keys, sorted."""

    number: int
    level: int
    parent: int | None
    members: tuple[str, ...]


class KnowledgeGraph:
    """An undirected graph. Entities are keyed by their names after `entity_graph.normalise`, relations by their two
    entities' keys, sorted."""

    def __init__(self) -> None:
        self.entities: dict[str, Entity] = {}
        self.relations: dict[Pair, Relation] = {}
        self._touching: dict[str, list[Pair]] = {}

    def add_entity(self, name: str, kind: str, description: str, chunk: int) -> None:
        """Merge what a chunk says of an entity into the graph; a name that is empty once normalised is ignored."""
        key = normalise(name)
        if key:
            entity = self.entities.setdefault(key, Entity(name.strip(), kind.strip()))
            _append(entity.descriptions, description.strip())
            _append(entity.chunks, chunk)

    def add_relation(
        self, source: str, target: str, description: str, keywords: Iterable[str], weight: float, chunk: int
    ) -> bool:
        """Merge a relation into the graph; False when an entity is unknown or both are the same."""
        a, b = sorted((normalise(source), normalise(target)))
        if a == b or a not in self.entities or b not in self.entities:
            return False
        if (a, b) not in self.relations:
            self.relations[a, b] = Relation((a, b))
            self._touching.setdefault(a, []).append((a, b))
            self._touching.setdefault(b, []).append((a, b))
        relation = self.relations[a, b]
        _append(relation.descriptions, description.strip())
        _append(relation.chunks, chunk)
        for keyword in keywords:
            _append(relation.keywords, keyword.strip())
        relation.weight += weight
        return True

    def relations_of(self, key: str) -> list[Pair]:
        """The relations of an entity, in the order in which they were added."""
        return self._touching.get(key, [])

    def degree(self, key: str) -> int:
        """How many entities an entity is related to."""
        return len(self.relations_of(key))

    def rank(self, pair: Pair) -> int:
        """How central a relation is: the sum of its entities' degrees."""
        return self.degree(pair[0]) + self.degree(pair[1])

    def inside(self, keys: Sequence[str]) -> list[Pair]:
        """The relations among some entities, the most central first."""
        chosen = set(keys)
        return sorted((p for p in self._around(keys) if set(p) <= chosen), key=lambda pair: (-self.rank(pair), pair))

    def outside(self, keys: Sequence[str]) -> list[Pair]:
        """The relations of some entities to others, sorted by how many of the given entities the other one is related
        to, then by centrality."""
        chosen = set(keys)
        pairs = [(p, end) for p in self._around(keys) for end in set(p) - chosen]
        links: dict[str, int] = {}
        for _, end in pairs:
            links[end] = links.get(end, 0) + 1
        return [pair for pair, _ in sorted(pairs, key=lambda item: (-links[item[1]], -self.rank(item[0]), item[0]))]

    def _around(self, keys: Sequence[str]) -> dict[Pair, None]:
        return dict.fromkeys(pair for key in keys for pair in self.relations_of(key))

    def chunks_behind(self, keys: Sequence[str]) -> list[int]:
        """The chunks that name some entities, in the order of the entities; those of one entity sorted by how many of
        its relations they state."""
        found: dict[int, None] = {}
        for key in keys:
            stated = [chunk for pair in self.relations_of(key) for chunk in self.relations[pair].chunks]
            found |= dict.fromkeys(sorted(self.entities[key].chunks, key=lambda chunk: (-stated.count(chunk), chunk)))
        return list(found)

    def communities(self, *, largest: int, seed: int) -> list[Community]:
        """Hierarchical Leiden on the largest connected component; communities of more than `largest` entities are split
        again; coarse levels first. Uses `graspologic_native`, as microsoft/graphrag does."""
        import graspologic_native

        inside = self._largest_component()
        edges = [(a, b, max(r.weight, 1e-6)) for (a, b), r in sorted(self.relations.items()) if a in inside]
        if not edges:
            return []
        found = graspologic_native.hierarchical_leiden(
            edges,
            starting_communities=None,
            resolution=1.0,
            randomness=0.001,
            iterations=1,
            use_modularity=True,
            max_cluster_size=largest,
            seed=seed,
        )
        members: dict[int, list[str]] = {}
        about: dict[int, tuple[int, int | None]] = {}
        for row in found:
            members.setdefault(row.cluster, []).append(row.node)
            about[row.cluster] = (row.level, row.parent_cluster)
        made = [Community(number, *about[number], tuple(sorted(names))) for number, names in members.items()]
        return sorted(made, key=lambda community: (community.level, community.number))

    def _largest_component(self) -> set[str]:
        import networkx as nx

        graph = nx.Graph(list(self.relations))
        return max(nx.connected_components(graph), key=lambda part: (len(part), min(part)), default=set())


def _append(held: list[T], item: T) -> None:
    if item not in held and item != "":
        held.append(item)
