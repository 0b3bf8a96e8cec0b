from __future__ import annotations

import json

from pipelines.prompting.retrieve_then_reason import RetrieveThenReason
from tests.pipelines.conftest import make_context, run, story

TRUE, FALSE = "Person 3 keeps 21 sheep in the village of Place 3.", "Person 3 keeps goats."


def facts(*found: str) -> str:
    return json.dumps({"facts": list(found)})


def test_two_calls_and_the_second_sees_only_what_was_retrieved() -> None:
    ran = run(RetrieveThenReason(), story(20), {"retrieve": facts(TRUE), "reason": "21"})
    assert ran.steps() == ["retrieve", "reason"]
    assert ran.depth() == 2
    assert all(f"Person {i} keeps" in ran.prompts("retrieve")[0] for i in range(20))
    (reason,) = ran.prompts("reason")
    assert TRUE in reason and "Person 4 keeps" not in reason
    assert "How many sheep does Person 3 keep?" in reason


def test_hallucinated_facts_are_measured_and_kept_as_in_the_paper() -> None:
    ran = run(RetrieveThenReason(), story(20), {"retrieve": facts(TRUE, FALSE), "reason": "21"})
    assert ran.noted("hallucination_rate") == [0.5]
    assert FALSE in ran.prompts("reason")[0]


def test_hallucinated_facts_can_be_dropped() -> None:
    ran = run(RetrieveThenReason(hallucinated="drop"), story(20), {"retrieve": facts(FALSE, TRUE), "reason": "21"})
    assert FALSE not in ran.prompts("reason")[0] and TRUE in ran.prompts("reason")[0]


def test_a_fact_is_found_whatever_its_case_and_spacing_and_becomes_a_hit() -> None:
    context = make_context("Line one.\n\nAda   moved\nto Oslo.", "Another.")
    ran = run(RetrieveThenReason(), context, {"retrieve": facts("ada MOVED to Oslo."), "reason": "Oslo"})
    (hit,) = ran.answer.hits
    assert hit.chunk.text == "Ada   moved\nto Oslo."
    assert context.holds(hit.chunk)


def test_over_the_window_the_middle_is_left_out_and_counted() -> None:
    ran = run(RetrieveThenReason(), story(300), {"retrieve": facts(), "reason": "unanswerable"}, window=1_024)
    (prompt,) = ran.prompts("retrieve")
    assert "Person 0 keeps" in prompt and "Person 299 keeps" in prompt and "Person 150 keeps" not in prompt
    assert ran.answer.dropped_tokens > 2_500


def test_prose_instead_of_facts_is_used_as_it_is() -> None:
    ran = run(RetrieveThenReason(), story(5), {"retrieve": "It is 21.", "retrieve:reask": "It is 21.", "reason": "21"})
    assert ran.noted("facts_unparsable") == [True]
    assert "It is 21." in ran.prompts("reason")[0]


def test_a_fact_over_two_passages_is_no_hallucination() -> None:
    text = story(60)  # passages of 256 tokens end inside
    sentences = text.split(". ")
    over_an_end = ". ".join(sentences[:40])
    ran = run(RetrieveThenReason(), text, {"retrieve": facts(over_an_end), "reason": "21"})
    assert ran.noted("hallucination_rate") == [0.0]
    assert [hit.chunk.text for hit in ran.answer.hits] == [over_an_end]


def test_no_facts_at_all_is_noted() -> None:
    ran = run(RetrieveThenReason(), story(5), {"retrieve": '{"facts": []}', "reason": "unanswerable"})
    assert ran.noted("no_facts") == [True] and ran.noted("hallucination_rate") == []
