from __future__ import annotations

from math import ceil

from pipelines.divide.recursive_summary import RecursiveSummary
from tests.pipelines.conftest import run, spread, story

TEXT = story(120)


def test_summaries_then_merges_until_one_is_left_then_one_call_reads_it() -> None:
    # summaries of 40 tokens in a room of about 140: three a group
    method = RecursiveSummary(chunk_tokens=200, summary_tokens=40)
    ran = run(method, TEXT, {"summarise": "sheep " * 30, "merge": "flock " * 30, "read": "21"}, window=300)
    build = ran.steps("build")
    n = build.count("summarise")
    assert n >= 8
    sizes = [n]
    merges = build.count("merge")
    while sum(sizes[1:]) < merges:
        sizes.append(sum(f"Summary {1}:" in p for p in _level(ran.prompts("merge"), sizes)))
    assert ran.steps("answer") == ["read"]
    assert sizes[-1] == 1
    assert ran.depth("build") == 1 + len(sizes) - 1
    assert spread(TEXT, ran.prompts("summarise")) == [1] * 120
    assert "flock flock" in ran.prompts("read")[0]
    assert ran.depth("answer") == 1


def _level(merge_prompts: list[str], sizes: list[int]) -> list[str]:
    """The merge prompts of the next level: as many as it takes to hold all summaries of the last one."""
    done = sum(sizes[1:])
    held, level = 0, []
    for prompt in merge_prompts[done:]:
        if held == sizes[-1]:
            break
        held += prompt.count("Summary ")
        level.append(prompt)
    assert held == sizes[-1]
    return level


def test_a_context_of_one_part_has_no_merge() -> None:
    ran = run(RecursiveSummary(), story(5), {"summarise": "All of it.", "read": "21"})
    assert (ran.steps("build"), ran.steps("answer")) == (["summarise"], ["read"])
    assert "All of it." in ran.prompts("read")[0]


def test_an_empty_context_is_read_without_summaries() -> None:
    ran = run(RecursiveSummary(), "", {"read": "unanswerable"})
    assert ran.steps("build") == []
    assert ran.answer.text == "unanswerable"


def test_a_word_limit_is_asked_for_and_a_longer_summary_is_cut_and_noted() -> None:
    ran = run(
        RecursiveSummary(chunk_tokens=400, summary_tokens=100),
        TEXT,
        {"summarise": "x y " * 400, "merge": "m"} | {"read": "r"},
    )
    assert all(f"At most {round(100 * 0.65)} words" in prompt for prompt in ran.prompts("summarise"))
    assert len(ran.noted("cut_characters")) >= ceil(1560 / 400)
