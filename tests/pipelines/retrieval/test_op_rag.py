from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.retrieval.chunk_rag import ChunkRag
from pipelines.retrieval.op_rag import OpRag, in_order_text
from tests.pipelines.conftest import make_context, run, spread, story

TEXT = story(200)


def test_one_call_over_chunks_in_the_order_of_the_text() -> None:
    ran = run(OpRag(budget_tokens=600), TEXT, {"read": "21"})
    assert (ran.steps("build"), ran.steps()) == ([], ["read"])
    (prompt,) = ran.prompts("read")
    shown = [i for i, times in enumerate(spread(TEXT, [prompt])) if times]
    places = [prompt.index(f"Person {i} keeps") for i in shown]
    assert places == sorted(places)
    assert "Person 3 keeps 21 sheep" in prompt
    assert [hit.rank for hit in ran.answer.hits] == list(range(1, len(ran.answer.hits) + 1))  # hits keep the ranking


def test_a_budget_for_everything_reads_the_whole_text() -> None:
    ran = run(OpRag(), TEXT, {"read": "21"})
    assert TEXT in ran.prompts("read")[0]
    assert ran.answer.dropped_tokens == 0


def test_it_selects_what_plain_retrieval_selects() -> None:
    ordered = run(OpRag(budget_tokens=600), TEXT, {"read": "21"}).answer.hits
    same = {"retriever": "dense", "splitter": "packed", "chunk_tokens": 128, "overlap": 0, "top_k": len(ordered)}
    plain = run(ChunkRag(**same), TEXT, {"read": "21"}).answer.hits  # type: ignore[arg-type]
    assert len(ordered) > 2
    assert [hit.chunk for hit in ordered] == [hit.chunk for hit in plain]


def test_documents_stand_in_the_order_of_the_context() -> None:
    context = make_context(story(5, 100), story(5), titles=("Later", "Earlier"))
    (prompt,) = run(OpRag(), context, {"read": "21"}).prompts("read")
    assert prompt.index("[Later]") < prompt.index("[Earlier]")


def test_what_does_not_fit_is_dropped_from_the_lowest_rank_and_counted() -> None:
    ran = run(OpRag(), TEXT, {"read": "21"}, window=1_024)
    best = run(OpRag(), TEXT, {"read": "21"}).answer.hits
    kept = ran.answer.hits
    assert [hit.chunk for hit in kept] == [hit.chunk for hit in best][: len(kept)]
    assert ran.answer.dropped_tokens > 1_000


def test_a_giant_chunk_is_cut_not_lost() -> None:
    ran = run(OpRag(chunk_tokens=4_000), story(250), {"read": "21"}, window=1_024)
    assert len(ran.answer.hits) == 1
    assert ran.noted("cut_characters")


@settings(max_examples=20, deadline=None)
@given(sentences=st.integers(0, 60), budget=st.integers(1, 1_000))
def test_the_budget_holds_and_chunks_join_in_order(sentences: int, budget: int) -> None:
    context = make_context(story(sentences))
    ran = run(OpRag(budget_tokens=budget, chunk_tokens=64), context, {"read": "x"})
    text = in_order_text(ran.answer.hits, context)
    assert len(ran.answer.hits) <= 1 or len(text) < 8 * budget
    assert all(context.holds(hit.chunk) for hit in ran.answer.hits)


def test_odd_configurations_are_refused() -> None:
    with pytest.raises(ValueError, match="at least 1"):
        OpRag(budget_tokens=0)
