"""The sentence that an answer was taken from, and none where it is not clear."""

from __future__ import annotations

from pathlib import Path

import pytest

from corpora.benchmarks.answer_places import answer_place
from corpora.benchmarks.lara import load

TEXT = (
    "The mill of Ashford was sold in 1802. The mill of Bray ground 2,576,340 bushels in 1803. "
    "Bray lies on a river. In six days the clerk must leave the office, said the mayor of Bray. "
    "Six days from this hour! The mayor has a headache. " + "Row 7 8 9 \t" * 200 + "12,345."
)


def found(question: str, answer: str, start: int = 0, end: int = len(TEXT)) -> str | None:
    span = answer_place(question, answer, TEXT, start, end)
    return TEXT[slice(*span)] if span else None


@pytest.mark.parametrize(
    ("question", "answer", "place"),
    [
        ("How many bushels did the mill of Bray grind?", "2576340 bushels.", "The mill of Bray ground"),
        ("How many days did the mayor give the clerk to leave the office?", "Six days.", "In six days the clerk"),
        ("What ailment has the mayor?", "She has a HEADACHE.", "The mayor has a headache."),
        ("Which places have a mill?", "Bray and Ashford.", None),  # no sentence holds both
        ("Where does the clerk live?", "On a river.", None),  # the sentence shares no word with the question
        ("What is in the last row?", "12,345", None),  # a table is no place
        ("Who is it?", "the", None),
    ],
)
def test_the_sentence_that_holds_the_answer_and_the_question(question: str, answer: str, place: str | None) -> None:
    sentence = found(question, answer)
    assert sentence is None if place is None else sentence is not None and sentence.startswith(place)


def test_two_sentences_as_near_are_none_and_a_short_answer_may_stand_word_for_word() -> None:
    twice = "It rained in May. Bray is wet. In May it rained. "
    assert answer_place("When did it rain in Bray?", "It was May.", twice, 0, len(twice)) is None
    assert found("In which year, for all the world, was some bushels' grinding?", "1803") is not None  # once
    assert found("In which year did it happen?", "1803") is None  # but of what?


def test_only_the_part_is_looked_at() -> None:
    assert found("How many bushels did the mill of Bray grind?", "2,576,340", 0, 40) is None


def test_lara_s_places_hold_their_answers(shared_data: Path) -> None:
    short = [q for q in load(path=str(shared_data / "lara")).questions if q.evidence]
    long = [q for q in load(path=str(shared_data / "lara"), length="128k").questions if q.evidence]
    assert {q.task for q in short + long} == {"location"}
    assert (len(short), len(long)) == (16, 23)  # each was read and found right
