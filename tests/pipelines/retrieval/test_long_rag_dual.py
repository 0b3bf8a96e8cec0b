from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import pytest

from pipelines.retrieval.long_rag_dual import LongRagDual, clause_chunks
from tests.pipelines.conftest import make_context, run, story
from workbench.errors import InputError
from workbench.records import Document

CONTEXT = make_context(*(story(30, 100 * i) for i in range(6)), titles=[f"Book {i}" for i in range(6)])
YES, NO = '{"status": true}', '{"status": false}'
REPLIES = {"extract": "EXTRACTED", "think": "THOUGHT", "filter": YES, "read": "21"}
SMALL = LongRagDual(words=60)


def test_ten_calls_three_in_sequence() -> None:
    ran = run(SMALL, CONTEXT, REPLIES)
    assert ran.steps("build") == []
    assert sorted(ran.steps()) == sorted(["extract", "think", *["filter"] * 7, "read"])
    assert ran.depth() == 3


def test_the_filters_share_one_thought_and_wait_for_it() -> None:
    ran = run(SMALL, CONTEXT, REPLIES)
    (think,) = [made for made in ran.made if made.step == "think"]
    for made in ran.made:
        if made.step == "filter":
            assert made.parents == (think.call.call_id,)
            assert "THOUGHT" in made.prompt
    (extract,) = [made for made in ran.made if made.step == "extract"]
    assert extract.parents == ()


def test_the_extractor_reads_whole_documents_each_once() -> None:
    ran = run(SMALL, CONTEXT, REPLIES)
    (prompt,) = ran.prompts("extract")
    read = [document.text for document in CONTEXT.documents if document.text in prompt]
    assert read and all(prompt.count(text) == 1 for text in read)


def test_the_generator_reads_kept_chunks_then_the_extract() -> None:
    def judge(prompt: str) -> str:
        return YES if "Person 3 keeps 21" in prompt else NO

    ran = run(SMALL, CONTEXT, {**REPLIES, "filter": judge})
    (prompt,) = ran.prompts("read")
    assert ran.answer.hits and all("Person 3 keeps 21" in hit.chunk.text for hit in ran.answer.hits)
    assert prompt.index("Person 3 keeps 21") < prompt.index("EXTRACTED")


@pytest.mark.parametrize(("reply", "note"), [(NO, "no_chunk_kept"), ("perhaps", "filter_unparsable")])
def test_when_no_chunk_is_kept_all_are_read(reply: str, note: str) -> None:
    ran = run(SMALL, CONTEXT, {**REPLIES, "filter": reply, "filter:reask": reply})
    assert len(ran.answer.hits) == 7
    assert ran.noted(note) == [7]


@pytest.mark.parametrize(("form", "calls"), [("extract", 2), ("filter", 9), ("chunks", 1), ("documents", 1)])
def test_the_other_forms_make_the_papers_calls(form: str, calls: int) -> None:
    ran = run(LongRagDual(form=form, words=60), CONTEXT, REPLIES)  # type: ignore[arg-type]
    assert len(ran.steps()) == calls
    (prompt,) = ran.prompts("read")
    assert ("EXTRACTED" in prompt) == (form == "extract")
    assert any(document.text in prompt for document in CONTEXT.documents) == (form == "documents")


def test_a_document_that_does_not_fit_is_read_as_its_chunks() -> None:
    ran = run(SMALL, make_context(story(300)), REPLIES, window=2_048)
    assert ran.noted("documents_read_as_chunks") == [1]
    assert "Person 3 keeps 21 sheep" in ran.prompts("extract")[0]


def test_chunks_hold_whole_clauses_share_two_and_lose_nothing() -> None:
    text = story(40) + " And a tail without a full stop"
    chunks = clause_chunks(Document("d", text), 50, 2)
    assert len(chunks) > 5
    assert chunks[0].start == 0 and chunks[-1].end == len(text)
    for before, after in pairwise(chunks):
        shared = before.text[after.start - before.start :]
        assert after.text.startswith(shared) and shared.count(".") == 2
    assert clause_chunks(Document("d", "  "), 50, 2) == []


def test_odd_configurations_are_refused() -> None:
    with pytest.raises(ValueError, match="at least 1"):
        LongRagDual(top_k=0)


def test_a_verdict_that_is_no_json_counts_by_its_word() -> None:
    def judge(prompt: str) -> str:
        return "status: True, it names her" if "Person 3 keeps 21" in prompt else "It is untrue."

    ran = run(SMALL, CONTEXT, {**REPLIES, "filter": judge, "filter:reask": judge})
    assert ran.noted("filter_unparsable") == [7]
    assert ran.answer.hits and all("Person 3 keeps 21" in hit.chunk.text for hit in ran.answer.hits)


def test_a_verdict_has_the_tokens_of_its_field() -> None:
    assert run(SMALL, CONTEXT, REPLIES).limits("filter") == {64}
    assert run(replace(SMALL, verdict_tokens=300), CONTEXT, REPLIES).limits("filter") == {300}
    with pytest.raises(InputError, match="verdict_tokens: 0"):
        LongRagDual(verdict_tokens=0)
