from __future__ import annotations

from workbench.retrieval.graphs.key_graph import KeyGraph, closest

GRAPH = KeyGraph.of(
    ["one", "two"],
    [("F1", ["Ann", "the Mill"], 0), ("F2", ["mill", "ANN", "river"], 1), ("F3", ["river", ""], 1)],
)


def test_elements_are_one_by_spelling_in_the_order_of_the_text() -> None:
    assert GRAPH.elements == ["ann", "mill", "river"]
    assert GRAPH.facts == (("F1", 0), ("F2", 1), ("F3", 1))
    assert {name: list(held) for name, held in GRAPH.facts_of.items()} == {
        "ann": [0, 1],
        "mill": [0, 1],
        "river": [1, 2],
    }
    assert GRAPH.chunks_of("ann") == [0, 1] and GRAPH.chunks_of("river") == [1]


def test_neighbours_share_a_fact_and_the_most_shared_come_first() -> None:
    assert {name: list(near) for name, near in GRAPH.neighbours.items()} == {
        "ann": ["mill", "river"],
        "mill": ["ann", "river"],
        "river": ["ann", "mill"],
    }


def test_names_are_matched_by_spelling() -> None:
    assert closest("The Persons 3", ["persons 3"]) == "persons 3"
    assert closest("Person 33", ["person 3", "place 3"]) == "person 3"
    assert closest("zebra", ["person 3"]) is None and closest("", ["person 3"]) is None
