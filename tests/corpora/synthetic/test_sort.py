"""SORT: looking both segments up in the text tells which came first."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from corpora.synthetic.sort import load
from tests.corpora.synthetic.marking import full_marks, nothing_for_nothing, stands_in_text
from workbench.errors import InputError


@settings(max_examples=200)
@given(st.integers(0, 10**6), st.integers(600, 1_500), st.sampled_from([10, 20, 50]))
def test_looking_the_segments_up_answers_every_question(seed: int, words: int, size: int) -> None:
    corpus = load(tokens=words, segments=size, samples=1, seed=seed)
    assert Counter(q.answers[0] for q in corpus.questions) == {"A": 4, "B": 4}
    for question in corpus.questions:
        (document,) = corpus.contexts[question.context_id].documents
        flat = " ".join(document.text.split())
        a, b = re.findall(r"Segment A: (.+) Segment B: (.+)\nWhich", question.text)[0]
        assert len(a.split()) == len(b.split()) == size
        assert ("A" if flat.index(a) < flat.index(b) else "B") == question.answers[0]
        apart = abs(len(flat[: flat.index(a)].split()) - len(flat[: flat.index(b)].split()))
        total = len(flat.split())
        low, high = [(size, total / 4), (total / 4, total / 3), (total / 3, total / 2), (total / 2, total / 1.25)][
            question.metadata["bin"] - 1
        ]
        assert low < apart <= high
        assert stands_in_text(question, corpus)
        assert full_marks(question)
        assert nothing_for_nothing(question)
        assert words - 40 <= total <= words


def test_real_books(shared_data: Path) -> None:
    books = shared_data / "pg_books"
    corpus = load(tokens=[2_500, 10_000], segments=[20, 50], haystack=str(books), samples=2)
    assert len(corpus.questions) == 2 * 2 * 2 * 8
    assert all(stands_in_text(question, corpus) for question in corpus.questions)


def test_the_same_seed_gives_the_same_corpus() -> None:
    assert load(seed=1).fingerprint == load(seed=1).fingerprint != load(seed=2).fingerprint


@pytest.mark.parametrize("wrong", [{"tokens": 10}, {"segments": 500}, {"bins": [5]}, {"samples": 0}])
def test_wrong_options(wrong: dict[str, object]) -> None:
    with pytest.raises(InputError):
        load(**wrong)  # type: ignore[arg-type]
