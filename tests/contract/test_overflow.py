"""A question that leaves no room is found out before the first call that is paid for, not after the index was read."""

from __future__ import annotations

import pytest

from tests.contract.formulas import CASES
from tests.contract.test_every_method import METHODS, NAMES, garbage, likely, likely_prompt
from tests.pipelines.conftest import make_context, make_rig, story
from workbench.engine.bench import ExperimentBench
from workbench.errors import ContextOverflow
from workbench.records import Question

WINDOW = 1_024
TEXT = make_context(story(40))  # some parts at any of these rooms


VOICES = {"garbage": garbage, "refusals": "unanswerable"}


@pytest.mark.parametrize("voice", ["garbage", "refusals", "script"])  # each takes other branches
@pytest.mark.parametrize("answer_tokens", [32, 300])  # the last prompt is the widest, or the tightest
@pytest.mark.parametrize("name", NAMES)
def test_a_question_without_room_costs_nothing(name: str, answer_tokens: int, voice: str) -> None:
    replies = VOICES.get(voice, CASES[name].replies)
    options = {"window": WINDOW, "answer_tokens": answer_tokens, "logprobs": likely, "prompt_logprobs": likely_prompt}
    rig = make_rig(TEXT, replies, phase="build", **options)  # type: ignore[arg-type]
    method = METHODS[name]()
    state = method.build(TEXT, rig.bench)
    overflows = 0
    for length in range(200, WINDOW, 31):
        rig.made.clear()
        bench = ExperimentBench(rig.equipment, TEXT, phase="answer", question_id="q")
        question = Question("q", "why " * length, TEXT.context_id, ("GOLD-ANSWER",)).blind()
        try:
            method.answer(question, state, bench)
        except ContextOverflow:
            overflows += 1
            sent = [made.step for made in rig.made if made.call.error is None]
            assert sent == [], f"paid for before a question of {length} tokens was found too long"
        assert all(made.call.prompt_tokens < WINDOW for made in rig.made if made.call.error is None)
    assert overflows
