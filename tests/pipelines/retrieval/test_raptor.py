from __future__ import annotations

import pytest

from pipelines.retrieval.raptor import Raptor
from tests.pipelines.conftest import Ran, run, spread, story
from workbench.text import count_tokens

SHEEP = story(60)
BOATS = " ".join(f"The boat {i} carries {i} barrels of salted fish over the sea." for i in range(60))
TEXT = SHEEP + "\n\n" + BOATS
SMALL = {"leaf_tokens": 30}


def raptor(
    text: str = TEXT, *, window: int = 8_192, question: str = "How many sheep does Person 3 keep?", **config: object
) -> Ran:
    said = iter(range(10_000))
    replies = {"summarise": lambda prompt: f"Summary number {next(said)} of sheep and boats.", "read": "21"}
    return run(Raptor(**{**SMALL, **config}), text, replies, window=window, question=question)  # type: ignore[arg-type]


def test_one_call_for_every_inner_node_and_one_wave_a_layer() -> None:
    ran = raptor()
    tree = ran.state
    inner = [node for node in tree.nodes if node.chunk is None]
    assert ran.steps("build") == ["summarise"] * len(inner)
    assert len(tree.layers) > 1
    assert ran.depth("build") == len(tree.layers) - 1
    assert (ran.steps(), ran.depth()) == (["read"], 1)


def test_a_parent_summarises_nodes_of_the_layer_below_and_every_node_has_one() -> None:
    tree = raptor().state
    for below, layer in zip(tree.layers, tree.layers[1:], strict=False):
        children = [child for number in layer for child in tree.nodes[number].children]
        assert set(children) == set(below)
    assert "".join(tree.nodes[i].chunk.text for i in tree.layers[0]) == TEXT


def test_every_leaf_stands_in_the_prompt_of_its_clusters() -> None:
    ran = raptor()
    first = len(ran.state.layers[1])
    assert min(spread(TEXT, ran.prompts("summarise")[:first])) >= 1


def test_a_short_text_has_no_tree() -> None:
    ran = raptor(story(8))
    assert ran.steps("build") == []
    assert len(ran.state.layers) == 1
    assert ran.answer.hits


def test_collapsed_reads_a_prefix_of_the_ranking_within_its_budget() -> None:
    ran = raptor(budget_tokens=100, top_k=10)
    ranking = [i for i, _ in ran.state.index.dense("How many sheep does Person 3 keep?", 10)]
    (prompt,) = ran.prompts("read")
    shown = [" ".join(ran.state.nodes[i].text.split()) in prompt for i in ranking]
    assert shown == sorted(shown, reverse=True) and any(shown) and not all(shown)
    read = "\n\n".join(" ".join(ran.state.nodes[i].text.split()) for i, s in zip(ranking, shown, strict=True) if s)
    assert count_tokens(read) <= 100


def test_summaries_compete_with_leaves() -> None:
    ran = raptor(question="Give the summary number of sheep and boats.", top_k=3)
    assert "Summary number" in ran.prompts("read")[0]
    assert len(ran.answer.hits) < 3  # hits are chunks of the text, a summary is none


def test_the_tree_is_walked_from_the_top_along_children() -> None:
    ran = raptor(form="tree", tree_top_k=2)
    tree = ran.state
    walked = Raptor(form="tree", tree_top_k=2)._walk("How many sheep does Person 3 keep?", tree)
    layer_of = {number: depth for depth, layer in enumerate(tree.layers) for number in layer}
    depths = [layer_of[number] for number, _ in walked]
    assert depths == sorted(depths, reverse=True) and depths[0] == len(tree.layers) - 1
    for number, _ in walked:
        if layer_of[number] < len(tree.layers) - 1:
            assert any(number in tree.nodes[parent].children for parent, _ in walked)


def test_a_cluster_that_does_not_fit_is_cut_in_groups() -> None:
    ran = raptor(cluster_tokens=80)
    assert ran.noted("cluster_cut_in")
    prompts = ran.prompts("summarise")
    assert all(count_tokens(prompt) < 200 for prompt in prompts)


def test_an_empty_summary_is_the_beginning_of_its_texts() -> None:
    ran = run(Raptor(leaf_tokens=30, layers=1), TEXT, {"summarise": "", "read": "21"})
    assert ran.noted("empty_summaries") == [len(ran.state.layers[1])]
    assert all(ran.state.nodes[i].text.startswith(("Person", "The boat")) for i in ran.state.layers[1])


def test_odd_configurations_are_refused() -> None:
    with pytest.raises(ValueError, match="at least 1"):
        Raptor(top_k=0)
