"""Ancestral traces: a parser and a walk along the links solve every question."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from corpora.synthetic.ancestral_trace import KINDS, load
from tests.corpora.synthetic.marking import full_marks, headline, nothing_for_nothing, stands_in_text
from workbench.errors import InputError

NAME = r"([A-Z][a-z]+ [A-Z][a-z]+)"
FORMS = [  # elder, younger, term or in the order that `order` says
    (rf"{NAME} is (?:not only )?{NAME}'s ([a-z ]+?)(?:\.| but also| and has)", (0, 1, 2)),
    (rf"{NAME}'s ([a-z ]+) is {NAME}\.", (2, 0, 1)),
    (rf"{NAME}, (?:as|who is) {NAME}'s ([a-z ]+),", (0, 1, 2)),
    (rf"For {NAME}, {NAME} is both the ([a-z ]+) and", (1, 0, 2)),
]


def links_of(text: str) -> dict[str, tuple[str, int]]:
    """younger → (elder, generations)"""
    links = {}
    for pattern, (elder, younger, term) in FORMS:
        for found in re.findall(pattern, text):
            links[found[younger]] = (found[elder], 2 if "grand" in found[term] else 1)
    return links


def solved(question: str, text: str) -> str:
    links = links_of(text)
    names = re.findall(r"'([^']+)'", question)

    def up(name: str) -> tuple[str, int]:
        steps = 0
        while name in links:
            name, more = links[name]
            steps += more
        return name, steps

    if "eldest" in question or "ancestor" in question:
        return up(names[0])[0]
    youngest = (set(links) - {elder for elder, _ in links.values()}).pop()
    return youngest if "descendant" in question else str(up(youngest)[1])


@settings(max_examples=200)
@given(st.integers(0, 10**6), st.integers(2, 30), st.sampled_from(KINDS))
def test_an_independent_reader_solves_every_trace(seed: int, needles: int, kind: str) -> None:
    corpus = load(tasks="atc", needles=needles, kinds=kind, seed=seed)
    (question,) = corpus.questions
    (document,) = corpus.contexts[question.context_id].documents
    assert solved(question.text, document.text) == question.answers[0]
    assert len(links_of(document.text)) == needles == question.metadata["hops"] == len(question.evidence)
    assert stands_in_text(question, corpus)
    assert full_marks(question, rf"So it is \boxed{{{question.answers[0]}}}.")
    assert headline(question, question.answers[0]) == 0.0  # no box
    assert nothing_for_nothing(question)


@settings(max_examples=200)
@given(st.integers(0, 10**6), st.integers(2, 5))
def test_chains_in_a_haystack(seed: int, needles: int) -> None:
    corpus = load(tasks="multi_needle", needles=needles, tokens=1_000, depths=2, seed=seed)
    for question in corpus.questions:
        (document,) = corpus.contexts[question.context_id].documents
        assert solved(question.text, document.text) == question.answers[0]
        assert stands_in_text(question, corpus)
        assert len(links_of(" ".join(chunk.text for chunk in question.evidence))) == needles
        assert 850 <= question.metadata["context_tokens"] <= 1_000


def test_the_grid() -> None:
    corpus = load(needles=[2, 64], tokens=[2_000], depths=3)
    assert len(corpus.questions) == 2 * 4 + 3  # 64 needles are too many for a haystack
    assert (
        load(seed=1, tasks="atc").fingerprint
        != load(seed=2, tasks="atc").fingerprint
        == load(seed=2, tasks="atc").fingerprint
    )


@pytest.mark.parametrize("wrong", [{"needles": 1}, {"kinds": "x"}, {"tasks": "x"}, {"depths": 0}])
def test_wrong_options(wrong: dict[str, object]) -> None:
    with pytest.raises(InputError):
        load(**wrong)  # type: ignore[arg-type]
