"""Requests with more in them: options of the file, many at once, and roles that a model's template does not know."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.servers.asking import QUICK, Desk, in_file
from tests.servers.script import Situation
from tests.servers.server import Answer, Body, Serving
from tests.servers.table import WIRES
from workbench.llm.gateway import CallTag, Gateway
from workbench.llm.model import ChatRequest
from workbench.records import Message, Reply

EVERY = pytest.mark.parametrize("name", WIRES)
MANY = 12
_SEARCH = 12  # requests that finding out takes at most


@EVERY
@pytest.mark.parametrize("options", [{"top_p": 0.9}, {"top_p": 1.0}, {"temperature": 0.7, "top_p": 0.9}], ids=str)
def test_sampling_is_asked_for_and_what_is_not_taken_is_recorded(
    name: str, options: dict[str, float], serving: Serving
) -> None:
    wire = WIRES[name]()
    with Desk(serving, wire, in_file(**options)) as desk:
        asked = desk.ask(temperature=options.get("temperature", 0.0))
    assert asked.reply.text == "The capital is Oslo."
    missing = {field for field in ("temperature", "top_p") if field not in wire.seen}
    assert missing <= set(asked.record.left_out)


@pytest.mark.parametrize("name", [name for name, wire in WIRES.items() if wire.thinks])
@pytest.mark.parametrize("effort", [None, "high"])
def test_thinking_is_not_what_is_given_up_for_sampling(name: str, effort: str | None, serving: Serving) -> None:
    wire = WIRES[name](Situation(thinks=100))
    wire.window = 80_000
    reasoning = {"effort": effort} if effort else {"tokens": 2_048}
    with Desk(serving, wire, in_file(top_p=0.9, reasoning=reasoning, window=80_000)) as desk:
        asked = desk.ask()
    assert asked.reply.text == "The capital is Oslo."
    assert wire.made[-1].thinking == 100


@EVERY
def test_many_first_calls_at_once_find_out_together(name: str, serving: Serving) -> None:
    wire = WIRES[name](Situation(thinks=100))
    requests = [ChatRequest((Message("user", f"Question {n}?"),), 256, seed=3) for n in range(MANY)]
    tags = [CallTag("run", f"q{n}", "ctx", "answer", "answer", (), f"c{n}") for n in range(MANY)]
    with Desk(serving, wire, in_file()) as desk:
        gateway = Gateway(desk.model, concurrency=MANY, retry=QUICK)
        outcomes = gateway.complete_many(requests, tags)
        gateway.close()
        sent = len(desk.chats)
    assert [type(outcome) for outcome in outcomes] == [Reply] * MANY
    assert len(wire.made) == MANY
    assert sent <= 2 * MANY + _SEARCH


@pytest.mark.parametrize("status", [400, 500])
@pytest.mark.parametrize("name", ["vllm", "llamacpp", "ollama", "tgi"])
def test_a_template_without_a_system_role_gets_its_text_with_the_users(
    name: str, status: int, serving: Serving
) -> None:
    base: Any = WIRES[name]

    class Gemma(base):  # type: ignore[misc]
        def dislikes(self, body: Body) -> Iterator[Answer]:
            """The template's own words."""
            if any(message["role"] == "system" for message in body["messages"]):
                yield self.error(status, "Jinja Exception: System role not supported")
            yield from super().dislikes(body)

    wire = Gemma()
    with Desk(serving, wire, in_file()) as desk:
        first, second = desk.ask(), desk.ask()
    assert first.reply.text == second.reply.text == "The capital is Oslo."
    assert wire.seen["messages"] == [{"role": "user", "content": "Be brief.\n\nWhat is the capital of Norway?"}]
    assert "system" in second.record.left_out


@EVERY
def test_fields_of_the_file_are_passed_on(name: str, serving: Serving) -> None:
    wire = WIRES[name]()
    wire_takes_all = wire.takes is None
    with Desk(serving, wire, in_file(extra_body={"made_up": {"deep": 1}})) as desk:
        asked = desk.ask()
    assert desk.chats[-1].body["made_up"] == {"deep": 1}
    assert isinstance(asked.outcome, Reply) == wire_takes_all, asked.outcome
    if not wire_takes_all:
        assert "made_up" in str(asked.error), "the refusal names what the file asks for"
