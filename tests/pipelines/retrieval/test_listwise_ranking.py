from __future__ import annotations

import re

import pytest

from pipelines.retrieval.listwise_ranking import ListwiseRanking
from tests.pipelines.conftest import run, story
from workbench.errors import InputError
from workbench.retrieval.ranking.rerank import windows

TEXT = story(300)
QUESTION = "How many sheep does Person 3 keep?"


def best_first(prompt: str) -> str:
    """A perfect ranker: the passage about Person 3 stands first."""
    found = re.findall(r"^\[(\d+)\] (.*?)(?=^\[|\nAbove are)", prompt, re.M | re.S)
    order = sorted(found, key=lambda item: "Person 3 keeps" not in item[1])
    return " > ".join(f"[{number}]" for number, _ in order)


def test_windows_slide_from_the_tail_in_sequence_then_the_best_are_read() -> None:
    method = ListwiseRanking(window=10, step=5, candidates=30, chunk_tokens=64, retriever="dense")
    ran = run(method, TEXT, {"rerank": best_first, "read": "21"})
    assert ran.steps() == ["rerank"] * 5 + ["read"]  # (30 - 10) / 5 + 1 windows
    assert ran.depth() == 6
    assert all(len(re.findall(r"^\[\d+\] ", prompt, re.M)) == 10 for prompt in ran.prompts("rerank"))
    assert "Person 3 keeps" in ran.answer.hits[0].chunk.text
    assert len(ran.answer.hits) == 5


def test_a_right_passage_at_the_very_end_bubbles_to_the_front() -> None:
    method = ListwiseRanking(window=10, step=5, candidates=100, chunk_tokens=64, retriever="dense")  # all chunks
    ran = run(method, TEXT, {"rerank": best_first, "read": "21"}, question="Who keeps what?")
    assert "Person 3 keeps" in ran.answer.hits[0].chunk.text


def test_full_ranking_is_one_call_over_all_candidates() -> None:
    ran = run(ListwiseRanking(form="full", candidates=40, chunk_tokens=64), TEXT, {"rerank": best_first, "read": "21"})
    assert ran.steps() == ["rerank", "read"]
    assert len(re.findall(r"^\[\d+\] ", ran.prompts("rerank")[0], re.M)) == 40


def test_the_counts_of_the_paper_and_the_head_that_rankgpt_forgets() -> None:
    assert len(windows(100, 20, 10)) == 9
    assert windows(25, 20, 10) == [(5, 25), (0, 15)]  # RankGPT: (5, 25) alone
    assert windows(15, 15, 10) == [(0, 15)]  # RankGPT: no call


def test_passages_share_a_small_window_and_candidates_without_a_share_stay_last() -> None:
    ran = run(
        ListwiseRanking(form="full", candidates=40, chunk_tokens=64), TEXT, {"rerank": "x", "read": "21"}, window=1_024
    )
    (hidden,) = ran.noted("candidates_not_shown")
    assert len(re.findall(r"^\[\d+\] ", ran.prompts("rerank")[0], re.M)) == 40 - hidden


def test_a_ranking_has_five_tokens_for_each_passage_and_eight_or_those_of_its_field() -> None:
    def limits(**config: int) -> set[int]:
        method = ListwiseRanking(candidates=30, chunk_tokens=64, retriever="dense", **config)
        return run(method, TEXT, {"rerank": best_first, "read": "21"}).limits("rerank")

    assert limits() == {108}
    assert limits(window=10, step=5) == {58}
    assert limits(ranking_tokens=500) == limits(window=10, step=5, ranking_tokens=500) == {500}
    with pytest.raises(InputError, match="ranking_tokens: 0"):
        ListwiseRanking(ranking_tokens=0)


@pytest.mark.parametrize("tokens", [1, 200, 600, 5_000])
def test_a_long_ranking_leaves_passages_room_or_is_not_asked_for(tokens: int) -> None:
    method = ListwiseRanking(form="full", candidates=40, chunk_tokens=64, ranking_tokens=tokens)
    ran = run(method, TEXT, {"rerank": "x", "read": "21"}, window=1_024)
    (hidden,) = ran.noted("candidates_not_shown")
    for made, prompt in zip((m for m in ran.made if m.step == "rerank"), ran.prompts("rerank"), strict=True):
        assert made.call.prompt_tokens + tokens <= 1_024
        shown = re.findall(r"^\[\d+\] (.*)$", prompt, re.M)
        assert len(shown) == 40 - hidden and min(map(ran.model.count, shown)) >= 20
    assert len(ran.prompts("rerank")) == (tokens < 1_000)
