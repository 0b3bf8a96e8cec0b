from __future__ import annotations

import json
import re

import pytest

from pipelines.graph.graph_rag import GraphRag
from tests.pipelines.conftest import make_context, run, story
from workbench.errors import InputError

TEXT = story(120)


def facts(prompt: str) -> str:
    found = re.findall(r"(Person \d+) keeps \d+ sheep in the village of (Place \d+)", prompt)
    return json.dumps({"triples": [{"subject": p, "relation": "lives in", "object": place} for p, place in found]})


def test_by_rule_the_index_costs_nothing_and_one_call_reads_the_passage() -> None:
    ran = run(GraphRag(chunk_tokens=120, overlap=0), TEXT, {"read": "21"})
    assert (ran.steps("build"), ran.steps()) == ([], ["read"])
    assert "Person 3 keeps 21 sheep" in ran.prompts("read")[0]
    assert len(ran.answer.hits) == 5
    assert ran.noted("no_seed_entities") == []


def test_extraction_by_the_model_is_one_call_a_chunk_side_by_side() -> None:
    ran = run(GraphRag(extraction="llm", chunk_tokens=120, overlap=0), TEXT, {"extract": facts, "read": "21"})
    n = len(ran.state.index.chunks)
    assert ran.steps("build") == ["extract"] * n
    assert ran.depth("build") == 1
    assert [chunk.text in p for chunk, p in zip(ran.state.index.chunks, ran.prompts("extract"), strict=True)] == [
        True
    ] * n
    assert "Person 3 keeps 21 sheep" in ran.prompts("read")[0]


def test_an_unparsable_chunk_is_read_by_rule() -> None:
    ran = run(GraphRag(extraction="llm"), story(20), {"extract": "hm", "extract:reask": "hm", "read": "21"})
    assert ran.noted("extraction_unparsable") == [0]
    assert "place" in ran.state.graph.chunks_of  # the rule's own entities


def test_a_small_window_shrinks_chunks_and_replies_and_says_so() -> None:
    ran = run(GraphRag(extraction="llm"), TEXT, {"extract": facts, "read": "21"}, window=700)
    assert ran.noted("chunk_tokens_reduced_to") and ran.noted("note_tokens_reduced_to")
    assert all(made.call.prompt_tokens < 700 for made in ran.made)


def test_reports_on_communities_are_read_above_the_passages() -> None:
    context = make_context("Ada met Bo. Bo met Cy. Cy met Ada. " * 3)
    ran = run(
        GraphRag(community_summaries=True), context, {"report": "REPORTED", "read": "Bo"}, question="Whom met Ada?"
    )
    assert ran.steps("build") == ["report"]
    assert "ada — appears with — bo" in ran.prompts("report")[0].lower()
    prompt = ran.prompts("read")[0]
    assert prompt.index("REPORTED") < prompt.index("Ada met Bo")


def test_a_question_without_names_is_ranked_by_meaning() -> None:
    ran = run(GraphRag(chunk_tokens=120), TEXT, {"read": "x"}, question="how many sheep in the village?")
    assert ran.noted("no_seed_entities") == [True]
    assert len(ran.answer.hits) == 5


def test_reports_keep_to_a_small_window() -> None:
    context = make_context("Ada met Bo. Bo met Cy. Cy met Ada. " * 3)
    ran = run(
        GraphRag(community_summaries=True), context, {"report": "told " * 400, "read": "Bo"}, window=400,
        question="Whom met Ada?",
    )  # fmt: skip
    assert ran.noted("note_tokens_reduced_to") and ran.noted("cut_characters")
    assert all(made.call.prompt_tokens < 400 for made in ran.made)
    prompt = ran.prompts("read")[0]
    assert "told told" in prompt and "Ada met Bo" in prompt


def test_an_empty_report_is_noted_and_not_read() -> None:
    context = make_context("Ada met Bo. Bo met Cy. Cy met Ada. " * 3)
    ran = run(GraphRag(community_summaries=True), context, {"report": "", "read": "Bo"}, question="Whom met Ada?")
    assert ran.noted("empty_reports") == [1]
    assert ran.prompts("read")[0].startswith("<user>\nAda met Bo")


def test_extracted_facts_have_the_tokens_of_their_field() -> None:
    replies = {"extract": facts, "read": "21"}
    assert run(GraphRag(extraction="llm"), TEXT, replies).limits("extract") == {1_024}
    assert run(GraphRag(extraction="llm", facts_tokens=2_000), TEXT, replies).limits("extract") == {2_000}
    with pytest.raises(InputError, match="facts_tokens: 0"):
        GraphRag(facts_tokens=0)
