from __future__ import annotations

import json
from typing import Any

import pytest

from pipelines.agents.chain_of_agents import ChainOfAgents
from pipelines.agents.chain_of_agents_hierarchical import ChainOfAgentsHierarchical
from pipelines.agents.chain_of_agents_merge import ChainOfAgentsMerge
from pipelines.agents.chain_of_agents_multi_path import ChainOfAgentsMultiPath
from tests.pipelines.conftest import run, spread, story

TEXT = story(100)
SMALL: Any = {"worker_window": 600, "note_tokens": 64}


def test_workers_in_turn_then_a_manager_who_sees_the_last_note_only() -> None:
    ran = run(ChainOfAgents(**SMALL), TEXT, {"worker": [f"NOTE-{i}." for i in range(20)], "manager": "21"})
    workers = ran.prompts("worker")
    n = len(workers)
    assert n >= 3
    assert ran.steps() == ["worker"] * n + ["manager"]
    assert ran.depth() == n + 1
    assert spread(TEXT, workers) == [1] * 100
    for i in range(1, n):
        assert [f"NOTE-{j}." in workers[i] for j in range(n)] == [j == i - 1 for j in range(n)]
        assert ran.made[i].parents == (ran.made[i - 1].call.call_id,)
    (manager,) = ran.prompts("manager")
    assert f"NOTE-{n - 1}." in manager and "sheep in the village" not in manager


def test_merge_is_one_wave_of_workers_and_refusals_do_not_vote() -> None:
    replies = ["unanswerable", "21 sheep", "The 21 sheep.", "7", "unanswerable"]
    ran = run(ChainOfAgentsMerge(worker_window=500), TEXT, {"worker": replies})
    n = len(ran.made)
    assert n >= 4
    assert ran.depth() == 1
    assert ran.answer.text == "21 sheep"
    assert ran.noted("votes") == [f"3 of {n}"]


def test_merge_of_refusals_is_a_refusal() -> None:
    ran = run(ChainOfAgentsMerge(worker_window=500), TEXT, {"worker": "unanswerable"})
    assert ran.answer.text == "unanswerable"


def test_hierarchical_workers_judge_side_by_side_and_only_useful_summaries_are_read() -> None:
    replies = [json.dumps({"useful": i % 2 == 0, "summary": f"SUM-{i}."}) for i in range(20)]
    ran = run(ChainOfAgentsHierarchical(**SMALL | {"worker_window": 900}), TEXT, {"worker": replies, "manager": "21"})
    n = ran.steps().count("worker")
    assert n >= 3
    assert ran.steps() == ["worker"] * n + ["manager"]
    assert ran.depth() == 2
    (manager,) = ran.prompts("manager")
    assert [f"SUM-{i}." in manager for i in range(n)] == [i % 2 == 0 for i in range(n)]
    assert spread(TEXT, ran.prompts("worker")) == [1] * 100


def test_hierarchical_keeps_what_it_cannot_parse() -> None:
    ran = run(ChainOfAgentsHierarchical(), story(5), {"worker": "prose", "worker:reask": "prose", "manager": "21"})
    assert ran.noted("worker_unparsable") == [1]
    assert "prose" in ran.prompts("manager")[0]


@pytest.mark.parametrize(("orders", "paths"), [("bidirectional", 2), ("permutation", 3), ("self_consistency", 3)])
def test_paths_run_side_by_side_and_a_judge_reads_their_last_notes(orders: str, paths: int) -> None:
    method = ChainOfAgentsMultiPath(orders=orders, paths=paths, **SMALL)  # type: ignore[arg-type]
    ran = run(method, TEXT, {"worker": "NOTE.", "judge": "21"})
    n = ran.steps().count("worker") // paths
    assert len(ran.made) == paths * n + 1
    assert ran.depth() == n + 1
    assert spread(TEXT, ran.prompts("worker")) == [paths] * 100
    assert ran.prompts("judge")[0].count("NOTE.") == paths


def test_voting_paths_have_a_manager_each_and_no_judge() -> None:
    method = ChainOfAgentsMultiPath(orders="permutation", paths=3, decide="vote", **SMALL)
    ran = run(method, TEXT, {"worker": "NOTE.", "manager": ["7", "21", "21"]})
    n = ran.steps().count("worker") // 3
    assert sorted(ran.steps()) == ["manager"] * 3 + ["worker"] * 3 * n
    assert ran.depth() == n + 1
    assert ran.answer.text == "21"


def test_right_to_left_reads_the_last_part_first() -> None:
    method = ChainOfAgentsMultiPath(orders="bidirectional", **SMALL)
    ran = run(method, TEXT, {"worker": "NOTE.", "judge": "21"})
    first = [p for p in ran.prompts("worker") if "(nothing yet)" in p]
    assert sorted("Person 0 keeps" in p for p in first) == [False, True]
    assert sorted("Person 99 keeps" in p for p in first) == [False, True]


def test_orders_are_drawn_from_the_seed() -> None:
    method = ChainOfAgentsMultiPath(paths=2, **SMALL)
    one, same, other = (
        [made.prompt for made in run(method, TEXT, {"worker": "N", "judge": "21"}, seed=seed).made]
        for seed in (1, 1, 2)
    )
    assert sorted(one) == sorted(same) != sorted(other)


def test_without_a_manager_the_last_note_is_the_answer() -> None:
    ran = run(ChainOfAgents(manager=False, **SMALL), TEXT, {"worker": [f"NOTE-{i}." for i in range(20)]})
    assert set(ran.steps()) == {"worker"}
    assert ran.answer.text == f"NOTE-{len(ran.made) - 1}."


@pytest.mark.parametrize(("order", "first"), [("left_to_right", 0), ("right_to_left", 99)])
def test_reading_directions(order: str, first: int) -> None:
    ran = run(ChainOfAgents(order=order, **SMALL), TEXT, {"worker": "N", "manager": "21"})  # type: ignore[arg-type]
    assert f"Person {first} keeps" in ran.prompts("worker")[0]


def test_an_empty_note_leaves_the_last_one_in_place() -> None:
    method = ChainOfAgents(worker_window=600, note_tokens=50)
    ran = run(method, story(100), {"worker": ["FIRST", " "], "manager": "21"})
    assert len(ran.prompts("worker")) > 2
    assert "FIRST" in ran.prompts("manager")[0]
    assert ran.noted("empty_note_kept_last") == [True] * (len(ran.prompts("worker")) - 1)


def test_a_chain_that_notes_nothing_refuses() -> None:
    for text in ("", story(20)):
        assert run(ChainOfAgents(manager=False), text, {"worker": ""}).answer.text == "unanswerable"
