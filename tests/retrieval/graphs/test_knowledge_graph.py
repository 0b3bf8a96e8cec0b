from __future__ import annotations

import networkx as nx
import pytest

from workbench.retrieval.graphs.knowledge_graph import KnowledgeGraph


def graph_of(edges: list[tuple[str, str]], weight: float = 1.0) -> KnowledgeGraph:
    graph = KnowledgeGraph()
    for chunk, (a, b) in enumerate(edges):
        graph.add_entity(a, "person", f"{a} is known.", chunk)
        graph.add_entity(b, "person", f"{b} is known.", chunk)
        graph.add_relation(a, b, f"{a} met {b}.", ["met"], weight, chunk)
    return graph


def test_entities_and_relations_merge_by_name_and_weights_sum() -> None:
    graph = graph_of([("Ann", "Bo"), ("bo", "the Ann")], weight=2.0)
    assert set(graph.entities) == {"ann", "bo"}
    (relation,) = graph.relations.values()
    assert (relation.weight, relation.chunks, relation.keywords) == (4.0, [0, 1], ["met"])
    assert graph.entities["ann"].descriptions == ["Ann is known.", "the Ann is known."]
    assert graph.entities["ann"].name == "Ann"


def test_relations_need_two_different_known_ends() -> None:
    graph = graph_of([("Ann", "Bo")])
    assert not graph.add_relation("Ann", "Nobody", "?", [], 1.0, 0)
    assert not graph.add_relation("Ann", "ANN", "?", [], 1.0, 0)
    assert graph.add_relation("Bo", "Ann", "again", [], 1.0, 5)
    assert len(graph.relations) == 1


def test_degrees_and_ranks() -> None:
    graph = graph_of([("a1", "b1"), ("a1", "c1"), ("a1", "d1")])
    assert [graph.degree(key) for key in ("a1", "b1", "zz")] == [3, 1, 0]
    assert graph.rank(("a1", "b1")) == 4


def test_communities_are_a_hierarchy_over_the_largest_component() -> None:
    karate = [(f"p{a}", f"p{b}") for a, b in nx.karate_club_graph().edges]
    graph = graph_of([*karate, ("x1", "y1")])
    found = graph.communities(largest=10, seed=0xDEADBEEF)
    assert found == graph.communities(largest=10, seed=0xDEADBEEF)
    top = [community for community in found if community.level == 0]
    members = [name for community in top for name in community.members]
    assert sorted(members) == sorted({name for pair in karate for name in pair})
    by_number = {community.number: community for community in found}
    for community in found:
        if community.parent is not None:
            parent = by_number[community.parent]
            assert set(community.members) <= set(parent.members) and parent.level == community.level - 1
    leaves = [c for c in found if not any(other.parent == c.number for other in found)]
    assert max(len(community.members) for community in leaves) <= 10


def test_communities_of_two_cliques_are_the_cliques() -> None:
    clique = [(f"{side}{a}", f"{side}{b}") for side in "uv" for a in range(5) for b in range(a)]
    found = graph_of([*clique, ("u0", "v0")]).communities(largest=10, seed=1)
    assert sorted(community.members for community in found) == [tuple(f"{side}{i}" for i in range(5)) for side in "uv"]


@pytest.mark.parametrize("edges", [[], [("a1", "a1")]])
def test_no_relations_no_communities(edges: list[tuple[str, str]]) -> None:
    assert graph_of(edges).communities(largest=10, seed=1) == []


def test_relations_inside_and_outside_of_some_entities() -> None:
    graph = KnowledgeGraph()
    for name in "abcde":
        graph.add_entity(name, "", "", 0)
    for ends, chunk in (("ab", 0), ("ac", 1), ("bc", 1), ("ad", 1), ("ce", 2)):
        graph.add_relation(*ends, "", (), 1.0, chunk)
    # degrees: a 3, b 2, c 3, d 1, e 1
    assert graph.inside(["a", "b", "c"]) == [("a", "c"), ("a", "b"), ("b", "c")]
    # c is reached from both; of its relations and of d's the more central ones come first
    assert graph.outside(["a", "b"]) == [("a", "c"), ("b", "c"), ("a", "d")]
    graph.entities["a"].chunks = [0, 1]
    graph.entities["c"].chunks = [2, 1]
    assert graph.chunks_behind(["a", "c"]) == [1, 0, 2]  # chunk 1 states two of a's relations
    assert graph.chunks_behind(["c"]) == [1, 2]
