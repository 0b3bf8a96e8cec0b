"""Structured replies on every wire: in the best of the forms that its provider takes."""

from __future__ import annotations

import pytest
from pydantic import BaseModel

from tests.servers.asking import Desk, in_file
from tests.servers.script import Situation, form_of
from tests.servers.server import Serving
from tests.servers.table import WIRES
from workbench.records import Message

EVERY = pytest.mark.parametrize("name", WIRES)
SAID = '{"city": "Oslo", "sure": true}'
LADDER = ("json_schema", "json_object_schema", "json_object", "guided_json", "tool", "prompt")


class City(BaseModel):
    """A city."""

    city: str
    sure: bool


@EVERY
@pytest.mark.parametrize("stream", [True, False], ids=["streamed", "whole"])
def test_a_schema_is_said_in_the_best_form_that_the_provider_takes(name: str, stream: bool, serving: Serving) -> None:
    wire = WIRES[name](Situation(says=SAID))
    with Desk(serving, wire, in_file(stream=stream)) as desk:
        asked = desk.ask(schema=City)
        number = len(desk.chats)
        again = desk.ask((Message("user", "And of Denmark?"),), schema=City)
        assert len(desk.chats) == number + 1, "what was found out was forgotten"
    assert asked.reply.parsed == again.reply.parsed == City(city="Oslo", sure=True)
    best = next(form for form in LADDER if form in (*wire.forms, "prompt"))
    assert form_of(wire.seen) == best
    asks = wire.provider != "anthropic"  # its API has no form for it
    assert ("response_format" in asked.record.left_out) == (asks and best != "json_schema")
    assert asked.record.left_out == again.record.left_out
    assert asked.record.attempts == 1


@pytest.mark.parametrize("name", [name for name, wire in WIRES.items() if wire.thinks])
def test_a_model_may_think_before_it_says_something_structured(name: str, serving: Serving) -> None:
    wire = WIRES[name](Situation(says=SAID, thinks=400))
    with Desk(serving, wire, in_file(reasoning={"tokens": 4_096})) as desk:
        asked = desk.ask(schema=City)
    assert asked.reply.parsed == City(city="Oslo", sure=True)
    assert "reasoning" not in asked.record.left_out or wire.made[-1].thinking == 400
