from __future__ import annotations

import json
from typing import Any

import pytest

from pipelines.agents.long_agent import LongAgent
from tests.pipelines.conftest import Ran, run, spread, story
from workbench.errors import InputError

TEXT = story(100)
START = '{"instruction": "ASK-ONE"}'


def decide(action: str, **fields: Any) -> str:
    return json.dumps({"action": action, "answer": "", "members": [], "instruction": "", **fields})


def led(decisions: list[str], member: Any = "21", conflict: str = "21", **config: int) -> Ran:
    replies = {"start": START, "member": member, "decide": decisions, "conflict": conflict, "end": "FORCED"}
    return run(LongAgent(chunk_tokens=300, **config), TEXT, replies)


def test_leader_members_leader_answer() -> None:
    ran = led([decide("answer", answer="21 sheep")])
    n = ran.steps().count("member")
    assert n >= 4
    assert ran.steps() == ["start"] + ["member"] * n + ["decide"]
    assert ran.depth() == 3
    assert ran.answer.text == "21 sheep"


def test_the_leader_sees_no_text_and_a_member_sees_one_part_and_no_task() -> None:
    ran = led([decide("answer", answer="21")], member=["seven", "eleven", "[not mentioned]"])
    assert all("in the village of" not in p for p in ran.prompts("start") + ran.prompts("decide"))
    assert spread(TEXT, ran.prompts("member")) == [1] * 100
    assert all("ASK-ONE" in p and "How many sheep does Person 3 keep?" not in p for p in ran.prompts("member"))
    (decided,) = ran.prompts("decide")
    n = ran.steps().count("member")
    assert "Member 1: seven" in decided and "Member 2: eleven" in decided
    assert f"{n - 2} members found nothing." in decided


def test_the_same_response_is_shown_once() -> None:
    ran = led([decide("answer", answer="21")], member="just the same")
    assert ran.prompts("decide")[0].count("just the same") == 1


def test_a_new_state_asks_all_members_again() -> None:
    ran = led([decide("new_state", instruction="ASK-TWO"), decide("answer", answer="21")])
    n = ran.steps().count("member") // 2
    assert ran.steps() == ["start"] + (["member"] * n + ["decide"]) * 2
    assert ran.depth() == 5
    assert ["ASK-TWO" in p for p in ran.prompts("member")] == [False] * n + [True] * n


def test_the_leader_remembers_what_was_asked_and_replied_before() -> None:
    first, second = decide("new_state", instruction="ASK-TWO"), decide("new_state", instruction="ASK-THREE")
    replies = iter(f"REPLY-{number}." for number in range(99))
    ran = led([first, second, second], member=lambda prompt: next(replies), rounds=3)
    n = ran.steps().count("member") // 3
    for rounds, prompt in enumerate((*ran.prompts("decide"), *ran.prompts("end")), 1):
        told = [f"REPLY-{i}." in prompt for i in range(3 * n)]
        assert told == [i < rounds * n for i in range(3 * n)]
        asked = [prompt.find(f"all members: ASK-{name}") for name in ("ONE", "TWO", "THREE")][:rounds]
        assert asked == sorted(asked) and asked[0] > -1


def test_of_a_talk_too_long_the_last_round_is_shown() -> None:
    ran = run(
        LongAgent(chunk_tokens=300, response_tokens=120),
        TEXT,
        {
            "start": START,
            "member": lambda prompt: f"{prompt[:40]} " + "and so on " * 30,
            "decide": decide("new_state", instruction="ASK-TWO"),
            "end": "FORCED",
        },
        window=1_300,
    )
    assert ran.noted("rounds_left_out")
    assert "ASK-TWO" in ran.prompts("end")[0] and "ASK-ONE" not in ran.prompts("end")[0]


def test_a_conflict_makes_pairs_read_both_parts() -> None:
    ran = led([decide("conflict", members=[1, 3]), decide("answer", answer="21")], conflict="AGREED")
    n = ran.steps().count("member")
    assert ran.steps() == ["start"] + ["member"] * n + ["decide", "conflict", "decide"]
    (shared,) = ran.prompts("conflict")
    members = ran.prompts("member")
    parts = [member[: member.index("The text above is all")].removeprefix("<user>\n").strip() for member in members]
    assert [part in shared for part in parts] == [i in (0, 2) for i in range(n)]
    assert "Member 1, 3: AGREED" in ran.prompts("decide")[1]


def test_rounds_are_capped_by_one_forced_call() -> None:
    ran = led([decide("new_state", instruction="MORE")], rounds=2)
    n = ran.steps().count("member") // 2
    assert ran.steps() == ["start"] + (["member"] * n + ["decide"]) * 2 + ["end"]
    assert ran.answer.text == "FORCED"
    assert ran.noted("forced_end") == [True]


def test_a_decision_without_a_next_step_is_forced_to_end() -> None:
    for decision in (decide("conflict", members=[1, 99]), decide("new_state"), decide("answer")):
        ran = led([decision])
        assert ran.steps()[-1] == "end" and ran.answer.text == "FORCED"
        assert ran.noted("no_next_step")


def test_unparsable_leaders() -> None:
    replies = {"start": "x", "start:reask": "x", "member": "21", "decide": "x", "decide:reask": "x", "end": "F"}
    ran = run(LongAgent(), story(5), replies)
    assert ran.answer.text == "F"
    assert ran.noted("no_instruction") and ran.noted("decision_unparsable")
    assert "How many sheep does Person 3 keep?" in ran.prompts("member")[0]


def test_an_empty_context_has_no_members() -> None:
    assert run(LongAgent(), "", {"start": START, "end": "unanswerable"}).steps() == ["start", "end"]


def test_a_decision_has_the_tokens_of_its_field_beside_its_answer() -> None:
    assert led([decide("answer", answer="21")]).limits("decide") == {256 + 64}
    assert led([decide("answer", answer="21")], decision_tokens=700).limits("decide") == {700 + 64}
    with pytest.raises(InputError, match="decision_tokens: 0"):
        LongAgent(decision_tokens=0)
