from __future__ import annotations

import json

import pytest

from pipelines.divide.segment_plus import SegmentPlus
from tests.pipelines.conftest import run, spread, story
from workbench.errors import InputError

TEXT = story(90)
KEEP, REMOVE = '{"label": "keep"}', '{"label": "remove"}'


def note(evidence: str) -> str:
    return json.dumps({"evidence": evidence, "reasoning": "it says so"})


def test_gather_then_filter_then_read() -> None:
    ran = run(SegmentPlus(segment_tokens=400), TEXT, {"gather": note("EV"), "filter": KEEP, "read": "21"})
    n = ran.steps().count("gather")
    assert n >= 3
    assert ran.steps() == ["gather"] * n + ["filter"] * n + ["read"]
    assert ran.depth() == 3
    assert spread(TEXT, ran.prompts("gather")) == [1] * 90
    assert all(prompt.count("EV") == 1 and "sheep in the village" not in prompt for prompt in ran.prompts("filter"))
    assert ran.prompts("read")[0].count("EV") == n


def test_a_removed_note_never_appears_again() -> None:
    ran = run(
        SegmentPlus(segment_tokens=400), TEXT,
        {"gather": [note("ONE"), note("TWO"), note("THREE")], "filter": [KEEP, REMOVE, KEEP], "read": "21"},
    )  # fmt: skip
    (read,) = ran.prompts("read")
    assert "ONE" in read and "THREE" in read and "TWO" not in read


def test_with_all_notes_removed_all_are_read() -> None:
    ran = run(SegmentPlus(segment_tokens=400), TEXT, {"gather": note("EV"), "filter": REMOVE, "read": "21"})
    n = ran.steps().count("gather")
    assert ran.noted("all_notes_removed") == [n]
    assert ran.prompts("read")[0].count("EV") == n


def test_notes_over_the_window_are_merged_in_order_side_by_side() -> None:
    numbered = [note(f"N{i} " + "word " * 100) for i in range(30)]
    ran = run(
        SegmentPlus(segment_tokens=400, note_tokens=150), story(300),
        {"gather": numbered, "filter": KEEP, "merge": note("merged"), "read": "x"}, window=1_024,
    )  # fmt: skip
    n, merges = ran.steps().count("gather"), ran.prompts("merge")
    order = [i for prompt in merges for i in range(n) if f"N{i} " in prompt]
    assert order == list(range(n))
    assert ran.depth() == 4  # 3 + one level
    assert ran.prompts("read")[0].count("merged") == len(merges)


def test_unparsable_notes_and_labels_are_kept_and_noted() -> None:
    broken = {"gather": "prose", "gather:reask": "prose", "filter": "well", "filter:reask": "well", "read": "21"}
    ran = run(SegmentPlus(), story(5), broken)
    assert (ran.noted("gather_unparsable"), ran.noted("filter_unparsable")) == ([1], [1])
    assert "prose" in ran.prompts("read")[0]


def test_a_label_in_words_counts() -> None:
    def judge(prompt: str) -> str:
        return "Keep it, do not remove it." if "SECOND" in prompt else "I would REMOVE this; nothing to keep."

    notes = [json.dumps({"evidence": name, "reasoning": "r"}) for name in ("FIRST", "SECOND", "THIRD")]
    replies = {"gather": notes, "filter": judge, "filter:reask": judge, "read": "21"}
    (prompt,) = run(SegmentPlus(segment_tokens=200), story(35), replies).prompts("read")
    assert "SECOND" in prompt and "FIRST" not in prompt and "THIRD" not in prompt


def test_a_label_has_the_tokens_of_its_field() -> None:
    replies = {"gather": note("EV"), "filter": KEEP, "read": "21"}
    assert run(SegmentPlus(), story(5), replies).limits("filter") == {64}
    assert run(SegmentPlus(label_tokens=500), story(5), replies).limits("filter") == {500}
    with pytest.raises(InputError, match="label_tokens: 0"):
        SegmentPlus(label_tokens=0)
