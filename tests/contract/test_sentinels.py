"""A reply that quotes a method's mark for "nothing here" says something: only the whole reply is the mark."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.contract.formulas import MEM_WALK
from tests.contract.test_every_method import METHODS
from tests.pipelines.conftest import run, story

QUOTING = "Person 3 wrote [NO INFORMATION], [NOT MENTIONED] and unanswerable on 21 signs"
NOTE = {"extracted_information": QUOTING, "rationale": QUOTING, "answer": QUOTING, "confidence": 4}
MARKS = {"map_reduce": "[No information].", "llm_map_reduce": "[No information].", "long_agent": "[not mentioned]"}
# the step that may say that there is nothing, the reply around it, and the other steps
STEPS: dict[str, tuple[str, Any, dict[str, str]]] = {
    "chain_of_agents_merge": ("worker", str, {}),
    "llm_map_reduce": ("map", lambda said: json.dumps({**NOTE, "answer": said}), {"reduce": "x"}),
    "long_agent": ("member", str, {"start": '{"instruction": "i"}', "decide": "x", "decide:reask": "x", "end": "x"}),
    "map_reduce": ("map", str, {"reduce": "x"}),
    "mem_walker": ("leaf", lambda said: json.dumps({"found": True, "reasoning": "", "answer": said}), MEM_WALK),
    "refine": ("answer", str, {"refine": "unanswerable"}),
}


def last_words(name: str, said: str) -> str:
    """What the method ends on when the step says this: its last prompt, where it rests on notes, and its answer."""
    step, rendered, others = STEPS[name]
    ran = run(METHODS[name](), story(20), {**others, step: rendered(said)})
    notes = ran.made[-1].prompt if ran.made[-1].step in ("reduce", "end") else ""
    return notes + ran.answer.text


@pytest.mark.parametrize("name", STEPS)
def test_a_reply_that_quotes_the_mark_is_used(name: str) -> None:
    assert QUOTING in last_words(name, QUOTING)


@pytest.mark.parametrize("name", STEPS)
def test_the_mark_itself_is_nothing(name: str) -> None:
    mark = MARKS.get(name, "Unanswerable. ")
    ended = last_words(name, mark)
    assert QUOTING not in ended
    assert mark.strip() not in ended
