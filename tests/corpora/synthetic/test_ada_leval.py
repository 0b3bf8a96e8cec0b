"""Ada-LEval: dates give the order of segments, and the points of the question pick the answer."""

from __future__ import annotations

import re
from datetime import datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from corpora.synthetic.ada_leval import load
from tests.corpora.synthetic.marking import full_marks, headline, nothing_for_nothing, stands_in_text
from workbench.errors import InputError


def first_date(text: str) -> datetime:
    return datetime.strptime(re.findall(r"On (\d+ \w+ \d{4}) the market", text)[0], "%d %B %Y")


@settings(max_examples=200)
@given(st.integers(0, 10**6), st.integers(1_000, 2_500))
def test_the_dates_sort_the_segments(seed: int, tokens: int) -> None:
    corpus = load(tokens=tokens, tasks="tsort", samples=1, seed=seed)
    (question,) = corpus.questions
    (document,) = corpus.contexts[question.context_id].documents
    before, *segments, after = document.text.split("\n\n")
    numbered = {int(number): text for number, text in re.findall(r"\[(\d)\] (.+)", "\n".join(segments))}
    order = sorted(numbered, key=lambda number: first_date(numbered[number]))
    assert str(order) == question.answers[0]
    assert first_date(before) < first_date(numbered[order[0]]) and first_date(numbered[order[3]]) < first_date(after)
    assert stands_in_text(question, corpus)
    assert full_marks(question, f"Answer: {order}")
    assert headline(question, f"Answer: {order[::-1]}") == 0.0
    assert 0.9 * tokens <= question.metadata["context_tokens"] <= tokens


@settings(max_examples=200)
@given(st.integers(0, 10**6), st.integers(1_000, 2_500))
def test_the_points_of_the_question_pick_the_answer(seed: int, tokens: int) -> None:
    corpus = load(tokens=tokens, tasks="best_answer", samples=1, seed=seed)
    (question,) = corpus.questions
    (document,) = corpus.contexts[question.context_id].documents
    asked = re.search(r"Question: (\w+) ([\d.]+) stops with error (\d+) whenever it (.+?)\. How", question.text)
    assert asked
    answers = re.findall(r"A(\d+):\n\n(.+)", document.text)
    points = [rf"\b{asked[1]} {re.escape(asked[2])}\b", rf"error {asked[3]}\b", asked[4]]
    fitting = [number for number, text in answers if all(re.search(point, text) for point in points)]
    assert [f"A{number}" for number in fitting] == list(question.answers)
    assert question.metadata["candidates"] == len(answers)
    assert stands_in_text(question, corpus)
    assert full_marks(question)
    assert nothing_for_nothing(question)
    assert 0.9 * tokens <= question.metadata["context_tokens"] <= tokens


def test_segments_of_a_text_of_your_own(tmp_path: Path) -> None:
    file = tmp_path / "book.txt"
    file.write_text(" ".join(f"Sentence number {n} says little." for n in range(500)))
    corpus = load(tokens=1_000, tasks="tsort", samples=1, haystack=str(file))
    (question,) = corpus.questions
    (document,) = corpus.contexts[question.context_id].documents
    firsts = [int(n) for n in re.findall(r"\[\d\] Sentence number (\d+)", document.text)]
    gold = [int(digit) for digit in re.findall(r"\d", question.answers[0])]
    ordered = [firsts[place - 1] for place in gold]
    assert [(n - ordered[0]) % 500 for n in ordered] == sorted((n - ordered[0]) % 500 for n in ordered)


def test_the_same_seed_gives_the_same_corpus() -> None:
    assert load(seed=1).fingerprint == load(seed=1).fingerprint != load(seed=2).fingerprint


@pytest.mark.parametrize("wrong", [{"tokens": 10}, {"tasks": "x"}, {"samples": 0}, {"haystack": "/none"}])
def test_wrong_options(wrong: dict[str, object]) -> None:
    with pytest.raises(InputError):
        load(**wrong)  # type: ignore[arg-type]
