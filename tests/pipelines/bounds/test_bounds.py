"""The bounds of a comparison: nothing read, anything read, the gold evidence read, everything read."""

from __future__ import annotations

from pipelines.bounds.closed_book import ClosedBook
from pipelines.bounds.full_context import FullContext
from pipelines.bounds.oracle import Oracle
from pipelines.bounds.random_chunks import RandomChunks
from tests.pipelines.conftest import make_context, make_rig, run, story
from workbench.method.prompts import ANSWER_RULE
from workbench.records import Chunk, Question

TEXT = story(200)


def test_closed_book_asks_the_question_and_shows_no_text() -> None:
    ran = run(ClosedBook(), TEXT, {"ask": "21"}, options=("seven", "twenty-one"))
    assert (ran.steps("build"), ran.steps()) == ([], ["ask"])
    (prompt,) = ran.prompts("ask")
    assert "How many sheep does Person 3 keep?\nA. seven\nB. twenty-one" in prompt
    assert "village" not in prompt
    assert (ran.answer.text, ran.answer.hits) == ("21", ())


def test_random_chunks_are_as_many_as_asked_for_and_the_same_for_the_same_seed() -> None:
    def drawn(seed: int) -> list[Chunk]:
        return [
            hit.chunk
            for hit in run(RandomChunks(chunk_tokens=60, overlap=0), TEXT, {"read": "x"}, seed=seed).answer.hits
        ]

    assert len(set(drawn(0))) == 5
    assert drawn(0) == drawn(0)
    assert len({tuple(drawn(seed)) for seed in range(4)}) == 4
    few = run(RandomChunks(), story(3), {"read": "x"})
    assert len(few.answer.hits) == 1 and few.steps() == ["read"]


def test_the_oracle_reads_the_evidence_in_the_order_of_the_text_and_nothing_else() -> None:
    context = make_context(TEXT)
    spans = [TEXT.index(f"Person {i} keeps") for i in (90, 3)]
    evidence = tuple(Chunk.of(context.documents[0], start, start + 40) for start in spans)
    question = Question("q", "How many?", context.context_id, ("21",), evidence=evidence)
    rig = make_rig(context, {"read": "21"})
    answer = Oracle().answer(question.blind(keep_evidence=True), None, rig.bench)
    (made,) = rig.made
    assert made.prompt.index(evidence[1].text) < made.prompt.index(evidence[0].text)
    assert "Person 50 keeps" not in made.prompt
    assert [hit.chunk for hit in answer.hits] == list(evidence)
    assert run(Oracle(), TEXT, {"read": "x"}).noted("no_gold_evidence") == [True]


def test_full_context_reads_everything_once_with_the_rule_and_the_question_last() -> None:
    (prompt,) = run(FullContext(), TEXT, {"read": "21"}).prompts("read")
    assert prompt.index(TEXT) < prompt.index(ANSWER_RULE) < prompt.rindex("Question: How many sheep")
