"""NoLiMa: a reader with a little knowledge of the world finds the name; one that matches words does not."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from corpora.synthetic.nolima import ORDERS, TASKS, load
from tests.corpora.synthetic.marking import full_marks, nothing_for_nothing, stands_in_text
from workbench.errors import InputError

KNOWN = {  # what a reader has to know: word of a needle → what follows from it
    "Lyon": "France, Europe", "Osaka": "Japan, Asia", "Nairobi": "Kenya, Africa", "Cusco": "Peru, South America",
    "Gothenburg": "Sweden, Scandinavia", "Porto": "Portugal, the Iberian Peninsula",
    "Melbourne": "Australia, the Southern Hemisphere", "Toronto": "Canada, North America",
    "Brandenburg Gate": "Berlin, Germany", "Eiffel Tower": "Paris, France", "Colosseum": "Rome, Italy",
    "Sagrada Familia": "Barcelona, Spain", "Kremlin": "Moscow, Russia", "Charles Bridge": "Prague, the Czech Republic",
    "Parthenon": "Athens, Greece", "Little Mermaid statue": "Copenhagen, Denmark", "vegan": "cheese, lasagne",
    "vegetarian": "beef, goulash", "coeliac disease": "wheat bread, a croissant",
    "lactose intolerance": "milk, ice cream", "an allergy to nuts": "almonds, marzipan",
    "an allergy to shellfish": "prawns, a shrimp cocktail", "eleven": "vote, stand for parliament",
    "nine": "drive a car, fly an airliner",
}  # fmt: skip
STATED = "workshop|kitchen window|has been|for years now|doctor made|last week"


def solved(question: str, text: str) -> set[str]:
    asked = re.search(r"Question: (.+?)\?", question).group(1)  # type: ignore[union-attr]
    found = set()
    for sentence in re.split(r"(?<=[.!?])\s+", text):
        for word, follows in KNOWN.items():
            if word not in sentence or not re.search(STATED, sentence):
                continue
            if word in asked or any(asked.endswith(f" {thing}") for thing in follows.split(", ")):
                found |= {name for name in re.findall(r"\b[A-Z][a-z]+\b", sentence) if name not in word.split()}
    return found - {"There", "In", "From", "The", "It", "A", "That", "Only"}


@settings(max_examples=200)
@given(st.integers(0, 10**6), st.sampled_from(TASKS), st.sampled_from(ORDERS), st.integers(300, 800), st.booleans())
def test_a_reader_that_knows_the_world_finds_every_gold_answer(
    seed: int, task: str, order: str, tokens: int, distractor: bool
) -> None:
    corpus = load(tokens=tokens, tasks=task, orders=order, pairs=3, depths=3, seed=seed, distractor=distractor)
    assert len(corpus.questions) == 3
    for question in corpus.questions:
        (document,) = corpus.contexts[question.context_id].documents
        assert solved(question.text, document.text) == set(question.answers)
        assert stands_in_text(question, corpus)
        assert full_marks(question)
        assert nothing_for_nothing(question)
        assert 0.8 * tokens <= question.metadata["context_tokens"] <= tokens


def test_needle_and_question_share_no_content_word() -> None:
    common = {
        "which",
        "person",
        "has",
        "been",
        "to",
        "the",
        "a",
        "an",
        "may",
        "not",
        "yet",
        "cannot",
        "eat",
        "it",
        "is",
    }
    for question in load(tokens=300, pairs=24, depths=1).questions:
        asked = re.search(r"Question: (.+?)\?", question.text).group(1)  # type: ignore[union-attr]
        shared = {*re.findall(r"\w+", asked.lower())} & {*re.findall(r"\w+", question.evidence[0].text.lower())}
        assert shared <= common, question.text


def test_all_themes_and_depths_come_in_turn() -> None:
    questions = load(tokens=1_000, tasks="onehop", orders="default", pairs=5, depths=5).questions
    assert {q.metadata["theme"] for q in questions} == {"works_in", "lives_by", "abstains", "intolerant", "too_young"}
    assert [q.metadata["depth"] for q in questions] == [0, 0.25, 0.5, 0.75, 1]


def test_a_distractor_has_the_question_s_word_and_stands_apart() -> None:
    for question in load(tokens=2_000, distractor=True, pairs=24).questions:
        asked = re.search(r"(?:been to|eat|yet) (.+?)\?", question.text).group(1)  # type: ignore[union-attr]
        assert asked not in question.evidence[0].text


def test_the_same_seed_gives_the_same_corpus() -> None:
    assert load(tokens=500).fingerprint == load(tokens=500).fingerprint != load(tokens=500, seed=1).fingerprint


@pytest.mark.parametrize("wrong", [{"tokens": 100}, {"tasks": "threehop"}, {"orders": "x"}, {"pairs": 0}])
def test_wrong_options(wrong: dict[str, object]) -> None:
    with pytest.raises(InputError):
        load(**wrong)  # type: ignore[arg-type]
