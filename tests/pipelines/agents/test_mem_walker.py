from __future__ import annotations

import json
import re
from typing import Any

import pytest

from pipelines.agents.mem_walker import MemWalker
from tests.pipelines.conftest import Ran, run, spread, story
from workbench.errors import InputError

TEXT = story(120)
BUILD: Any = {"leaf_summary": lambda prompt: f"Persons {_first(prompt)} and on.", "node_summary": "Many persons."}


def _first(prompt: str) -> str:
    return re.search(r"Person (\d+)", prompt).group(1)  # type: ignore[union-attr]


def go(number: int) -> str:
    return json.dumps({"reasoning": "it seems so", "action": number})


def says(found: bool, answer: str = "") -> str:
    return json.dumps({"found": found, "reasoning": "read", "answer": answer})


def walked(triage: list[str], leaf: list[str], **config: int) -> Ran:
    method = MemWalker(**{"segment_tokens": 100, "children": 4, **config})
    return run(method, TEXT, BUILD | {"triage": triage, "triage:reask": "x", "leaf": leaf, "leaf:reask": "x"})


def test_the_tree_has_a_call_per_node_and_a_level_per_wave() -> None:
    ran = walked([go(1)], [says(True, "21")])
    build = ran.steps("build")
    m = build.count("leaf_summary")
    assert m > 16
    sizes = [m]
    while sizes[-1] > 1:
        sizes.append(-(-sizes[-1] // 4))
    assert build.count("node_summary") == sum(sizes[1:])
    assert ran.depth("build") == len(sizes)
    assert spread(TEXT, ran.prompts("leaf_summary")) == [1] * 120
    assert all(prompt.count("Summary ") <= 4 for prompt in ran.prompts("node_summary"))


def test_a_straight_walk_is_depth_triages_and_one_leaf() -> None:
    ran = walked([go(1)], [says(True, "21")])
    depth = ran.depth("build") - 1
    assert ran.steps() == ["triage"] * depth + ["leaf"]
    assert ran.depth() == depth + 1
    assert ran.answer.text == "21"


def test_a_leaf_is_read_in_its_own_words_with_the_path_as_memory() -> None:
    ran = walked([go(1)], [says(True, "21")])
    (leaf,) = ran.prompts("leaf")
    assert "Person 0 keeps 0 sheep" in leaf
    assert leaf.count("Seen on the way here:") == ran.steps().count("triage") - 1
    assert "Many persons." in leaf


def test_a_wrong_turn_goes_back_to_the_parent_without_that_child() -> None:
    ran = walked([go(1), go(1), go(1), go(1)], [says(False), says(True, "21")])
    triages = ran.prompts("triage")
    assert ran.steps()[-3:] == ["leaf", "triage", "leaf"]
    assert ran.noted("leaves_read") == [2]
    before, after = triages[-2], triages[-1]
    assert before.count("Summary ") == after.count("Summary ") + 1
    assert "Persons 0 and on." in before and "Persons 0 and on." not in after


def test_three_invalid_choices_end_the_walk() -> None:
    ran = walked([go(99)], [says(True, "never")])
    assert ran.steps() == ["triage"] * 3
    assert ran.answer.text == "unanswerable"
    assert ran.noted("walk_ended") == ["three invalid actions"]


def test_the_calls_of_a_lost_walk_are_bounded() -> None:
    ran = walked([go(1)], [says(False)], calls=10)
    assert len(ran.steps()) == 10
    assert ran.noted("walk_ended") == ["calls spent"]


def test_an_exhausted_tree_has_no_answer() -> None:
    ran = run(MemWalker(), story(3), BUILD | {"leaf": says(False)})
    assert (ran.steps("build"), ran.steps()) == (["leaf_summary"], ["leaf"])
    assert ran.noted("walk_ended") == ["tree exhausted"]


@pytest.mark.parametrize("field", ["children", "calls"])
def test_odd_configurations_are_refused(field: str) -> None:
    with pytest.raises(ValueError, match="at least"):
        MemWalker(**{field: 0})


def test_a_triage_and_a_leaf_beside_its_answer_have_the_tokens_of_their_field() -> None:
    ran = walked([go(1)], [says(True, "21")])
    assert (ran.limits("triage"), ran.limits("leaf")) == ({400}, {400 + 64})
    ran = walked([go(1)], [says(True, "21")], reply_tokens=900)
    assert (ran.limits("triage"), ran.limits("leaf")) == ({900}, {900 + 64})
    with pytest.raises(InputError, match="reply_tokens: 0"):
        MemWalker(reply_tokens=0)
