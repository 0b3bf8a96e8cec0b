"""A prompt that is too long for the server: recognised in its words, and cut until it fits."""

from __future__ import annotations

import pytest

from tests.servers.asking import LIMIT, Desk
from tests.servers.script import Situation
from tests.servers.server import Serving
from tests.servers.table import WIRES
from workbench.errors import ContextOverflow
from workbench.records import Message

WINDOW = 6_000  # the server's, in its tokens
SENTENCE = "It is said that a country has one capital and many towns. "
_MOST_TRIES = 4


def prompt(tokens: float) -> tuple[Message, ...]:
    """A prompt of about so many of the server's tokens."""
    return (Message("user", SENTENCE * int(tokens * 3.6 / len(SENTENCE))),)


@pytest.mark.parametrize("name", WIRES)
@pytest.mark.parametrize("reasoning", [None, {"tokens": 1_024}], ids=["plain", "with a reserve"])
@pytest.mark.parametrize("times", [1.1, 3.0])
def test_a_prompt_that_is_too_long_is_cut_until_it_fits(
    name: str, times: float, reasoning: object, serving: Serving
) -> None:
    wire = WIRES[name](Situation())
    wire.window = WINDOW
    if wire.cuts and times < 2:
        pytest.skip("a cut by a tenth cannot be told from another way to count")
    tries = 0
    with Desk(serving, wire, {"window": 40_000, "reasoning": reasoning}) as desk:
        messages = prompt(times * WINDOW)
        while isinstance((asked := desk.ask(messages)).outcome, ContextOverflow):
            tries += 1
            overflow = asked.error
            assert isinstance(overflow, ContextOverflow)
            assert overflow.fits is not None
            assert desk.gateway.lower_window(overflow), "the same prompt would be sent again"
            while (counted := desk.gateway.count_messages(messages) + LIMIT) > desk.model.window:
                text = messages[0].content
                kept = int(len(text) * (desk.model.window - LIMIT) / (counted - LIMIT))
                messages = (Message("user", text[: min(kept, len(text) - 1)]),)
    assert asked.reply.text == "The capital is Oslo."
    assert 1 <= tries <= wire.cuts_needed < _MOST_TRIES
    room = WINDOW - LIMIT - (1_024 if reasoning else 0)
    assert wire.made[-1].prompt >= wire.of_a_prompt_kept * room, "far more was cut than had to be"
