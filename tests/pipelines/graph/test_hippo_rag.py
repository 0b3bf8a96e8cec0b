from __future__ import annotations

import json
import re
from dataclasses import replace

import pytest

from pipelines.graph.hippo_rag import HippoRag, scaled, sentence, synonyms
from tests.pipelines.conftest import Rig, make_context, make_rig, run, story
from workbench.errors import InputError
from workbench.retrieval.graphs.entity_graph import Triple

TEXT = story(60)
QUESTION = "How many sheep does Person 3 keep?"


def triples(prompt: str) -> str:
    facts = re.findall(r"(Person \d+) keeps (\d+ sheep) in the village of (Place \d+)", prompt)
    return json.dumps(
        {
            "triples": [{"subject": p, "relation": "keeps", "object": s} for p, s, _ in facts]
            + [{"subject": p, "relation": "lives in", "object": place} for p, _, place in facts]
        }
    )


def keep(prompt: str) -> str:
    return json.dumps({"facts": re.findall(r"^Person 3 .*$", prompt, re.M)})


REPLIES = {"names": '{"entities": ["Person A", "Place B"]}', "triples": triples, "filter": keep, "read": "21"}
SMALL = HippoRag(chunk_tokens=60)


def test_two_waves_of_index_calls_then_filter_and_read() -> None:
    ran = run(SMALL, TEXT, REPLIES)
    m = len(ran.state.index.chunks)
    assert ran.steps("build") == ["names"] * m + ["triples"] * m
    assert ran.depth("build") == 2
    assert (ran.steps(), ran.depth()) == (["filter", "read"], 2)
    assert all("Named entities of the text above: Person A; Place B" in prompt for prompt in ran.prompts("triples"))


def test_the_filter_sees_the_five_nearest_facts_and_the_reader_the_passage() -> None:
    ran = run(SMALL, TEXT, REPLIES)
    (prompt,) = ran.prompts("filter")
    nearest = [sentence(ran.state.triples[i]) for i, _ in ran.state.facts.dense(QUESTION, 5)]
    assert [line in prompt for line in nearest] == [True] * 5
    assert "Person 3 keeps 21 sheep" in ran.answer.hits[0].chunk.text
    assert len(ran.answer.hits) == 5
    assert ran.noted("facts_kept")[0] >= 1


@pytest.mark.parametrize("reply", ['{"facts": []}', '{"facts": ["The moon is made of cheese."]}', "perhaps"])
def test_with_no_fact_kept_the_ranking_is_dense(reply: str) -> None:
    ran = run(SMALL, TEXT, {**REPLIES, "filter": reply, "filter:reask": reply})
    assert list(ran.answer.hits) == ran.state.index.search(QUESTION, 5, "dense")
    assert ran.noted("facts_kept") == [0]


def test_a_phrase_weighs_its_score_by_the_passages_that_hold_it() -> None:
    ran = run(SMALL, TEXT, REPLIES)
    rig: Rig = make_rig(make_context(TEXT), REPLIES)
    from workbench.records import Question

    weights = SMALL._phrases(Question("q", QUESTION, "c", ()), ran.state, rig.bench)
    assert set(weights) <= {"person 3", "21 sheep", "place 3"}
    ranked = ran.state.facts.dense(QUESTION, len(ran.state.facts))
    scores = scaled([score for _, score in ranked])
    texts = [sentence(ran.state.triples[i]) for i, _ in ranked]
    fact = scores[texts.index("Person 3 keeps 21 sheep.")]
    assert weights["21 sheep"] == pytest.approx(fact / len(ran.state.graph.chunks_of["21 sheep"]))


def test_an_unparsable_passage_is_indexed_by_rule() -> None:
    replies = {**REPLIES, "names": "?", "names:reask": "?", "triples": "?", "triples:reask": "?"}
    ran = run(SMALL, TEXT, replies)
    m = len(ran.state.index.chunks)
    assert len(ran.noted("names_unparsable")) == len(ran.noted("triples_unparsable")) == m
    assert "person" in ran.state.graph.chunks_of  # a name of the rule: numbers of one digit are none


def test_without_facts_there_is_nothing_to_filter() -> None:
    ran = run(SMALL, TEXT, {**REPLIES, "triples": '{"triples": []}'})
    assert ran.steps() == ["read"]


def test_synonyms_are_linked_unless_short() -> None:
    bench = make_rig(make_context(TEXT), REPLIES).bench
    pairs = synonyms(["the old mill", "old mill", "harbour", "ab"], bench, 0.8)
    assert [(a, b) for a, b, _ in pairs] == [("the old mill", "old mill")]


def test_scaling_and_wording() -> None:
    assert scaled([1.0, 3.0, 2.0]) == [0.0, 1.0, 0.5]
    assert scaled([2.0]) == [1.0] and scaled([]) == []
    assert sentence(Triple("Ann ", "met", "Bo", 0)) == "Ann met Bo."


def test_a_fact_that_many_passages_state_is_one_of_the_five() -> None:
    def repeated(prompt: str) -> str:
        shared = [{"subject": "Person 3", "relation": "keeps", "object": "sheep"}]
        return json.dumps({"triples": [*shared, *json.loads(triples(prompt))["triples"]]})

    ran = run(SMALL, TEXT, {**REPLIES, "triples": repeated})
    assert len(ran.state.index.chunks) > 5  # as many passages state it
    (prompt,) = ran.prompts("filter")
    lines = [line for line in prompt.splitlines() if re.match(r"(<user>)?Person \d+ (keeps|lives in) .*\.$", line)]
    assert len(lines) == len(set(lines)) == 5


def test_the_kept_facts_have_the_tokens_of_their_field() -> None:
    assert run(SMALL, TEXT, REPLIES).limits("filter") == {512}
    ran = run(replace(SMALL, filter_tokens=900), TEXT, REPLIES)
    assert (ran.limits("filter"), ran.limits("names")) == ({900}, {1_024})
    with pytest.raises(InputError, match="filter_tokens: 0"):
        HippoRag(filter_tokens=0)
