from __future__ import annotations

import pytest

from pipelines.retrieval.long_rag import LongRag
from tests.pipelines.conftest import make_context, run, spread, story
from workbench.text import count_tokens

CONTEXT = make_context(*(story(20, 100 * i) for i in range(8)), titles=[f"Book {i}" for i in range(8)])
REPLIES = {"read": "It says that Person 3 keeps 21 sheep.", "extract": "21"}


def test_two_calls_in_sequence() -> None:
    ran = run(LongRag(), CONTEXT, REPLIES)
    assert (ran.steps("build"), ran.steps(), ran.depth()) == ([], ["read", "extract"], 2)
    assert ran.answer.text == "21"


def test_units_hold_whole_neighbouring_documents_once() -> None:
    units = run(LongRag(unit_tokens=800), CONTEXT, REPLIES).state.units
    assert all(count_tokens(unit.text) <= 800 for unit in units)
    chunks = [chunk for unit in units for chunk in unit.chunks]
    assert [chunk.text for chunk in chunks] == [document.text for document in CONTEXT.documents]
    assert len(units) < 8


def test_a_unit_ranks_by_its_best_passage() -> None:
    ran = run(LongRag(unit_tokens=600, passage_tokens=60, top_k=2), CONTEXT, REPLIES)
    asked = "How many sheep does Person 3 keep?"
    state = ran.state
    best: dict[int, float] = {}
    for passage, score in state.index.dense(asked, len(state.index)):
        unit = state.unit_of[passage]
        best[unit] = max(best.get(unit, -1.0), score)
    top = sorted(best, key=lambda unit: -best[unit])[:2]
    assert {hit.chunk for hit in ran.answer.hits} == {chunk for unit in top for chunk in state.units[unit].chunks}


def test_the_first_prompt_lists_titles_and_the_second_has_no_text() -> None:
    ran = run(LongRag(unit_tokens=600, top_k=1), CONTEXT, REPLIES)
    (read,), (extract,) = ran.prompts("read"), ran.prompts("extract")
    assert "Titles of the documents above: Book" in read
    assert "It says that Person 3 keeps 21 sheep." in extract
    assert sum(spread(CONTEXT.documents[0].text, [extract])) == 0
    assert extract.count("Short answer:") == 8


def test_a_marked_answer_is_followed() -> None:
    ran = run(LongRag(), CONTEXT, {"read": "Book 0 helps.\nAnswer: Person 3 keeps 21.", "extract": "answer: 21"})
    assert "Book 0 helps" not in ran.prompts("extract")[0]
    assert ran.answer.text == "21"


def test_a_small_window_gets_smaller_units_and_says_so() -> None:
    ran = run(LongRag(), CONTEXT, REPLIES, window=1_024)
    assert ran.noted("unit_tokens_reduced_to")[0] < 500
    assert ran.answer.hits


def test_odd_configurations_are_refused() -> None:
    with pytest.raises(ValueError, match="between 1 and"):
        LongRag(passage_tokens=5_000)


def test_the_part_of_a_unit_that_fits_is_what_was_hit() -> None:
    method = LongRag(unit_tokens=8_000, long_answer_tokens=100)
    whole = run(method, make_context(story(300)), REPLIES, window=20_000)
    asked = "How many sheep does Person 3 keep? " * 60  # leaves less than a unit, which is half of the window
    ran = run(method, make_context(story(300)), REPLIES, window=1_400, question=asked)
    (hit,) = ran.answer.hits
    assert hit.chunk.text in ran.prompts("read")[0]
    assert 0 < len(hit.chunk.text) < len(whole.answer.hits[0].chunk.text)
    assert ran.answer.dropped_tokens > 0
