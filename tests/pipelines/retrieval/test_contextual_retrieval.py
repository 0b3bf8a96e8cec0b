from __future__ import annotations

from pipelines.retrieval.contextual_retrieval import ContextualRetrieval
from tests.pipelines.conftest import make_context, run, story

TEXT = story(120)


def test_one_index_call_a_chunk_side_by_side_then_one_call() -> None:
    ran = run(ContextualRetrieval(chunk_tokens=100, top_k=3), TEXT, {"situate": "About shepherds.", "read": "21"})
    m = len(ran.state.chunks)
    assert m > 10
    assert (ran.steps("build"), ran.steps()) == (["situate"] * m, ["read"])
    assert (ran.depth("build"), ran.depth()) == (1, 1)


def test_every_prompt_begins_with_the_whole_document_and_holds_its_chunk() -> None:
    context = make_context(TEXT, story(60, 500))
    ran = run(ContextualRetrieval(chunk_tokens=100), context, {"situate": "Shepherds.", "read": "21"})
    for chunk, prompt in zip(ran.state.chunks, ran.prompts("situate"), strict=True):
        document = context.document(chunk.document_id).text
        assert prompt.startswith(f"<user>\n<document>\n{document}\n</document>")  # so that a prefix cache holds it
        assert f"<chunk>\n{chunk.text}\n</chunk>" in prompt


def test_a_context_makes_a_chunk_findable_but_is_not_read() -> None:
    def situate(prompt: str) -> str:
        chunk = prompt.partition("<chunk>")[2]
        return "The zeppelin chapter." if "Person 77 keeps" in chunk else "Shepherds."

    ran = run(
        ContextualRetrieval(chunk_tokens=60, top_k=1), TEXT, {"situate": situate, "read": "x"}, question="A zeppelin?"
    )
    assert "Person 77 keeps" in ran.answer.hits[0].chunk.text
    assert "The zeppelin chapter" not in ran.prompts("read")[0]


def test_scores_are_the_announced_fusion() -> None:
    ran = run(ContextualRetrieval(chunk_tokens=100), TEXT, {"situate": "Shepherds.", "read": "21"})
    asked = "How many sheep does Person 3 keep?"
    dense = [p for p, _ in ran.state.index.dense(asked, 150)]
    sparse = [p for p, _ in ran.state.index.sparse(asked, 150)]
    for hit in ran.answer.hits:
        p = ran.state.chunks.index(hit.chunk)
        expected = 0.8 / (dense.index(p) + 1) + (0.2 / (sparse.index(p) + 1) if p in sparse else 0)
        assert abs(hit.score - expected) < 1e-9


def test_a_document_over_the_window_is_shown_in_parts() -> None:
    ran = run(ContextualRetrieval(chunk_tokens=100), TEXT, {"situate": "Shepherds.", "read": "21"}, window=1_024)
    assert ran.noted("documents_shown_in_parts") == [1]
    for chunk, prompt in zip(ran.state.chunks, ran.prompts("situate"), strict=True):
        part = prompt.partition("</document>")[0]
        assert chunk.text[:40] in part


def test_an_empty_context_leaves_the_chunk_alone() -> None:
    ran = run(ContextualRetrieval(chunk_tokens=100), TEXT, {"situate": "", "read": "21"})
    assert ran.noted("empty_contexts") == [len(ran.state.chunks)]
    assert ran.state.index.texts == tuple(chunk.text for chunk in ran.state.chunks)


def test_chunks_shrink_in_a_small_window() -> None:
    ran = run(ContextualRetrieval(), TEXT, {"situate": "Shepherds.", "read": "21"}, window=1_024)
    assert ran.noted("chunk_tokens_reduced_to")[0] < 400
