"""Thinking on every wire: with room for it, without, by effort, and switched off."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from tests.servers.asking import Asked, Desk, in_file
from tests.servers.script import Situation
from tests.servers.server import Serving
from tests.servers.table import WIRES
from tests.servers.wire import ChatWire
from workbench.errors import NoText
from workbench.records import Call

THINKERS = [name for name, wire in WIRES.items() if wire.thinks]
EVERY = pytest.mark.parametrize("name", THINKERS)


def check(asked: Asked, wire: ChatWire) -> Call:
    """The visible text is right, and the thoughts are logged and counted. Returns the record."""
    made, call = wire.made[-1], asked.record
    assert asked.reply.text == "The capital is Oslo."
    assert call.ended == "answered"
    assert call.completion_tokens == made.completion or not wire.tells_usage
    shown = wire.carried(wire.seen).shows
    assert call.thoughts.strip() == (made.thoughts.strip() if shown else "")
    if wire.tells_reasoning:
        assert (call.reasoning_tokens, call.reasoning_source) == (made.thinking, "server")
    elif shown:
        assert call.reasoning_source == "estimated"
        assert made.thinking / 2 <= call.reasoning_tokens <= made.completion
    return call


@EVERY
@pytest.mark.parametrize("stream", [True, False], ids=["streamed", "whole"])
@pytest.mark.parametrize("thinks", [400, 3_000])
def test_with_room_for_its_thoughts_a_model_answers(name: str, thinks: int, stream: bool, serving: Serving) -> None:
    wire = WIRES[name](Situation(thinks=thinks))
    with Desk(serving, wire, in_file(reasoning={"tokens": 4_096}, stream=stream)) as desk:
        call = check(desk.ask(), wire)
    assert wire.made[-1].thinking == thinks, "it was not told to think"
    if call.first_token_s is not None:
        assert 0 < call.first_token_s <= call.total_s


@EVERY
@pytest.mark.parametrize("effort", ["minimal", "low", "xhigh"])
def test_an_effort_is_said_in_a_form_that_the_provider_takes(name: str, effort: str, serving: Serving) -> None:
    wire = WIRES[name](Situation(thinks=600))
    wire.window = 200_000
    with Desk(serving, wire, in_file(reasoning={"effort": effort}, window=150_000)) as desk:
        check(desk.ask(), wire)


@EVERY
@pytest.mark.parametrize("thinks", [1_000, 3_000])
def test_without_room_the_reply_is_empty_and_the_advice_mends_it(name: str, thinks: int, serving: Serving) -> None:
    wire = WIRES[name](Situation(thinks=thinks))
    if not wire.thinks_unasked and wire.asks_to_think is None:
        pytest.skip("it thinks only in a budget of its own")
    told: dict[str, Any] = dict(wire.asks_to_think or {})
    with Desk(serving, wire, in_file(**told)) as desk:
        asked = desk.ask()
    if wire.carried(wire.seen).told.startswith("in the text, up to"):
        assert asked.record.ended == "cut"  # thoughts that nothing marks cannot be told from an answer
        return
    assert isinstance(asked.error, NoText), asked.outcome
    assert asked.record.ended == "empty"
    assert asked.record.attempts == 1
    assert asked.error.advice.startswith("reasoning:")
    assert asked.error.advice in str(asked.error)
    options = yaml.safe_load(asked.error.advice)
    followed = WIRES[name](Situation(thinks=thinks))
    with Desk(serving, followed, in_file(**told, **options)) as desk:
        check(desk.ask(), followed)


@EVERY
@pytest.mark.parametrize("stream", [True, False], ids=["streamed", "whole"])
def test_a_model_that_only_thinks_has_not_answered(name: str, stream: bool, serving: Serving) -> None:
    wire = WIRES[name](Situation(thinks=500, says=""))
    with Desk(serving, wire, in_file(reasoning={"tokens": 4_096}, stream=stream)) as desk:
        asked = desk.ask()
    if wire.carried(wire.seen).told.startswith("in the text, up to"):
        assert asked.record.ended == "cut"  # nothing tells these thoughts from an answer, which is too long for one
        return
    assert isinstance(asked.error, NoText), asked.outcome
    assert (asked.record.ended, asked.error.advice) == ("empty", "reasoning: off")
    assert asked.record.completion_tokens >= 500 or not wire.tells_usage


@pytest.mark.parametrize("name", WIRES)
def test_a_model_that_says_nothing_and_thinks_nothing_has_chosen_to(name: str, serving: Serving) -> None:
    wire = WIRES[name](Situation(says=""))
    with Desk(serving, wire, in_file()) as desk:
        asked = desk.ask()
    assert asked.reply.text == ""
    assert asked.record.ended == "empty"


def test_what_is_known_of_claude_needs_no_search(serving: Serving) -> None:
    wire = WIRES["anthropic"](Situation(thinks=400))
    with Desk(serving, wire, in_file(reasoning={"tokens": 4_096})) as desk:
        call = desk.ask().record
        assert len(desk.chats) == 1
    assert "temperature" not in wire.seen
    assert call.left_out == ()


@pytest.mark.parametrize("name", [name for name in THINKERS if WIRES[name].can_stop_thinking])
def test_thinking_can_be_switched_off(name: str, serving: Serving) -> None:
    wire = WIRES[name](Situation(thinks=3_000))
    with Desk(serving, wire, in_file(reasoning=False)) as desk:
        asked = desk.ask()
    assert asked.reply.text == "The capital is Oslo."
    assert wire.made[-1].thinking == 0
    assert (asked.record.ended, asked.record.thoughts, asked.record.reasoning_tokens) == ("answered", "", 0)


@EVERY
def test_a_small_reserve_is_one_that_the_provider_takes(name: str, serving: Serving) -> None:
    wire = WIRES[name](Situation(thinks=300))
    with Desk(serving, wire, in_file(reasoning={"tokens": 512})) as desk:
        check(desk.ask(), wire)
