"""Needle Threading: json.loads and a loop solve every question."""

from __future__ import annotations

import json
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from corpora.synthetic.needle_threading import DIRECTIONS, TASKS, load
from tests.corpora.synthetic.marking import full_marks, nothing_for_nothing, stands_in_text
from workbench.errors import InputError
from workbench.records import Question


def solved(question: Question, text: str) -> list[str]:
    pairs = json.loads(text)
    if question.task == "conditional_needles":
        return [value for key, value in pairs.items() if "*" in key]
    ends = []
    for key in re.findall(r"[0-9a-f]{8}-[0-9a-f-]{27}", question.text):
        value = pairs[key]
        while "thread" in question.task and value in pairs:
            value = pairs[value]
        ends.append(value)
    return ends


@settings(max_examples=200)
@given(st.integers(0, 10**6), st.sampled_from(TASKS), st.integers(2, 6), st.integers(1, 4), st.sampled_from(DIRECTIONS))
def test_an_independent_reader_finds_every_gold_answer(
    seed: int, task: str, thread_length: int, others: int, direction: str
) -> None:
    corpus = load(
        tokens=4_000, tasks=task, samples=1, seed=seed, thread_length=thread_length, threads=others, needles=others,
        branching=others, direction=direction,
    )  # fmt: skip
    (question,) = corpus.questions
    (document,) = corpus.contexts[question.context_id].documents
    assert sorted(solved(question, document.text)) == sorted(question.answers)
    assert stands_in_text(question, corpus)
    assert all(any(gold in chunk.text for chunk in question.evidence) for gold in question.answers)
    assert full_marks(question)
    assert nothing_for_nothing(question)
    assert 3_800 <= question.metadata["context_tokens"] <= 4_000


def test_threads_run_forward_or_backward() -> None:
    for direction, sign in (("forward", 1), ("backward", -1)):
        for question in load(tasks="single_thread", thread_length=8, direction=direction).questions:
            starts = [sign * chunk.start for chunk in question.evidence]
            assert starts == sorted(starts)


def test_single_needles_stand_at_even_depths() -> None:
    depths = [q.metadata["depth"] for q in load(tasks="single_needle", samples=5, tokens=16_000).questions]
    assert depths == pytest.approx([0, 0.25, 0.5, 0.75, 1], abs=0.01)


def test_the_same_seed_gives_the_same_corpus() -> None:
    assert load(seed=3).fingerprint == load(seed=3).fingerprint != load(seed=4).fingerprint


@pytest.mark.parametrize("wrong", [{"thread_length": 1}, {"direction": "up"}, {"tasks": "x"}, {"needles": 0}])
def test_wrong_options(wrong: dict[str, object]) -> None:
    with pytest.raises(InputError):
        load(**wrong)  # type: ignore[arg-type]
