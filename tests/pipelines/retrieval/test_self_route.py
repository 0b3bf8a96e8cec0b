from __future__ import annotations

import pytest

from pipelines.retrieval.self_route import SelfRoute, declines
from tests.pipelines.conftest import run, story

TEXT = story(200)


def test_an_answer_from_the_chunks_is_one_call() -> None:
    ran = run(SelfRoute(top_k=2), TEXT, {"route": "21"})
    assert ran.steps() == ["route"]
    assert (ran.answer.text, len(ran.answer.hits)) == ("21", 2)
    assert ran.noted("escalated") == [False]


def test_a_declined_question_reads_the_whole_text_in_a_second_call() -> None:
    ran = run(SelfRoute(top_k=2), TEXT, {"route": "Unanswerable.", "read": "21"})
    assert ran.steps() == ["route", "read"]
    assert ran.depth() == 2
    assert TEXT not in ran.prompts("route")[0]
    assert TEXT in ran.prompts("read")[0]
    assert (ran.answer.text, ran.noted("escalated")) == ("21", [True])


def test_over_the_window_the_second_call_is_cut_in_the_middle() -> None:
    ran = run(SelfRoute(top_k=1), story(300), {"route": "unanswerable", "read": "x"}, window=2_048)
    (prompt,) = ran.prompts("read")
    assert "Person 0 keeps" in prompt and "Person 299 keeps" in prompt and "Person 150 keeps" not in prompt
    assert ran.answer.dropped_tokens > 1_000


def test_the_route_prompt_offers_the_word_it_looks_for() -> None:
    assert "unanswerable" in run(SelfRoute(), TEXT, {"route": "21"}).prompts("route")[0]


@pytest.mark.parametrize(
    ("reply", "declined"),
    [
        ("unanswerable", True),
        ("UNANSWERABLE.", True),
        ('"unanswerable"', True),
        ("The question is unanswerable from this text.", True),
        ("Bergen. The others called it unanswerable.", False),
        ('The teacher wrote "unanswerable" on the board.', False),
        ("", False),
        ("21", False),
    ],
)
def test_declining_is_said_in_the_first_sentence_in_own_words(reply: str, declined: bool) -> None:
    assert declines(reply) is declined
