from __future__ import annotations

import json
import re
from typing import Any

import pytest

from pipelines.agents.graph_reader import GraphReader
from tests.pipelines.conftest import Ran, run, story
from workbench.errors import InputError
from workbench.llm.reading.extractive import ExtractiveReader

TEXT = story(80)
SMALL: dict[str, Any] = {"chunk_tokens": 120, "paths": 2}


def facts(prompt: str) -> str:
    found = re.findall(r"(Person \d+) keeps (\d+ sheep) in the village of (Place \d+)", prompt)
    return json.dumps(
        {"facts": [{"fact": f"{n} keeps {s} in {p}.", "key_elements": [n, "sheep", p]} for n, s, p in found]}
    )


def says(**fields: object) -> str:
    return json.dumps({"notebook": "NOTED", "chunks": [], **fields})


STARTS = json.dumps({"nodes": [{"node": "Person 3", "score": 90}, {"node": "person 40", "score": 80}]})
REPLIES: dict[str, Any] = {
    "facts": facts,
    "plan": "PLANNED",
    "start": STARTS,
    "read_facts": says(action="read_chunk", chunks=[0]),
    "read_chunk": says(action="termination", notebook="Person 3 keeps 21 sheep."),
    "neighbours": says(action="termination"),
    "answer": "21",
}


def reader(**replies: object) -> Ran:
    return run(GraphReader(**SMALL), TEXT, {**REPLIES, **replies})


def test_one_index_call_a_chunk_and_the_shortest_walk() -> None:
    ran = reader()
    n = len(ran.state.graph.chunks)
    assert ran.steps("build") == ["facts"] * n and ran.depth("build") == 1 < n
    assert sorted(ran.steps()) == ["answer", "plan", "read_chunk", "read_chunk", "read_facts", "read_facts", "start"]
    assert ran.depth() == 3 + 2
    assert ran.noted("calls_per_path") == [[2, 2]]


def test_elements_are_joined_where_they_share_a_fact() -> None:
    state = reader().state.graph
    assert set(state.neighbours["person 3"]) == {"sheep", "place 3"}
    for name, near in state.neighbours.items():
        assert all(name in state.neighbours[other] for other in near)
    assert len(state.facts_of["sheep"]) == len(state.facts) == 80


def test_every_step_carries_question_plan_actions_and_notebook() -> None:
    ran = reader()
    for prompt in (*ran.prompts("read_facts"), *ran.prompts("read_chunk")):
        assert "How many sheep does Person 3 keep?" in prompt and "PLANNED" in prompt
    assert all("Notebook:\n(empty)" in prompt for prompt in ran.prompts("read_facts"))
    assert all("read the facts of" in p and "Notebook:\nNOTED" in p for p in ran.prompts("read_chunk"))
    assert all(ran.state.graph.chunks[0] in prompt for prompt in ran.prompts("read_chunk"))
    assert "PLANNED" in ran.prompts("start")[0] and "person 3\n" in ran.prompts("start")[0]


def test_the_answer_is_made_from_all_notebooks_and_no_chunk() -> None:
    (prompt,) = reader().prompts("answer")
    assert prompt.count("Person 3 keeps 21 sheep.") == 2
    assert "in the village of" not in prompt


def test_paths_run_side_by_side() -> None:
    ran = reader()
    (start,) = [made for made in ran.made if made.step == "start"]
    assert [made.parents for made in ran.made if made.step == "read_facts"] == [(start.call.call_id,)] * 2


def test_an_agent_reads_neighbouring_chunks_it_asks_for() -> None:
    def on(prompt: str) -> str:
        return says(action="termination" if "Person 20 keeps" in prompt else "read_subsequent_chunk")

    ran = reader(read_chunk=on)
    numbers = [
        ran.state.graph.chunks.index(next(c for c in ran.state.graph.chunks if c in p))
        for p in ran.prompts("read_chunk")
    ]
    assert sorted(set(numbers)) == list(range(max(numbers) + 1))
    assert max(numbers) > 0


def test_ten_calls_end_a_path() -> None:
    def chained(prompt: str) -> str:
        numbers = [int(number) for number in re.findall(r"Person (\d+)", prompt)]
        linked = [{"fact": f"{i} meets {i + 1}.", "key_elements": [f"Person {i}", f"Person {i + 1}"]} for i in numbers]
        return json.dumps({"facts": linked})

    def next_one(prompt: str) -> str:
        names = re.findall(r"^person \d+$", prompt, re.M)
        return json.dumps({"action": "read_neighbor_node", "node": names[-1]})

    ran = reader(facts=chained, read_facts=says(action="stop_and_read_neighbor"), neighbours=next_one)
    assert ran.noted("calls_per_path") == [[10, 10]]
    assert ran.depth() == 3 + 10


def test_stopping_at_once_is_facts_and_neighbours_only() -> None:
    ran = reader(read_facts=says(action="stop_and_read_neighbor"))
    assert "read_chunk" not in ran.steps()
    assert ran.noted("calls_per_path") == [[2, 2]]


@pytest.mark.parametrize("chunks", [[], [999]])
def test_reading_without_a_valid_number_reads_the_nodes_chunks(chunks: list[int]) -> None:
    ran = reader(read_facts=says(action="read_chunk", chunks=chunks))
    assert any("Person 3 keeps" in prompt for prompt in ran.prompts("read_chunk"))
    assert len(ran.noted("no_valid_chunk")) == 2


def test_no_valid_start_is_by_embedding() -> None:
    ran = reader(start='{"nodes": []}')
    assert ran.noted("start_by_embedding") == [True]
    assert len(ran.prompts("read_facts")) == 2


def test_an_unparsable_step_ends_its_path() -> None:
    ran = reader(**{"read_facts": "hm", "read_facts:reask": "hm"})
    assert ran.noted("path_ended_unparsable") == ["read_facts", "read_facts"]
    assert ran.noted("calls_per_path") == [[1, 1]]
    assert ran.answer.text == "21"


def test_chunks_without_facts_are_read_by_rule_and_the_embedded_reader_gets_through() -> None:
    ran = run(GraphReader(), story(60), ExtractiveReader(4_096), window=4_096)
    assert ran.noted("facts_by_rule")
    assert ran.steps()[0] == "plan" and ran.steps()[-1] == "answer"


def test_of_a_hub_the_facts_nearest_to_plan_and_question_are_shown() -> None:
    start = json.dumps({"nodes": [{"node": "sheep", "score": 90}]})
    method = GraphReader(chunk_tokens=300, paths=1)
    question = "How many sheep does Person 77 keep in Place 77?"
    replies = {
        **REPLIES,
        "start": start,
        "plan": "Find Person 77.",
        "read_facts": says(action="read_chunk", chunks=[0]),
    }
    ran = run(method, story(150), replies, window=1_400, question=question)
    (prompt,) = ran.prompts("read_facts")
    assert "Person 77 keeps 539 sheep" in prompt
    assert ran.noted("read_facts_lines_left_out")[0] > 20
    shown = [int(number) for number in re.findall(r"^Chunk \d+: Person (\d+)", prompt, re.M)]
    assert shown == sorted(shown)


def test_a_chunk_of_two_thousand_tokens_is_read_whole_in_the_papers_window() -> None:
    text = story(600)
    ran = run(GraphReader(), text, REPLIES)
    assert max(ran.model.count(chunk) for chunk in ran.state.graph.chunks) > 1_900
    assert ran.noted("chunk_tokens_reduced_to") == ran.noted("cut_characters") == []
    assert any(chunk in prompt for chunk in ran.state.graph.chunks for prompt in ran.prompts("read_chunk"))
    # all key elements are scored in the model's window, as in the paper; the agents keep to theirs
    assert all(made.call.prompt_tokens < 4_096 for made in ran.made if made.step != "start")


def test_chunks_keep_paragraphs() -> None:
    ran = run(GraphReader(chunk_tokens=120), "\n\n".join(story(5, 10 * i) for i in range(8)), REPLIES)
    assert len(ran.state.graph.chunks) == 8


def test_a_misspelt_node_is_the_closest_one_and_one_that_is_none_ends_the_path() -> None:
    start = json.dumps({"nodes": [{"node": "Persons 3", "score": 90}, {"node": "zebra", "score": 80}]})
    choice = json.dumps({"action": "read_neighbor_node", "node": "zebra"})
    ran = reader(start=start, read_facts=says(action="stop_and_read_neighbor"), neighbours=choice)
    assert ran.noted("closest_node") == ["Persons 3 → person 3"]
    assert ran.noted("no_such_neighbour") == ["zebra"]
    assert ran.noted("calls_per_path") == [[2]]


def test_an_agent_that_notes_nothing_is_noted() -> None:
    ran = reader(read_facts=says(action="stop_and_read_neighbor", notebook=""))
    assert ran.noted("notebooks_empty") == [2]
    assert ran.prompts("answer")


def test_a_long_question_leaves_the_past_actions_out_of_the_papers_window() -> None:
    def chained(prompt: str) -> str:
        numbers = [int(number) for number in re.findall(r"Person (\d+)", prompt)]
        named = [f"the very old shepherd of the far valley {i}" for i in range(max(numbers, default=0) + 2)]
        return json.dumps({"facts": [{"fact": "They met.", "key_elements": named[i : i + 2]} for i in numbers]})

    def next_one(prompt: str) -> str:
        return json.dumps({"action": "read_neighbor_node", "node": prompt.removeprefix("<user>\n").splitlines()[0]})

    start = json.dumps({"nodes": [{"node": "very old shepherd of the far valley 0", "score": 90}]})
    stop = says(action="stop_and_read_neighbor", notebook="word " * 90)
    replies = {
        **REPLIES,
        "plan": "word " * 90,
        "facts": chained,
        "start": start,
        "read_facts": stop,
        "neighbours": next_one,
    }
    question = "Who keeps sheep, " + "why, " * 1_850 + "in Place 7?"
    ran = run(GraphReader(chunk_tokens=120, paths=1), story(40), replies, question=question, window=16_384)
    assert ran.noted("calls_per_path") == [[10]]
    assert ran.noted("past_actions_left_out")
    assert all(made.call.prompt_tokens < 4_096 for made in ran.made if made.step in ("read_facts", "neighbours"))


def test_atomic_facts_have_the_tokens_of_their_field() -> None:
    assert reader().limits("facts") == {1_024}
    assert run(GraphReader(**SMALL, facts_tokens=1_500), TEXT, REPLIES).limits("facts") == {1_500}
    with pytest.raises(InputError, match="facts_tokens: 0"):
        GraphReader(facts_tokens=0)
