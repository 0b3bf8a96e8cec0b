"""GraphReader's graph: its nodes are the key elements of atomic facts, joined where one fact names both."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches

from workbench.retrieval.graphs.entity_graph import normalise


@dataclass(frozen=True)
class KeyGraph:
    """The chunks' texts; facts as (text, chunk); for each key element its facts, and its neighbours sorted by the
    number of shared facts, largest first.

    Elements are keyed by their spelling after `entity_graph.normalise`, in the order in which the text first names
    them.
    """

    chunks: tuple[str, ...]
    facts: tuple[tuple[str, int], ...]
    facts_of: Mapping[str, Sequence[int]]
    neighbours: Mapping[str, Sequence[str]]

    @classmethod
    def of(cls, chunks: Sequence[str], facts: Iterable[tuple[str, Sequence[str], int]]) -> KeyGraph:
        """The graph of facts that are given as (text, key elements, chunk)."""
        held: list[tuple[str, int]] = []
        facts_of: dict[str, list[int]] = {}
        shared: dict[str, dict[str, int]] = {}
        for text, elements, chunk in facts:
            names = list(dict.fromkeys(name for name in map(normalise, elements) if name))
            for name in names:
                facts_of.setdefault(name, []).append(len(held))
                near = shared.setdefault(name, {})
                near.update({other: near.get(other, 0) + 1 for other in names if other != name})
            held.append((text, chunk))
        neighbours = {name: sorted(near, key=lambda other: (-near[other], other)) for name, near in shared.items()}
        return cls(tuple(chunks), tuple(held), facts_of, neighbours)

    @property
    def elements(self) -> list[str]:
        """All key elements."""
        return list(self.facts_of)

    def chunks_of(self, element: str) -> list[int]:
        """The chunks of an element's facts, in the order of the facts."""
        return list(dict.fromkeys(self.facts[i][1] for i in self.facts_of[element]))


def closest(name: str, known: Sequence[str]) -> str | None:
    """The known element of that name, else the one spelled most like it, else None."""
    key = normalise(name)
    if key in known:
        return key
    return next(iter(get_close_matches(key, known, n=1, cutoff=0.8)), None) if key else None
