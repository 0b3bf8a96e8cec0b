"""What providers are told so that they keep the beginning of prompts, and what they take for a reply."""

from __future__ import annotations

from typing import Any

import pytest

from tests.servers.asking import Desk, in_file
from tests.servers.script import Made, Situation, text_of
from tests.servers.server import Serving
from tests.servers.table import WIRES
from tests.servers.test_wires import SHARED
from workbench.llm.providers.prompt_caches import wants_marks

MARKED = [name for name, wire in WIRES.items() if wants_marks(wire.provider, wire.model)]


@pytest.mark.parametrize("name", MARKED)
@pytest.mark.parametrize("ttl", ["5m", "1h"])
def test_what_is_marked_is_written_once_and_read_afterwards(name: str, ttl: str, serving: Serving) -> None:
    wire = WIRES[name]()
    with Desk(serving, wire, in_file(cache={"ttl": ttl})) as desk:
        first, second = desk.ask(SHARED).record, desk.ask(SHARED).record
        body = desk.chats[-1].body
    marked = wire.made[0].written
    assert marked > wire.least_cached  # type: ignore[attr-defined]
    assert (first.cached_tokens, first.cache_write_tokens) == (0, marked)
    assert (second.cached_tokens, second.cache_write_tokens) == (marked, 0)
    assert first.prompt_tokens == second.prompt_tokens == wire.made[0].prompt
    assert first.left_out == second.left_out
    assert not {"cache_control"} & set(first.left_out)
    blocks = [block for message in body["messages"] for block in message["content"] if isinstance(block, dict)]
    marks = [block["cache_control"] for block in blocks if "cache_control" in block]
    assert marks == [{"type": "ephemeral", **({"ttl": "1h"} if ttl == "1h" else {})}]
    assert text_of(body["messages"][-1]["content"]) == SHARED[-1].content


def test_counts_that_leave_the_cached_part_out_are_made_whole(serving: Serving) -> None:
    base: Any = WIRES["litellm"]

    class Older(base):  # type: ignore[misc]
        def usage(self, made: Made) -> dict[str, Any]:
            """As earlier versions told it in streams."""
            report: dict[str, Any] = super().usage(made)
            left = made.prompt - made.cached - made.written
            return {**report, "prompt_tokens": left, "total_tokens": left + made.completion}

    wire = Older()
    with Desk(serving, wire, in_file()) as desk:
        first, second = desk.ask(SHARED).record, desk.ask(SHARED).record
    made = wire.made[0]
    assert (first.prompt_tokens, first.cache_write_tokens) == (made.prompt, made.written)
    assert (second.prompt_tokens, second.cached_tokens) == (made.prompt, made.written)
    assert first.contradiction == second.contradiction == ""


@pytest.mark.parametrize("name", WIRES)
def test_nothing_is_marked_where_the_cache_is_off(name: str, serving: Serving) -> None:
    wire = WIRES[name]()
    with Desk(serving, wire, in_file(cache=False)) as desk:
        desk.ask(SHARED)
        body = desk.chats[-1].body
    assert "cache_control" not in str(body)
    assert "prompt_cache_key" not in body
    assert wire.made[-1].written == 0


@pytest.mark.parametrize("name", ["openai", "openai-thinking"])
def test_prompts_that_begin_alike_have_one_name(name: str, serving: Serving) -> None:
    wire = WIRES[name]()
    with Desk(serving, wire, in_file()) as desk:
        desk.ask(SHARED)
        desk.ask()
        keys = [seen.body.get("prompt_cache_key") for seen in desk.chats]
    assert keys[-1] is None
    assert keys[0]


@pytest.mark.parametrize("name", [name for name, wire in WIRES.items() if wire.told_cost])
def test_what_a_provider_takes_for_a_reply_is_recorded(name: str, serving: Serving) -> None:
    wire = WIRES[name](Situation(thinks=300))
    with Desk(serving, wire, in_file(reasoning={"tokens": 2_048})) as desk:
        call = desk.ask().record
    made = wire.made[-1]
    assert call.told_cost_usd == pytest.approx((made.prompt + made.completion) * 1e-6)
    assert call.cost_usd == call.told_cost_usd  # no price was given
