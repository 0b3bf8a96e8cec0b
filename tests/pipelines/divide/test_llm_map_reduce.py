from __future__ import annotations

import json

from pipelines.divide.llm_map_reduce import CALIBRATION, NOTHING, LlmMapReduce
from tests.pipelines.conftest import run, spread, story

TEXT = story(90)


def note(information: str, answer: str = "21", confidence: float = 4.0) -> str:
    return json.dumps(
        {"extracted_information": information, "rationale": "so it is", "answer": answer, "confidence": confidence}
    )


def test_maps_run_side_by_side_and_one_call_reduces() -> None:
    ran = run(LlmMapReduce(chunk_tokens=1_000), TEXT, {"map": note("INFO", confidence=3.5), "reduce": "21"})
    n = ran.steps().count("map")
    assert n >= 2
    assert ran.steps() == ["map"] * n + ["reduce"]
    assert ran.depth() == 2
    assert all(made.parents == () for made in ran.made if made.step == "map")
    assert spread(TEXT, ran.prompts("map")) == [1] * 90
    (reduce,) = ran.prompts("reduce")
    assert reduce.count("Confidence: 3.5 of 5") == n
    assert [f"Notes {i}:" in reduce for i in range(1, n + 2)] == [True] * n + [False]


def test_every_stage_is_shown_how_confidence_is_scored() -> None:
    long = note("word " * 150)
    ran = run(
        LlmMapReduce(chunk_tokens=1_000), TEXT, {"map": long, "collapse": note("short"), "reduce": "21"}, window=1_024
    )
    assert {"map", "collapse", "reduce"} == set(ran.steps())
    assert all(CALIBRATION in made.prompt for made in ran.made)
    for field in ("extracted_information", "rationale", "answer", "confidence"):
        assert all(field in prompt for prompt in ran.prompts("map") + ran.prompts("collapse"))


def test_notes_over_the_window_are_collapsed_in_groups_side_by_side() -> None:
    ran = run(
        LlmMapReduce(chunk_tokens=1_000), story(300),
        {"map": note("word " * 150), "collapse": note("short"), "reduce": "x"}, window=1_024,
    )  # fmt: skip
    n, groups = ran.steps().count("map"), ran.steps().count("collapse")
    held = [prompt.count("Extracted information:") for prompt in ran.prompts("collapse")]
    assert sum(held) == n and groups == len(held) < n
    assert ran.depth() == 3  # 2 + one level
    assert ran.prompts("reduce")[0].count("short") == groups


def test_a_part_with_nothing_is_dropped_but_one_that_quotes_the_mark_is_not() -> None:
    replies = [note("KEPT", answer=f"not {NOTHING}"), note("", answer=NOTHING), note("GONE", answer=NOTHING)]
    ran = run(LlmMapReduce(chunk_tokens=1_000), TEXT, {"map": replies, "reduce": "21"})
    (reduce,) = ran.prompts("reduce")
    assert "KEPT" in reduce and "GONE" not in reduce
    assert "Notes 2:" not in reduce


def test_with_nothing_anywhere_the_reduce_call_still_runs_and_it_is_noted() -> None:
    ran = run(LlmMapReduce(chunk_tokens=1_000), TEXT, {"map": note("", NOTHING), "reduce": "unanswerable"})
    assert ran.noted("all_notes_empty") == [ran.steps().count("map")]
    assert ran.steps()[-1] == "reduce"


def test_an_unparsable_note_is_kept_as_it_is() -> None:
    ran = run(
        LlmMapReduce(), story(5), {"map": "Person 3 keeps 21.", "map:reask": "Person 3 keeps 21.", "reduce": "21"}
    )
    assert ran.noted("map_unparsable") == [1]
    assert "Person 3 keeps 21." in ran.prompts("reduce")[0]
    assert ran.answer.text == "21"


def test_an_answer_without_evidence_is_kept_and_what_is_dropped_is_counted() -> None:
    replies = [note("", answer="21 sheep"), note("", answer="", confidence=0), note("GONE", answer=NOTHING)]
    ran = run(LlmMapReduce(chunk_tokens=900), TEXT, {"map": replies, "reduce": "21"})
    n = ran.steps().count("map")
    assert n > 2
    assert ran.noted("notes_empty") == [n - 1]
    assert "21 sheep" in ran.prompts("reduce")[0]
