from __future__ import annotations

import pytest

from pipelines.divide.refine import Refine
from tests.pipelines.conftest import run, spread, story
from workbench.errors import ContextOverflow

TEXT = story(60)


def test_one_call_per_part_each_waiting_for_the_last() -> None:
    ran = run(Refine(worker_window=512), TEXT, {"answer": "one", "refine": ["two", "three", "four", "five"]})
    n = len(ran.made)
    assert n >= 3
    assert ran.steps() == ["answer"] + ["refine"] * (n - 1)
    assert ran.depth() == n
    assert spread(TEXT, [made.prompt for made in ran.made]) == [1] * 60
    assert ran.answer.text == ["one", "two", "three", "four", "five"][n - 1]


def test_a_later_prompt_holds_the_answer_so_far() -> None:
    ran = run(Refine(worker_window=512), TEXT, {"answer": "FIRST-ONE", "refine": "SECOND-ONE"})
    refining = ran.prompts("refine")
    assert "FIRST-ONE" in refining[0]
    assert all("SECOND-ONE" in prompt and "FIRST-ONE" not in prompt for prompt in refining[1:])


def test_a_refusal_never_replaces_an_answer() -> None:
    ran = run(Refine(worker_window=512), TEXT, {"answer": ["unanswerable", "21"], "refine": "unanswerable"})
    assert ran.steps()[:2] == ["answer", "answer"]  # no answer yet: the first prompt again
    assert ran.answer.text == "21"
    assert ran.noted("refusals_ignored") == [len(ran.made) - 2]


def test_what_fits_is_one_call_and_nothing_is_one_call() -> None:
    assert run(Refine(), story(3), "21").steps() == ["answer"]
    assert run(Refine(), "", "unanswerable").steps() == ["answer"]


def test_a_question_longer_than_the_window_is_an_error_before_any_call() -> None:
    with pytest.raises(ContextOverflow):
        run(Refine(), TEXT, "never said", question="why " * 600, window=512)
