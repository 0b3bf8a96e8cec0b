"""LongBioBench: biographies parsed sentence by sentence answer every question."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from corpora.synthetic.long_bio import TASKS, load
from tests.corpora.synthetic.marking import full_marks, headline, nothing_for_nothing, stands_in_text
from workbench.errors import InputError
from workbench.records import Question

PERSON = r"([A-Z][a-z]+ [A-Z][a-z]+)"
ATTRIBUTES = {  # word of the question → the ways in which a biography says it
    "age": [r"age (?:of .+? )?is (\d+)\.", r"lived for (\d+) years", r"seen (\d+) years"],
    "birthday": [r"birthday (?:of .+? )?is (.+?)\.", r"Every year on (.+? \d{4}),", r"into the world on (.+?)\."],
    "born": [r"was born in (.+?)\.", r"stood in (.+?)\.", r"It was in (.+?) that"],
    "hobby": [r"hobby (?:of .+? )?is ([a-z]+)\.", r"turns to (.+?)\.", r"spare hours of .+? as (.+?) does"],
    "university": [r"graduated from is (.+?)\.", r"degree from (.+?)\.", r"It was (University.+?) that"],
    "major": [r"major (?:of .+? )?was (.+?)\.", r"chose (.+?) as the", r"student years on (.+?)\."],
    "work": [r"worked is (.+?)\.", r"earned a living in (.+?)\.", r"unfolded in (.+?)\."],
}


def read(text: str) -> dict[str, str]:
    """person → their biography"""
    return {re.findall(rf"(?:bio|self-introduction) of {PERSON}", line)[0]: line for line in text.split("\n")}


def value(bios: dict[str, str], person: str, word: str) -> str:
    if found := re.search(rf"of {person} is the same as {PERSON}\.", bios[person]):
        return value(bios, found[1], word)
    return next(found[1] for form in ATTRIBUTES[word] if (found := re.search(form, bios[person])))


def solved(question: Question, text: str) -> list[str]:
    bios = read(text)
    asked = question.text.partition("Question: ")[2]
    word = next((word for word in ATTRIBUTES if re.search(rf"\b{word}\b", asked)), "age")
    people = [person for person in re.findall(PERSON, asked) if person in bios]
    if question.task == "calculation":
        one, other = (int(value(bios, person, "age")) for person in people)
        return [str(abs(one - other))]
    if question.task == "rank":
        return sorted(people, key=lambda person: int(value(bios, person, "age")))
    if question.task == "twodiff":
        ages = {person: int(value(bios, person, "age")) for person in bios if " age of" in bios[person]}
        wanted = int(re.findall(r"by (\d+)\.", asked)[0])
        return [f"{a} and {b}" for a in ages for b in ages if ages[a] - ages[b] == wanted]
    if question.task == "idk" and not any(re.search(form, bios[people[0]]) for form in ATTRIBUTES[word]):
        return ["The answer is not stated"]
    if question.task == "cite":
        numbers = {person: re.findall(r"Bio (\[\d+\])", bio)[0] for person, bio in bios.items()}
        return [part for person in people for part in (value(bios, person, word), numbers[person])]
    return [value(bios, person, word) for person in people]


@settings(max_examples=250)
@given(st.integers(0, 10**6), st.sampled_from(TASKS), st.integers(2, 5), st.sampled_from([0.3, 1.0]))
def test_an_independent_reader_finds_every_gold_answer(seed: int, task: str, facts: int, density: float) -> None:
    corpus = load(tokens=2_000, tasks=task, samples=1, seed=seed, facts=facts, density=density)
    assert len(corpus.questions) == (2 if task == "idk" else 1)
    for question in corpus.questions:
        (document,) = corpus.contexts[question.context_id].documents
        found = solved(question, document.text)
        assert stands_in_text(question, corpus)
        assert nothing_for_nothing(question)
        assert 1_800 <= question.metadata["context_tokens"] <= 2_000
        if task == "twodiff":
            assert found and all(headline(question, pair) == 1.0 for pair in found)
        else:
            assert found == list(question.answers)
            assert full_marks(question)


def test_idk_s_twins_differ_in_the_sentence_that_answers() -> None:
    corpus = load(tokens=2_000, tasks="idk", samples=1)
    deleted, present = corpus.questions
    assert deleted.text == present.text and deleted.metadata["pair"] == present.metadata["pair"]
    assert deleted.answers == ("The answer is not stated",) and not deleted.evidence
    without, whole = (corpus.contexts[q.context_id].documents[0].text for q in corpus.questions)
    (span,) = present.evidence
    assert present.answers[0] in span.text and span.text not in without
    assert whole.replace(f"{span.text} ", "").replace(f" {span.text}", "") == without


def test_a_cited_answer_and_its_citation_are_scored_apart() -> None:
    from workbench.evaluation.metrics import metric

    (question,) = load(tokens=2_000, tasks="cite", samples=1).questions
    answer, mark = question.answers
    assert question.metrics[:2] == ("longbio_cited_answer", "longbio_citation")
    scores = {
        said: [metric(name)(said, list(question.answers)) for name in question.metrics[:3]]
        for said in (f"{answer} {mark}", answer, mark)
    }
    assert list(scores.values()) == [[1.0, 1.0, 1.0], [1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]


def test_density_is_the_share_of_others_with_the_attribute() -> None:
    for density in (0.0, 0.5, 1.0):
        (question,) = load(tokens=20_000, tasks="calculation", samples=1, density=density, seed=5).questions
        shown = question.metadata
        assert shown["attribute"] == "age" and shown["biographies"] > 100
        corpus = load(tokens=20_000, tasks="calculation", samples=1, density=density, seed=5)
        (context,) = corpus.contexts.values()
        share = (context.documents[0].text.count("The age of") - 2) / (shown["biographies"] - 2)
        assert share == pytest.approx(density, abs=0.12)


def test_the_asked_biographies_stand_between_the_depths() -> None:
    for question in load(tokens=20_000, tasks=["standard", "rank"], start=0.4, end=0.6, samples=4).questions:
        assert 0.38 <= question.metadata["depth"] <= 0.62


def test_the_same_seed_gives_the_same_corpus() -> None:
    assert load(tokens=2_000).fingerprint == load(tokens=2_000).fingerprint != load(tokens=2_000, seed=1).fingerprint


WRONG = [{"tokens": 500}, {"tasks": "x"}, {"facts": 1}, {"density": 2}, {"start": 0.9, "end": 0.1}]


@pytest.mark.parametrize("wrong", WRONG)
def test_wrong_options(wrong: dict[str, object]) -> None:
    with pytest.raises(InputError):
        load(**wrong)  # type: ignore[arg-type]
