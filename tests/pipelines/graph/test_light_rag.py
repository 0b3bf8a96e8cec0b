from __future__ import annotations

import json
import re

import pytest

from pipelines.graph.light_rag import LightRag, in_turns
from tests.pipelines.conftest import Ran, run, story
from workbench.errors import InputError

TEXT = story(60)


def elements(prompt: str) -> str:
    facts = re.findall(r"(Person \d+) keeps (\d+) sheep in the village of (Place \d+)", prompt.partition("List the")[0])
    entities = [{"name": n, "type": "person", "description": f"{n} has {s} sheep."} for n, s, _ in facts]
    entities += [{"name": place, "type": "village", "description": "A village."} for _, _, place in facts]
    relations = [
        {"subject": n, "relation": "lives in", "object": p, "description": f"{n} lives in {p}.", "keywords": ["home"]}
        for n, _, p in facts
    ]
    return json.dumps({"entities": entities, "relations": relations})


KEYS = json.dumps({"high_level_keywords": ["home", "sheep"], "low_level_keywords": ["Person 3"]})
REPLIES = {"extract": elements, "glean": '{"entities": [], "relations": []}', "keywords": KEYS, "read": "21"}
REPLIES["merge"] = "MERGED"


def light(text: str = TEXT, replies: object = REPLIES, window: int = 8_192, **config: object) -> Ran:
    method = LightRag(**{"chunk_tokens": 100, "overlap": 0, "cosine": 0.05, **config})  # type: ignore[arg-type]
    return run(method, text, replies, window=window)  # type: ignore[arg-type]


def test_extraction_and_one_gleaning_a_chunk_then_keywords_and_reading() -> None:
    ran = light()
    m = len(ran.state.index.chunks)
    assert ran.steps("build") == ["extract"] * m + ["glean"] * m
    assert ran.depth("build") == 2
    assert (ran.steps(), ran.depth()) == (["keywords", "read"], 2)
    for chunk, prompt in zip(ran.state.index.chunks, ran.prompts("glean"), strict=True):
        assert (
            chunk.text in prompt and "were missed" in prompt and '"entities"' in prompt
        )  # the first reply stands in it


def test_no_gleaning_is_one_wave() -> None:
    ran = light(gleanings=0)
    assert ran.depth("build") == 1


def test_the_reader_gets_entities_relations_and_their_chunks() -> None:
    ran = light()
    (prompt,) = ran.prompts("read")
    assert prompt.index("Entities:") < prompt.index("Relations:") < prompt.index("Person 3 keeps 21 sheep")
    assert "Person 3 (person): Person 3 has 21 sheep." in prompt
    assert "Person 3 — Place 3: Person 3 lives in Place 3." in prompt


@pytest.mark.parametrize(("mode", "steps"), [("naive", ["read"]), ("local", ["keywords", "read"])])
def test_modes(mode: str, steps: list[str]) -> None:
    ran = light(mode=mode)
    assert ran.steps() == steps
    assert ("Entities:" in ran.prompts("read")[0]) == (mode != "naive")
    assert bool(ran.steps("build")) == (mode != "naive")


def test_the_shares_of_the_budget_hold() -> None:
    from workbench.text import count_tokens

    (prompt,) = light(budget_tokens=600, cosine=0.0).prompts("read")
    entities, _, rest = prompt.partition("Relations:\n")
    relations = rest.partition("\n\n")[0]
    assert count_tokens(entities.partition("Entities:\n")[2].strip()) <= 600 * 6 // 30
    assert count_tokens(relations) <= 600 * 8 // 30


def test_eight_descriptions_are_merged_by_one_call() -> None:
    def same(prompt: str) -> str:
        chunk = re.findall(r"Person (\d+)", prompt)[0]
        return json.dumps({"entities": [{"name": "Hub", "description": f"Seen at {chunk}."}], "relations": []})

    ran = light(replies={**REPLIES, "extract": same})
    assert len(ran.state.index.chunks) >= 8
    assert ran.steps("build").count("merge") == 1
    assert ran.depth("build") == 3
    assert list(ran.state.entities.rows.values()) == ["Hub: MERGED."]
    assert "Seen at 0." in ran.prompts("merge")[0]


@pytest.mark.parametrize("keywords", ['{"high_level_keywords": [], "low_level_keywords": []}', "none"])
def test_without_keywords_the_question_stands_for_them(keywords: str) -> None:
    ran = light(replies={**REPLIES, "keywords": keywords, "keywords:reask": keywords})
    assert ran.noted("no_keywords") == [True]
    assert "Person 3 keeps 21 sheep" in ran.prompts("read")[0]


def test_chunks_that_give_nothing_are_read_by_rule() -> None:
    replies = {**REPLIES, "extract": "?", "extract:reask": "?", "glean": "?", "glean:reask": "?"}
    ran = light(replies=replies)
    assert len(ran.noted("extraction_empty")) == len(ran.state.index.chunks)
    assert ran.state.entities.rows


def test_nothing_found_reads_the_nearest_chunks() -> None:
    ran = light(cosine=1.01)
    assert ran.noted("nothing_found") == [True]
    assert ran.answer.hits


def test_a_gleaning_that_does_not_fit_is_left_out() -> None:
    long = json.dumps({"entities": [{"name": "Ann", "description": "long " * 1_500}], "relations": []})
    ran = light(replies={**REPLIES, "extract": long}, window=2_048)
    m = len(ran.state.index.chunks)
    assert ran.noted("gleanings_that_did_not_fit") == [m]
    assert ran.steps("build") == ["extract"] * m


def test_in_turns() -> None:
    assert in_turns([1, 2], [], [1, 5, 6, 7]) == [1, 2, 5, 6, 7]


def test_a_best_chunk_over_the_budget_is_cut_not_lost() -> None:
    ran = run(LightRag(mode="naive", budget_tokens=200), story(200), {"read": "21"})
    (hit,) = ran.answer.hits
    assert hit.chunk.text in ran.prompts("read")[0]
    assert 100 < ran.model.count(hit.chunk.text) <= 200
    assert ran.noted("cut_characters")


def test_at_most_so_many_chunks_are_read_wherever_they_were_found() -> None:
    assert len(light().answer.hits) > 3
    assert len(light(chunk_top_k=3).answer.hits) == 3


def test_a_second_gleaning_goes_on_with_the_whole_chat() -> None:
    first, second = (
        json.dumps({"entities": [{"name": name, "description": "Seen."}], "relations": []}) for name in ("Ann", "Bob")
    )
    ran = light(TEXT[:300], {**REPLIES, "extract": first, "glean": second}, gleanings=2)
    prompts = ran.prompts("glean")
    assert ran.depth("build") == 3
    assert [("Ann" in p, "Bob" in p) for p in prompts] == [(True, False)] * (len(prompts) // 2) + [(True, True)] * (
        len(prompts) // 2
    )


def test_keywords_and_merged_descriptions_have_the_tokens_of_their_fields() -> None:
    def same(prompt: str) -> str:
        chunk = re.findall(r"Person (\d+)", prompt)[0]
        return json.dumps({"entities": [{"name": "Hub", "description": f"Seen at {chunk}."}], "relations": []})

    ran = light(replies={**REPLIES, "extract": same})
    assert (ran.limits("keywords"), ran.limits("merge")) == ({256}, {500})
    ran = light(replies={**REPLIES, "extract": same}, keyword_tokens=700, description_tokens=800)
    assert (ran.limits("keywords"), ran.limits("merge")) == ({700}, {800})


@pytest.mark.parametrize("field", ["keyword_tokens", "description_tokens"])
def test_a_reply_of_no_token_is_refused(field: str) -> None:
    with pytest.raises(InputError, match=f"{field}: 0"):
        LightRag(**{field: 0})  # type: ignore[arg-type]
