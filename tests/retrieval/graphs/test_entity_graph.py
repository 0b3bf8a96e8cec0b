"""The entity graph: names found, ranks by hand, the same communities each time."""

from __future__ import annotations

import pytest

from workbench.retrieval.graphs.entity_graph import EntityGraph, Triple, cooccurrence_triples, entities, normalise

CHUNKS = ["Ada met Ben.", "Ben sold the Mill to Cleo.", "Dan slept."]
GRAPH = EntityGraph([t for i, c in enumerate(CHUNKS) for t in cooccurrence_triples(c, i)], CHUNKS)


def test_names_are_folded() -> None:
    assert normalise(" The Baron's ") == "baron"
    assert entities("In 1851 the Duke of York met Ada. She left.") == ["1851", "duke of york", "ada"]


def test_pairs_of_a_sentence_are_triples() -> None:
    found = cooccurrence_triples("Ada met Ben. Cleo left.", 4)
    assert found == [Triple("ada", "appears with", "ben", 4)]


def test_rank_starts_at_the_seeds_and_spreads() -> None:
    ranked = GRAPH.rank(GRAPH.seeds(["Ada"]))
    assert [position for position, _ in ranked] == [0, 1, 2]
    assert ranked[1][1] > 0 and ranked[2][1] == pytest.approx(0, abs=1e-9)
    assert GRAPH.rank({}) == []


def test_page_rank_of_two_nodes_is_the_closed_form() -> None:
    graph = EntityGraph([Triple("ada", "is", "", 0)], ["Ada."])
    # entity e and chunk c are joined; restart at e: c = α·e, e = (1 − α) + α·c  ⇒  c = α / (1 + α)
    assert graph.rank({"ada": 1.0}, damping=0.5) == [(0, pytest.approx(0.5 / 1.5, abs=1e-6))]


def test_a_prior_over_chunks_counts_as_a_seed() -> None:
    assert GRAPH.rank({}, {2: 1.0})[0][0] == 2


def test_rare_entities_weigh_more() -> None:
    assert GRAPH.seeds(["Ada", "Ben"]) == {"ada": 1.0, "ben": 1 / 2}


def test_communities_are_the_same_for_a_seed() -> None:
    names = [f"n{i}" for i in range(8)]
    pairs = [(a, b) for group in (names[:4], names[4:]) for a in group for b in group if a < b]
    graph = EntityGraph([Triple(a, "knows", b, 0) for a, b in pairs], ["x"])
    assert graph.communities(seed=3) == graph.communities(seed=3) == [names[:4], names[4:]]


def test_facts_of_a_group_are_listed_once() -> None:
    triples = [Triple("Ada", "wrote to", "Ben", 0), Triple("Ada", "wrote to", "Ben", 1), Triple("Ada", "is", "Cleo", 0)]
    assert EntityGraph(triples, ["a", "b"]).facts(["ada", "ben"]) == ["Ada — wrote to — Ben"]
