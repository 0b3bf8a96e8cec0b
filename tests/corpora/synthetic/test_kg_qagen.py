"""KG-QAGen: sentences parsed into a graph, and set operations over it, answer every question."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from corpora.synthetic.kg_qagen import LEVELS, load
from tests.corpora.synthetic.marking import full_marks, nothing_for_nothing, stands_in_text
from workbench.errors import InputError
from workbench.records import Context


def solved(question: str, context: Context) -> set[str]:
    text = "\n".join(document.text for document in context.documents)
    seat = dict(re.findall(r"^(.+?) has its seat in (\w+)", text, re.M))
    owner = dict(re.findall(r"^(.+?) has its seat in \w+ and is owned by (.+)\.", text, re.M))
    lenders = {
        name: set(re.split(r", | and ", listed))
        for name, listed in re.findall(r"The lenders that take part in (the .+? Agreement) are (.+)\.", text)
    }
    agents = {
        name: agent for agent, name in re.findall(r"\d\. (.+?) acts as administrative agent under (the .+?)\.", text)
    }
    borrowers = dict(re.findall(r"known as (the .+? Agreement), is made with (.+?) as Borrower", text))
    years = {name.lower(): year for name, year in re.findall(r"(The .+? Agreement) was signed in the year (\d+)", text)}
    asked = question.partition("Question: ")[2]
    named = re.findall(r"the \w+ \w+ Agreement", asked)
    if "year" in asked:
        return {years[named[0].lower()]}
    if "company owns" in asked:
        return {owner[borrowers[named[0]]]}
    if "administrative agent" in asked:
        found = {agents[named[0]]}
    else:
        found = lenders[named[0]]
        if " or " in asked:
            found = found | lenders[named[1]]
        elif " both " in asked:
            found = found & lenders[named[1]]
        if "but not" in asked:
            found = found - lenders[named[-1]]
    return {seat[company] for company in found} if "In which town" in asked else found


@settings(max_examples=200)
@given(st.integers(0, 10**6), st.integers(2_500, 5_000), st.integers(0, 10))
def test_an_independent_reader_finds_every_gold_answer(seed: int, tokens: int, clauses: int) -> None:
    corpus = load(tokens=tokens, seed=seed, clauses=clauses)
    for question in corpus.questions:
        context = corpus.contexts[question.context_id]
        assert solved(question.text, context) == set(question.answers[0].split(", "))
        assert stands_in_text(question, corpus)
        assert full_marks(question)
        assert nothing_for_nothing(question)
        plural = "," in question.answers[0]
        assert question.task == f"L{question.metadata['hops'] + question.metadata['set_operations'] + plural}"
        joined = " ".join(chunk.text for chunk in question.evidence)
        assert all(answer in joined for answer in question.answers[0].split(", "))
    assert tokens - 500 <= question.metadata["context_tokens"] <= tokens


def test_all_levels_come_in_turn() -> None:
    assert [q.task for q in load(tokens=16_000, questions=10).questions] == [*LEVELS, *LEVELS]


def test_the_same_seed_gives_the_same_corpus() -> None:
    assert load(seed=1).fingerprint == load(seed=1).fingerprint != load(seed=2).fingerprint


@pytest.mark.parametrize("wrong", [{"tokens": 10}, {"levels": "L6"}, {"questions": 0}, {"clauses": -1}])
def test_wrong_options(wrong: dict[str, object]) -> None:
    with pytest.raises(InputError):
        load(**wrong)  # type: ignore[arg-type]
