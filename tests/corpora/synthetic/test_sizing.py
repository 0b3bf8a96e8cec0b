"""A text is as long as it was wanted, in the tokenizer that was chosen."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from corpora.options import chosen_of
from corpora.synthetic.sizing import counter, largest, lengths_of
from workbench.errors import InputError


@given(unit=st.integers(1, 50), fixed=st.integers(0, 40), budget=st.integers(100, 10_000), guess=st.integers(1, 500))
def test_the_largest_that_fits(unit: int, fixed: int, budget: int, guess: int) -> None:
    number = largest(lambda n: n, lambda n: fixed + unit * n, budget, guess=guess)
    free = budget - (fixed + unit * number)
    assert 0 <= free < unit + max(1, budget // 4)


def test_few_texts_are_made() -> None:
    made = []

    def make(number: int) -> int:
        made.append(number)
        return number

    number = largest(make, lambda n: 300 + 37 * n, 128_000, guess=10)
    assert len(made) <= 5
    assert 127_960 < 300 + 37 * number <= 128_000


def test_what_cannot_be_that_short_says_so() -> None:
    with pytest.raises(InputError, match="500 tokens"):
        largest(lambda n: n, lambda n: 500 * n, 400, guess=3)


def test_counters_and_wrong_options() -> None:
    assert counter("words")("one two  three") == 3
    assert counter("characters")("four") == 4
    assert counter("cl100k_base")("hello world") == 2
    with pytest.raises(InputError, match="tokenizer 'gpt'"):
        counter("gpt")
    with pytest.raises(InputError, match="use 200 to 1000000"):
        lengths_of([100])
    assert chosen_of(None, ("a", "b"), "kinds") == ["a", "b"]
    with pytest.raises(InputError, match="known: a, b"):
        chosen_of(["c"], ("a", "b"), "kinds")


@pytest.mark.parametrize(
    ("tokenizer", "unit"),
    [("o200k_base", "tokens"), ("cl100k_base", "tokens"), ("words", "words"), ("characters",) * 2],
)
def test_every_question_says_what_its_length_is_counted_in(tokenizer: str, unit: str) -> None:
    from corpora.synthetic.needle import load

    for question in load(tokens=1_000, depths=1, tokenizer=tokenizer).questions:
        assert (question.metadata["tokenizer"], question.metadata["length_unit"]) == (tokenizer, unit)
