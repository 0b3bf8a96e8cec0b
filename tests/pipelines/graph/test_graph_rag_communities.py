from __future__ import annotations

import json
import re
from itertools import pairwise

import pytest

from pipelines.graph.graph_rag_communities import GraphRagCommunities, Reported, elements_around, reported_from
from tests.pipelines.conftest import Ran, make_context, make_rig, run
from workbench.errors import InputError
from workbench.retrieval.graphs.knowledge_graph import Community
from workbench.text import count_tokens

# Two villages whose people know each other, joined by one pair.
TEXT = " ".join(f"{a} of {v} knows {b} of {v}." for v in ("Aby", "Bro") for a in "KLMNP" for b in "KLMNP" if a < b)
TEXT += " K of Aby knows K of Bro."
BENCH = make_rig(make_context(TEXT), "").bench


def elements(prompt: str) -> str:
    pairs = re.findall(r"(\w of \w+) knows (\w of \w+)", prompt.partition("List the")[0])
    names = dict.fromkeys(name for pair in pairs for name in pair)
    return json.dumps(
        {
            "entities": [{"name": n, "type": "person", "description": f"{n} is a person."} for n in names],
            "relations": [{"subject": a, "relation": "knows", "object": b, "strength": 5} for a, b in pairs],
        }
    )


def report(prompt: str) -> str:
    village = "Aby" if prompt.count("Aby") > prompt.count("Bro") else "Bro"
    found = [{"summary": f"All of {village} know each other.", "explanation": "Ten pairs."}]
    return json.dumps({"title": f"People of {village}", "summary": "Friends.", "rating": 7, "findings": found})


REPLIES = {
    "extract": elements,
    "glean": '{"entities": [], "relations": []}',
    "merge": "MERGED",
    "report": report,
    "read": "L",
    "map": '{"points": [{"description": "K knows L.", "score": 80}, {"description": "noise", "score": 0}]}',
    "reduce": "L",
}


def graphrag(replies: object = REPLIES, window: int = 8_192, text: str = TEXT, **config: object) -> Ran:
    method = GraphRagCommunities(**{"chunk_tokens": 80, "overlap": 0, **config})  # type: ignore[arg-type]
    return run(method, text, replies, question="Whom does K of Aby know?", window=window)  # type: ignore[arg-type]


def test_index_calls_are_two_a_chunk_and_one_a_community_level_by_level() -> None:
    ran = graphrag()
    m, communities = len(ran.state.index.chunks), [r.community for r in ran.state.reports]
    levels = {community.level for community in communities}
    assert ran.steps("build") == ["extract"] * m + ["glean"] * m + ["report"] * len(communities)
    assert ran.depth("build") == 2 + len(levels)
    assert m > 1 and communities


def test_communities_are_the_villages() -> None:
    ran = graphrag()
    tops = [r.community.members for r in ran.state.reports if r.community.level == 0]
    assert sorted(tops) == [tuple(f"{a} of {v}".lower() for a in "KLMNP") for v in ("Aby", "Bro")]


def test_local_search_is_one_call_over_reports_elements_and_chunks() -> None:
    ran = graphrag()
    assert (ran.steps(), ran.depth()) == (["read"], 1)
    (prompt,) = ran.prompts("read")
    places = [
        prompt.index(s)
        for s in ("People of Aby", "K of Aby (person): K of Aby is a person.", "K of Aby knows L of Aby.")
    ]
    assert places[0] < places[1] < prompt.rindex("K of Aby knows L of Aby.")
    assert ran.answer.hits


def test_relations_inside_the_found_come_before_those_to_others() -> None:
    ran = graphrag()
    pairs = [("k of aby", "l of aby"), *((a, f"{b} of aby") for b in "mnp" for a in ("k of aby", "l of aby"))]
    rows = elements_around(["k of aby", "l of aby"], 1_000, ran.state.graph, BENCH)
    assert rows[:2] == ["K of Aby (person): K of Aby is a person.", "L of Aby (person): L of Aby is a person."]
    told = [row.partition(": ")[0].lower() for row in rows[2:]]
    assert told[0] == " — ".join(pairs[0])
    # the others' entities are related to both, so that the more central end decides: K also knows K of Bro
    assert told[1:] == [
        *(" — ".join(pair) for pair in pairs[1:] if "k of aby" in pair),
        *(" — ".join(pair) for pair in pairs[1:] if "l of aby" in pair),
        "k of aby — k of bro",
    ]


def test_the_sections_keep_their_shares() -> None:
    (prompt,) = graphrag(budget_tokens=400).prompts("read")
    assert count_tokens(prompt.partition("\n\nAnswer the question")[0]) <= 400 + 16


def test_global_search_maps_batches_of_reports_and_reduces_scored_points() -> None:
    ran = graphrag(search="global", budget_tokens=30)
    b = ran.steps().count("map")
    assert ran.steps() == ["map"] * b + ["reduce"]
    assert b == len(GraphRagCommunities()._selected(ran.state)) > 1
    assert ran.depth() == 2
    shown = "".join(ran.prompts("map"))
    assert all(shown.count(r.text[:20]) >= 1 for r in GraphRagCommunities()._selected(ran.state))
    (reduce,) = ran.prompts("reduce")
    assert "Analyst 1: K knows L." in reduce and "noise" not in reduce


def test_without_a_scored_point_there_is_no_last_call() -> None:
    ran = graphrag({**REPLIES, "map": '{"points": []}'}, search="global")
    assert set(ran.steps()) == {"map"}
    assert ran.answer.text == "unanswerable"
    assert ran.noted("no_point_scored")


def test_several_descriptions_are_merged_by_a_call_each() -> None:
    def by_part(prompt: str) -> str:
        said = json.loads(elements(prompt))
        for entity in said["entities"]:
            entity["description"] += f" Seen beside {len(prompt)}."
        return json.dumps(said)

    ran = graphrag({**REPLIES, "extract": by_part})
    merged = [entity for entity in ran.state.graph.entities.values() if entity.descriptions == ["MERGED"]]
    assert ran.steps("build").count("merge") == len(merged) > 0
    assert all(len(entity.descriptions) == 1 for entity in ran.state.graph.entities.values())


def test_an_empty_merge_keeps_what_was_told() -> None:
    def by_part(prompt: str) -> str:
        said = json.loads(elements(prompt))
        for entity in said["entities"]:
            entity["description"] += f" Seen beside {len(prompt)}."
        return json.dumps(said)

    ran = graphrag({**REPLIES, "extract": by_part, "merge": ""})
    assert ran.noted("empty_merges") == [ran.steps("build").count("merge")]
    assert any(len(entity.descriptions) > 1 for entity in ran.state.graph.entities.values())


@pytest.mark.parametrize(("step", "note"), [("report", "report_unparsable"), ("map", "map_unparsable")])
def test_unparsable_replies_are_noted(step: str, note: str) -> None:
    ran = graphrag({**REPLIES, step: "hm", f"{step}:reask": "hm"}, search="global")
    assert ran.noted(note)


def test_a_community_too_long_is_reported_from_its_parts() -> None:
    names = [f"{letter} of Long" for letter in "ABCDEFGHIJKLMNOPQRSTUVW"]
    chain = " ".join(f"{a} knows {b}." for a, b in pairwise(names))
    ran = graphrag(text=chain, community_size=3, report_input_tokens=60)
    assert ran.noted("reported_from_part")
    assert any("All of" in prompt.partition("Above are")[0] for prompt in ran.prompts("report"))


def test_odd_configurations_are_refused() -> None:
    with pytest.raises(ValueError, match="at least 1"):
        GraphRagCommunities(top_k=0)


def test_relations_are_taken_in_entity_by_entity_while_they_fit() -> None:
    graph = graphrag().state.graph
    near = [f"{letter} of aby" for letter in "klmnp"]
    whole = elements_around(near, 1_000, graph, BENCH)
    assert len(whole) == 5 + 10 + 1  # the entities, their pairs, and the one to Bro
    sizes = {len(elements_around(near, room, graph, BENCH)) for room in range(40, 400, 2)}
    # relations of the first one, two, three, four: among them, and to the two or more others
    assert {size for size in sizes if size > 5} == {5 + 0 + 5, 5 + 1 + 7, 5 + 3 + 7, 5 + 6 + 5}


def test_a_report_rests_on_relations_with_their_entities_the_most_central_first() -> None:
    ran = graphrag()
    (aby,) = [r.community for r in ran.state.reports if r.community.level == 0 and "k of aby" in r.community.members]
    rows = reported_from(aby, [], 1_000, ran.state.graph, BENCH).split("\n")
    assert [row.partition(": ")[0] for row in rows[:3]] == [
        "K of Aby (person)",
        "L of Aby (person)",
        "K of Aby — L of Aby",
    ]
    assert len(rows) == 5 + 10


def test_what_is_inside_of_a_part_gives_way_to_its_report() -> None:
    ran = graphrag()
    (aby,) = [r.community for r in ran.state.reports if r.community.level == 0 and "k of aby" in r.community.members]
    inside = Reported(Community(99, 1, aby.number, ("k of aby", "l of aby", "m of aby")), "PART", 5.0, 1)
    whole = BENCH.count(reported_from(aby, [inside], 1_000, ran.state.graph, BENCH))
    rows = reported_from(aby, [inside], whole - 1, ran.state.graph, BENCH).split("\n")
    heads = {row.partition(": ")[0] for row in rows}
    assert rows[0] == "PART"
    assert "K of Aby — L of Aby" not in heads and "K of Aby (person)" not in heads
    assert {"K of Aby — N of Aby", "N of Aby (person)", "N of Aby — P of Aby"} < heads
    assert len(rows) == 1 + 2 + 7


def test_points_and_merged_descriptions_have_the_tokens_of_their_fields() -> None:
    def by_part(prompt: str) -> str:
        said = json.loads(elements(prompt))
        for entity in said["entities"]:
            entity["description"] += f" Seen beside {len(prompt)}."
        return json.dumps(said)

    replies = {**REPLIES, "extract": by_part}
    ran = graphrag(replies, search="global")
    assert (ran.limits("map"), ran.limits("merge")) == ({1_000}, {500})
    ran = graphrag(replies, search="global", points_tokens=1_500, description_tokens=800)
    assert (ran.limits("map"), ran.limits("merge")) == ({1_500}, {800})


@pytest.mark.parametrize("field", ["points_tokens", "description_tokens"])
def test_a_reply_of_no_token_is_refused(field: str) -> None:
    with pytest.raises(InputError, match=f"{field}: 0"):
        GraphRagCommunities(**{field: 0})  # type: ignore[arg-type]
