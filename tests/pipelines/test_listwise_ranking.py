from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from pipelines.listwise_ranking import ListwiseRanking, permutation, windows
from tests.pipelines.conftest import run, story

TEXT = story(300)
QUESTION = "How many sheep does Person 3 keep?"


def best_first(prompt: str) -> str:
    """A perfect ranker: the passage about Person 3 stands first."""
    found = re.findall(r"^\[(\d+)\] (.*?)(?=^\[|\nAbove are)", prompt, re.M | re.S)
    order = sorted(found, key=lambda item: "Person 3 keeps" not in item[1])
    return " > ".join(f"[{number}]" for number, _ in order)


def test_windows_slide_from_the_tail_in_sequence_then_the_best_are_read() -> None:
    method = ListwiseRanking(window=10, step=5, candidates=30, chunk_tokens=64, retriever="dense")
    ran = run(method, TEXT, {"rank": best_first, "read": "21"})
    assert ran.steps() == ["rank"] * 5 + ["read"]  # (30 - 10) / 5 + 1 windows
    assert ran.depth() == 6
    assert all(len(re.findall(r"^\[\d+\] ", prompt, re.M)) == 10 for prompt in ran.prompts("rank"))
    assert "Person 3 keeps" in ran.answer.hits[0].chunk.text
    assert len(ran.answer.hits) == 5


def test_a_right_passage_at_the_very_end_bubbles_to_the_front() -> None:
    method = ListwiseRanking(window=10, step=5, candidates=100, chunk_tokens=64, retriever="dense")  # all chunks
    ran = run(method, TEXT, {"rank": best_first, "read": "21"}, question="Who keeps what?")
    assert "Person 3 keeps" in ran.answer.hits[0].chunk.text


def test_full_ranking_is_one_call_over_all_candidates() -> None:
    ran = run(ListwiseRanking(form="full", candidates=40, chunk_tokens=64), TEXT, {"rank": best_first, "read": "21"})
    assert ran.steps() == ["rank", "read"]
    assert len(re.findall(r"^\[\d+\] ", ran.prompts("rank")[0], re.M)) == 40


def test_the_counts_of_the_paper_and_the_head_that_rankgpt_forgets() -> None:
    assert len(windows(100, 20, 10)) == 9
    assert windows(25, 20, 10) == [(5, 25), (0, 15)]  # RankGPT: (5, 25) alone
    assert windows(15, 15, 10) == [(0, 15)]  # RankGPT: no call


@given(st.integers(0, 130), st.integers(1, 40), st.integers(1, 40))
def test_every_candidate_is_in_a_window_and_each_meets_the_next(number: int, size: int, step: int) -> None:
    size, step = min(size, max(1, number)), min(step, size)
    step = min(step, size)
    spans = windows(number, size, step)
    if number > 1:
        assert spans[0][1] == number and spans[-1][0] == 0
        assert len(spans) == -(-(number - size) // step) + 1
        assert all(0 < end - start <= size for start, end in spans)


@given(st.text(max_size=60), st.integers(0, 12))
def test_any_reply_gives_a_permutation(reply: str, number: int) -> None:
    assert sorted(permutation(reply, number)) == list(range(number))


def test_numbers_among_words_are_no_ranking() -> None:
    assert permutation("The top 3 were born in 2.", 4) == [0, 1, 2, 3]
    assert permutation("3 > 1", 3) == [2, 0, 1]
    assert permutation("<think>[1] > [2]</think>[2] > [1]", 2) == [1, 0]


def test_passages_share_a_small_window_and_candidates_without_a_share_stay_last() -> None:
    ran = run(
        ListwiseRanking(form="full", candidates=40, chunk_tokens=64), TEXT, {"rank": "x", "read": "21"}, window=1_024
    )
    (hidden,) = ran.noted("candidates_not_shown")
    assert len(re.findall(r"^\[\d+\] ", ran.prompts("rank")[0], re.M)) == 40 - hidden
