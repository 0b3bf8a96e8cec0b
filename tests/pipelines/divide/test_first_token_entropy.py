"""Overflow prevention and XL3M: methods that look at the probabilities of a first token."""

from __future__ import annotations

import math
import re
from collections.abc import Callable

import pytest

from pipelines.divide.overflow_prevention import ABSENT, OverflowPrevention, says_absent
from pipelines.divide.xl3m import Xl3m
from tests.pipelines.conftest import run, spread, story
from workbench.errors import InputError, ModelError

TEXT = story(120)
SURE, UNSURE = {"21": math.log(0.98), "7": math.log(0.01)}, {"21": math.log(0.3), "7": math.log(0.3)}
NOT_HERE = {" Error": math.log(0.999), "7": math.log(0.0005)}


def sure_about(*numbers: int, otherwise: dict[str, float] = UNSURE) -> Callable[[str], dict[str, float]]:
    held = [f"Person {number} keeps" for number in numbers]
    return lambda prompt: SURE if any(text in prompt for text in held) else otherwise


def test_the_part_of_least_entropy_is_read() -> None:
    ran = run(OverflowPrevention(chunk_tokens=300), TEXT, {"try": "2", "read": "21"}, logprobs=sure_about(70))
    n = ran.steps().count("try")
    assert n >= 5
    assert ran.steps() == ["try"] * n + ["read"]
    assert ran.depth() == 2
    assert spread(TEXT, ran.prompts("try")) == [1] * 120
    (read,) = ran.prompts("read")
    assert "Person 70 keeps" in read and "Person 10 keeps" not in read
    assert ABSENT in ran.prompts("try")[0] and ABSENT not in read
    assert any("Person 70 keeps" in hit.chunk.text for hit in ran.answer.hits)


def test_parts_that_say_it_is_absent_are_out_however_sure_they_are() -> None:
    told = sure_about(70, otherwise=NOT_HERE)

    def unsure_70(prompt: str) -> dict[str, float]:
        return UNSURE if "Person 70 keeps" in prompt else told(prompt)

    ran = run(OverflowPrevention(chunk_tokens=300), TEXT, {"try": "E", "read": "21"}, logprobs=unsure_70)
    assert "Person 70 keeps" in ran.prompts("read")[0]
    unfiltered = OverflowPrevention(chunk_tokens=300, absent_filter=False)
    ran = run(unfiltered, TEXT, {"try": "E", "read": "21"}, logprobs=unsure_70)
    assert "Person 70 keeps" not in ran.prompts("read")[0]


def test_with_every_part_out_the_surest_is_read_and_noted() -> None:
    ran = run(OverflowPrevention(chunk_tokens=300), TEXT, {"try": "E", "read": "x"}, logprobs=lambda prompt: NOT_HERE)
    assert ran.noted("parts_left") == [f"0 of {ran.steps().count('try')}"]
    assert "Person 0 keeps" in ran.prompts("read")[0]


def test_what_the_likeliest_tokens_leave_out_is_noted() -> None:
    ran = run(OverflowPrevention(), story(5), {"try": "2", "read": "21"}, logprobs=lambda prompt: UNSURE)
    assert ran.noted("hidden_probability_at_most") == [pytest.approx(0.4)]


@pytest.mark.parametrize(
    ("token", "absent"), [("Error", True), (" Err", True), ("▁error", True), ("er", False), ("Era", False)]
)
def test_tokens_that_begin_the_word(token: str, absent: bool) -> None:
    assert says_absent(token) is absent


def test_the_surest_segments_are_spliced_in_order_and_repeats_are_read_once() -> None:
    method = Xl3m(segment_tokens=200, overlap=60, keep=4)
    ran = run(method, TEXT, {"judge": "2", "read": "21"}, logprobs=sure_about(20, 90))
    n = ran.steps().count("judge")
    assert ran.steps() == ["judge"] * n + ["read"]
    assert ran.depth() == 2
    assert max(spread(TEXT, ran.prompts("judge"))) == 2
    (read,) = ran.prompts("read")
    numbers = [int(number) for number in re.findall(r"Person (\d+) keeps", read)]
    assert numbers == sorted(set(numbers))
    assert 20 in numbers and 90 in numbers and len(numbers) < 120


def test_by_default_as_much_is_kept_as_fits_and_all_of_it_when_all_fits() -> None:
    ran = run(Xl3m(segment_tokens=200, overlap=60), TEXT, {"judge": "2", "read": "21"}, logprobs=sure_about(20))
    assert spread(TEXT, ran.prompts("read")) == [1] * 120
    n = ran.steps().count("judge")
    assert ran.noted("segments_read") == [f"{n} of {n}"]
    small = run(
        Xl3m(segment_tokens=200, overlap=60), TEXT, {"judge": "2", "read": "21"}, window=800, logprobs=sure_about(110)
    )
    assert "Person 110 keeps" in small.prompts("read")[0]
    assert sum(spread(TEXT, small.prompts("read"))) < 60


@pytest.mark.parametrize("method", [OverflowPrevention(), Xl3m()])
def test_a_model_without_probabilities_is_refused_before_any_call(method: OverflowPrevention | Xl3m) -> None:
    with pytest.raises(InputError, match="scripted cannot tell token probabilities"):
        run(method, TEXT, {})


def test_a_server_that_sends_none_is_a_clear_error() -> None:
    with pytest.raises(ModelError, match="was asked for logprobs and sent none"):
        run(OverflowPrevention(), TEXT, {"try": "2"}, logprobs=lambda prompt: None)


def test_the_papers_second_criterion_is_how_likely_a_part_makes_the_question() -> None:
    def told(prompt: str) -> list[float]:
        return [-0.5] * 8 if "Person 70 keeps" in prompt else [-3.0] * 8

    method = OverflowPrevention(chunk_tokens=300, criterion="question_likelihood")
    ran = run(method, TEXT, {"try": "2", "read": "21"}, logprobs=sure_about(10), prompt_logprobs=told)
    assert "Person 70 keeps" in ran.prompts("read")[0]
    assert ran.depth() == 2
    with pytest.raises(InputError, match="the probabilities of a prompt's tokens"):
        run(method, TEXT, {"try": "2"}, logprobs=sure_about(10))
