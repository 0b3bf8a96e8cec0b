"""Sentence window and parent–child: what is searched is smaller than what is read."""

from __future__ import annotations

import pytest

from pipelines.retrieval.parent_child import ParentChild
from pipelines.retrieval.sentence_window import SentenceWindow
from tests.pipelines.conftest import make_context, run, spread, story

TEXT = story(100)


def shown(prompt: str) -> list[int]:
    return [i for i, times in enumerate(spread(TEXT, [prompt])) if times]


def test_a_found_sentence_is_read_with_its_neighbours() -> None:
    ran = run(SentenceWindow(top_k=1, window=2), TEXT, {"read": "21"}, question="Who lives in Place 40?")
    assert (ran.steps("build"), ran.steps()) == ([], ["read"])
    (centre,) = ran.answer.hits
    assert shown(ran.prompts("read")[0]) == [38, 39, 40, 41, 42]
    assert centre.chunk.text.startswith("Person 38") and centre.chunk.text.endswith("Place 42.")


def test_windows_stop_at_the_ends_of_a_document() -> None:
    context = make_context(story(3), story(3, 50))
    ran = run(SentenceWindow(top_k=1, window=5), context, {"read": "x"}, question="Person 50 sheep in Place 50?")
    assert ran.answer.hits[0].chunk.text == story(3, 50)


def test_overlapping_windows_are_read_once() -> None:
    ran = run(SentenceWindow(top_k=5, window=30), TEXT, {"read": "21"})
    assert max(spread(TEXT, ran.prompts("read"))) == 1


def test_window_zero_is_the_sentence_alone() -> None:
    ran = run(SentenceWindow(top_k=2, window=0), TEXT, {"read": "21"})
    assert len(shown(ran.prompts("read")[0])) == 2


def test_parents_are_runs_of_their_children_and_cover_the_text() -> None:
    state = run(ParentChild(child_tokens=40, parent_tokens=120), TEXT, {"read": "21"}).state
    assert "".join(parent.text for parent in state.parents) == TEXT
    for child, number in zip(state.index.chunks, state.parent_of, strict=True):
        parent = state.parents[number]
        assert parent.start <= child.start < child.end <= parent.end


def test_parents_are_read_in_the_order_of_their_best_child_each_once() -> None:
    ran = run(ParentChild(top_k=4, child_tokens=40, parent_tokens=120), TEXT, {"read": "21"})
    assert ran.steps() == ["read"]
    found = ran.state.index.search("How many sheep does Person 3 keep?", 4, "dense")
    place = {chunk: i for i, chunk in enumerate(ran.state.index.chunks)}
    numbers = dict.fromkeys(ran.state.parent_of[place[hit.chunk]] for hit in found)
    assert [hit.chunk for hit in ran.answer.hits] == [ran.state.parents[number] for number in numbers]


def test_majority_keeps_the_child_unless_most_of_its_family_was_found() -> None:
    few = run(ParentChild(merge="majority", top_k=1, child_tokens=40, parent_tokens=120), TEXT, {"read": "21"})
    assert few.answer.hits[0].chunk in few.state.index.chunks
    all_of_them = run(ParentChild(merge="majority", top_k=999, child_tokens=40, parent_tokens=120), TEXT, {"read": "x"})
    assert {hit.chunk for hit in all_of_them.answer.hits} <= set(all_of_them.state.parents)


@pytest.mark.parametrize("build", [lambda: SentenceWindow(window=-1), lambda: ParentChild(child_tokens=600)])
def test_odd_configurations_are_refused(build: object) -> None:
    with pytest.raises(ValueError, match="must be at least 1"):
        build()  # type: ignore[operator]
