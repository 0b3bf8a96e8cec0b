"""Rerankers, selection and question lines: laws that hold whatever a model says."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workbench.errors import UnknownName
from workbench.records import Chunk, Context, Document, Hit
from workbench.retrieval.asking import Asker, filled, lines
from workbench.retrieval.chunks.contextual import situated
from workbench.retrieval.embedders.embedder import unit_rows
from workbench.retrieval.ranking.rerank import Rerank, by_graph, listwise, mmr, permutation, pointwise, windows
from workbench.retrieval.ranking.selection import arranged, taken

CHUNKS = [Chunk("d", 10 * i, 10 * i + 9, f"passage {i}") for i in range(25)]


def words(text: str) -> int:
    return len(text.split())


def asker(reply: object, window: int = 10_000) -> tuple[Asker, list[str]]:
    """A model that always says the same (or what a function says), and its prompts."""
    sent: list[str] = []

    def ask(prompts: list[str], *, step: str, max_tokens: int, temperature: float | None = None) -> list[str]:
        sent.extend(prompts)
        assert all(words(prompt) + max_tokens <= window for prompt in prompts)
        return [reply(prompt) if callable(reply) else str(reply) for prompt in prompts]

    return Asker(ask, words, lambda prompt, tokens: window - words(prompt) - tokens), sent  # type: ignore[arg-type]


NUMBERS = st.lists(st.integers(-3, 40)).map(lambda found: " > ".join(f"[{number}]" for number in found))


@given(st.text(max_size=60) | NUMBERS, st.integers(0, 30))
def test_any_reply_is_a_permutation(reply: str, number: int) -> None:
    assert sorted(permutation(reply, number)) == list(range(number))


def test_numbers_among_words_are_no_ranking() -> None:
    assert permutation("the top 3 are fine", 4) == [0, 1, 2, 3]
    assert permutation("3 > 1", 4) == [2, 0, 1, 3]
    assert permutation("<think>[4] first?</think>[2]", 4) == [1, 0, 2, 3]


@given(st.integers(2, 120), st.integers(1, 30), st.integers(1, 30))
def test_windows_cover_everything_and_call_as_often_as_they_say(number: int, size: int, step: int) -> None:
    size, step = min(size, number), min(step, size)
    spans = windows(number, size, step)
    assert spans[0][1] == number and spans[-1][0] == 0
    assert {i for start, end in spans for i in range(start, end)} == set(range(number))
    assert len(spans) == -(-(number - size) // step) + 1


def test_a_perfect_judge_brings_the_best_to_the_front_in_one_pass() -> None:
    def best_last(prompt: str) -> str:
        shown = [int(line.split("passage ")[1]) for line in prompt.split("\n") if line.startswith("[")]
        order = sorted(range(len(shown)), key=lambda i: -shown[i])
        return " > ".join(f"[{i + 1}]" for i in order)

    model, sent = asker(best_last)
    assert listwise("q", CHUNKS, model, window=10, step=5)[:5] == [24, 23, 22, 21, 20]  # window − step are sure
    assert len(sent) == 4


def test_passages_are_cut_to_the_window_and_none_is_lost() -> None:
    long = [Chunk("d", 0, 1, "word " * 500) for _ in range(30)]
    for window in (60, 200, 900):
        model, _ = asker("[2] > [1]", window)
        assert sorted(listwise("q", long, model, window=30, step=30)) == list(range(30))
        assert sorted(p for p, _ in pointwise("q", long, model)) == list(range(30))


def test_mmr_without_diversity_is_the_order_of_relevance_and_with_it_avoids_twins() -> None:
    vectors = unit_rows([[1, 0.1], [1, 0.1], [0.2, 1], [1, 0.5]])
    query = unit_rows([[1, 0.2]])[0]
    relevance = vectors @ query
    assert [p for p, _ in mmr(query, vectors, 0.0)] == np.lexsort((np.arange(4), -relevance)).tolist()
    assert [p for p, _ in mmr(query, vectors, 0.8)][1] == 2


def test_the_graph_reaches_what_the_question_does_not_name() -> None:
    texts = ["Rain fell.", "Ada wrote to Ben.", "Ben lived in Bray.", "Snow fell."]
    hits = [Hit(Chunk("d", i, i + 1, text), 1.0, i + 1) for i, text in enumerate(texts)]
    assert [position for position, _ in by_graph("Where did the friend of Ada live?", hits)][:2] == [1, 2]


def test_an_unknown_reranker_lists_those_there_are() -> None:
    with pytest.raises(UnknownName, match="pointwise"):
        Rerank("magic")  # type: ignore[arg-type]


def hits(*scores: float) -> list[Hit]:
    return [Hit(Chunk("d", 100 - i, 101, "w " * (i + 1)), score, i + 1) for i, score in enumerate(scores)]


def taken_ranks(scores: tuple[float, ...], fill: str, **options: object) -> list[int]:
    found = taken(hits(*scores), fill, top_k=2, count=words, **options)  # type: ignore[arg-type]
    return [hit.rank for hit in found]


def test_each_fill_takes_what_it_says() -> None:
    scores = (0.9, 0.8, 0.3, 0.29, 0.28)  # of 1, 2, 3, 4 and 5 tokens
    assert taken_ranks(scores, "top_k") == [1, 2]
    assert taken_ranks(scores, "token_budget", token_budget=4) == [1, 2]
    assert taken_ranks(scores, "token_budget", token_budget=8, overflow="stop") == [1, 2, 3]
    assert taken_ranks(scores, "token_budget", token_budget=4, overflow="overshoot") == [1, 2, 3]
    assert taken_ranks(scores[:1] + scores, "threshold", threshold=0.5) == [1, 2, 3]
    assert taken_ranks(scores, "adaptive_k") == [1, 2]
    assert taken_ranks((), "adaptive_k") == []
    with pytest.raises(UnknownName, match="adaptive_k"):
        taken_ranks(scores, "greedy")


def test_skipping_goes_on_after_what_does_not_fit() -> None:
    sizes = [Hit(Chunk("d", i, i + 1, "w " * size), 1.0, i + 1) for i, size in enumerate((3, 9, 2))]
    assert [h.rank for h in taken(sizes, "token_budget", top_k=1, token_budget=5, overflow="skip", count=words)] == [
        1,
        3,
    ]


@given(st.integers(0, 9))
def test_every_order_holds_all_hits_once(number: int) -> None:
    context = Context((Document("d", "x" * 200),))
    given_hits = hits(*[1.0] * number)
    for order in ("relevance", "document", "reversed", "lost_in_the_middle"):
        assert sorted(h.rank for h in arranged(given_hits, order, context)) == list(range(1, number + 1))
    assert [h.rank for h in arranged(given_hits, "document", context)] == list(range(number, 0, -1))


def test_lines_lose_their_numbers_and_repeats() -> None:
    assert lines("<think>x</think>1. Who?\n- When?\n(3) Who?\n\n* ", 9) == ["Who?", "When?"]
    assert filled("{a} {b} {c}", a="{b}", b=2) == "{b} 2 {c}"


@settings(max_examples=20)
@given(st.integers(30, 400))
def test_contexts_are_asked_with_what_fits_and_an_empty_one_adds_nothing(window: int) -> None:
    document = Document("d", "One two three four. " * 60)
    chunks = [Chunk.of(document, i, i + 20) for i in range(0, 1200, 400)]
    model, sent = asker("It is about counting.", window)
    texts = situated(chunks, Context((document,)), model)
    assert len(texts) == 3 and all(text.startswith(chunk.text) for text, chunk in zip(texts, chunks, strict=True))
    assert len(sent) in (0, 3)
    silent, _ = asker("", window)
    assert situated(chunks, Context((document,)), silent) == [chunk.text for chunk in chunks]
