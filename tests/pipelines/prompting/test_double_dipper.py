from __future__ import annotations

import json
import re

import pytest

from pipelines.prompting.double_dipper import DoubleDipper
from tests.pipelines.conftest import run, story
from workbench.errors import InputError

TEXT = story(80)
QUESTION = "How many sheep does Person 3 keep?"


def example(prompt: str) -> str:
    person, sheep = re.search(r"Person (\d+) keeps (\d+)", prompt).groups()  # type: ignore[union-attr]
    return json.dumps({"question": f"Who keeps {sheep} sheep?", "answer": f"Person {person}"})


def test_examples_are_made_side_by_side_from_one_passage_each() -> None:
    ran = run(DoubleDipper(), TEXT, {"generate": example, "read": "Evidence: [1]\nAnswer: 21"})
    assert ran.steps() == ["generate"] * 3 + ["read"]
    assert ran.depth() == 2
    generating = ran.prompts("generate")
    assert len(set(generating)) == 3
    assert all(QUESTION not in prompt for prompt in generating)
    assert all(prompt.count("Person ") < 15 for prompt in generating)
    assert ran.answer.text == "21"
    assert [chunk.text[:9] for chunk in ran.answer.citations] == ["Person 0 "]


def test_the_last_prompt_holds_the_text_once_and_the_examples_with_their_evidence() -> None:
    ran = run(DoubleDipper(), TEXT, {"generate": example, "read": "21"})
    (read,) = ran.prompts("read")
    assert all(read.count(f"Person {i} keeps") == 1 for i in range(80))
    shots = re.findall(r"Question: Who keeps (\d+) sheep\?\nEvidence: \[(\d+)\]\nAnswer: Person (\d+)", read)
    assert len(shots) == 3
    for sheep, number, person in shots:
        assert int(sheep) == 7 * int(person)
        assert f"Person {person} keeps" in read.split(f"Passage {number}:\n")[1].split("\n\n")[0]
    assert read.rstrip().endswith(f"Question: {QUESTION}\nAnswer:")


def test_unparsable_examples_are_made_again_from_other_passages_at_most_twice() -> None:
    ran = run(DoubleDipper(examples=1), TEXT, {"generate": "no", "generate:reask": "no", "read": "21"})
    assert len(set(ran.prompts("generate"))) == 3
    assert len(ran.noted("example_unparsable")) == 3
    assert "Evidence: [" not in ran.prompts("read")[0].split("as in Evidence: [2]")[1]
    assert ran.answer.text == "21"


def test_without_examples_it_is_the_zero_shot_evidence_prompt() -> None:
    assert run(DoubleDipper(examples=0), TEXT, {"read": "21"}).steps() == ["read"]


def test_passages_are_drawn_from_the_seed() -> None:
    drawn = [
        run(DoubleDipper(), TEXT, {"generate": example, "read": "21"}, seed=s).prompts("generate") for s in (1, 1, 2)
    ]
    assert drawn[0] == drawn[1] != drawn[2]


def test_a_passage_of_one_sentence_makes_no_example() -> None:
    assert run(DoubleDipper(), "Only one sentence here.", {"read": "21"}).steps() == ["read"]


def test_a_reply_that_goes_on_with_questions_of_its_own_is_cut_there() -> None:
    goes_on = "Evidence: [1]\nAnswer: 21\n\nQuestion: Who keeps 28 sheep?\nEvidence: [2]\nAnswer: Person 4"
    ran = run(DoubleDipper(), TEXT, {"generate": example, "read": goes_on})
    assert ran.answer.text == "21"
    assert len(ran.answer.citations) == 1


def test_examples_that_no_passage_can_give_are_missing() -> None:
    ran = run(DoubleDipper(passage_tokens=16), story(4), {"read": "21"})  # one sentence a passage
    assert ran.steps() == ["read"] and ran.noted("examples_missing") == [3]


def test_examples_and_evidence_have_the_tokens_of_their_fields() -> None:
    replies = {"generate": example, "read": "21"}
    ran = run(DoubleDipper(), TEXT, replies, answer_tokens=64)
    assert (ran.limits("generate"), ran.limits("read")) == ({128}, {64 + 32})
    ran = run(DoubleDipper(example_tokens=500, evidence_tokens=200), TEXT, replies, answer_tokens=64)
    assert (ran.limits("generate"), ran.limits("read")) == ({500}, {64 + 200})


@pytest.mark.parametrize("field", ["example_tokens", "evidence_tokens"])
def test_a_reply_of_no_token_is_refused(field: str) -> None:
    with pytest.raises(InputError, match=f"{field}: 0"):
        DoubleDipper(**{field: 0})
