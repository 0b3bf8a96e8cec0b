from __future__ import annotations

from pipelines.retrieval.lara_rag import LaraRag
from tests.pipelines.conftest import make_context, run, story
from workbench.records import Question

TEXT = story(300)
ASKED = Question("q", "How many sheep does Person 3 keep?", "c", ())


def test_one_call_over_numbered_chunks() -> None:
    ran = run(LaraRag(), TEXT, {"read": "21"})
    assert (ran.steps("build"), ran.steps()) == ([], ["read"])
    (prompt,) = ran.prompts("read")
    assert [f"Chunk {i}:" in prompt for i in range(1, 7)] == [i <= len(ran.answer.hits) for i in range(1, 7)]


def test_two_dense_and_three_sparse_joined_sparse_first() -> None:
    state = run(LaraRag(chunk_tokens=100, overlap=20), TEXT, {"read": "21"}).state
    union = [hit.chunk for hit in LaraRag().candidates(ASKED, state)]
    sparse = [hit.chunk for hit in state.search(ASKED.text, 3, "sparse")]
    dense = [hit.chunk for hit in state.search(ASKED.text, 2, "dense")]
    assert union == list(dict.fromkeys(sparse + dense))


def test_the_reranker_only_reorders() -> None:
    reranked = run(LaraRag(chunk_tokens=100, overlap=20), TEXT, {"read": "21"}).answer.hits
    plain = run(LaraRag(chunk_tokens=100, overlap=20, rerank="none"), TEXT, {"read": "21"}).answer.hits
    assert {hit.chunk for hit in reranked} == {hit.chunk for hit in plain}
    assert [hit.score for hit in reranked] == sorted((hit.score for hit in reranked), reverse=True)


def test_documents_titles_are_shown() -> None:
    context = make_context(story(5), story(5, 9), titles=("One", "Two"))
    assert "Chunk 1 (One):" in run(LaraRag(), context, {"read": "21"}).prompts("read")[0]


def test_what_does_not_fit_is_dropped_and_counted() -> None:
    ran = run(LaraRag(), TEXT, {"read": "21"}, window=1_024)
    assert len(ran.answer.hits) == 1
    assert ran.answer.dropped_tokens > 1_000
