"""Structured replies: what can be read is read, what cannot is said why."""

from __future__ import annotations

import pytest
from pydantic import BaseModel

from workbench.llm.gateway import CallTag, Gateway
from workbench.llm.model import ChatRequest
from workbench.llm.scripted import ScriptedModel
from workbench.llm.structured import instruction, parse, reask, with_instruction
from workbench.records import Message


class Triple(BaseModel):
    subject: str
    relation: str
    object: str


class Triples(BaseModel):
    triples: list[Triple]


class Answer(BaseModel):
    text: str
    confident: bool = False


TAG = CallTag("r", "q", "c", "answer", "extract")
GOOD = '{"triples": [{"subject": "Ada", "relation": "wrote", "object": "Notes"}]}'


@pytest.mark.parametrize(
    "reply",
    [
        GOOD,
        f"```json\n{GOOD}\n```",
        f"Sure, here it is:\n```\n{GOOD}\n```\nAnything else?",
        f"Here: {GOOD} I hope that helps {{really}}.",
        GOOD.replace('"', "'"),
        GOOD[:-2],  # cut at the end
        GOOD.replace("}]", "},]"),  # trailing comma
        GOOD[len('{"triples": ') : -1],  # the list alone
    ],
)
def test_the_usual_slips_are_mended(reply: str) -> None:
    parsed, problem = parse(reply, Triples)
    assert isinstance(parsed, Triples)
    assert (parsed.triples[0].subject, problem) == ("Ada", "")


@pytest.mark.parametrize(
    "reply", ["", "I do not know.", "42", "[]", '"text"', "{", "{" * 2_000, "[" * 20_000, "a [1] b"]
)
def test_what_is_no_object_is_none(reply: str) -> None:
    parsed, problem = parse(reply, Answer)
    assert parsed is None
    assert problem


def test_the_problem_names_the_field() -> None:
    parsed, problem = parse('{"text": "x", "confident": "perhaps"}', Answer)
    assert parsed is None
    assert problem.startswith("confident:")


def test_the_last_of_several_objects_that_fits_is_not_lost_to_an_example_before_it() -> None:
    parsed, _ = parse('An example is {"foo": 1}. My answer:\n```json\n{"text": "yes"}\n```', Answer)
    assert isinstance(parsed, Answer)
    assert parsed.text == "yes"


def test_the_instruction_stands_at_the_very_end() -> None:
    before = (Message("system", "S"), Message("user", "U"))
    after = with_instruction(before, Answer)
    assert after[0] == before[0]
    assert after[1].content == "U" + instruction(Answer)


def test_a_reask_shows_the_reply_and_the_problem() -> None:
    messages = reask((Message("user", "U"),), "bad", "text: field required")
    assert [m.role for m in messages] == ["user", "assistant", "user"]
    assert messages[1].content == "bad"
    assert "text: field required" in messages[2].content


def test_what_a_model_thinks_is_no_reply() -> None:
    draft = GOOD.replace("Ada", "Babbage")
    for reply in (f"<think>Perhaps {draft}?</think>\n{GOOD}", f"Perhaps {draft}?</think>{GOOD}"):
        gateway = Gateway(ScriptedModel([reply]))
        parsed = gateway.complete(ChatRequest((Message("user", "Who?"),), 99), TAG, Triples).parsed
        assert isinstance(parsed, Triples) and [t.subject for t in parsed.triples] == ["Ada"]
