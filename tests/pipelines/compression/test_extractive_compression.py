from __future__ import annotations

import json

import pytest

from pipelines.compression.extractive_compression import ExtractiveCompression
from tests.pipelines.conftest import make_context, run, story
from workbench.errors import InputError

TEXT = story(200)
SENTENCE = "Person 3 keeps 21 sheep in the village of Place 3."


def picks(prompt: str) -> str:
    lines = [line for line in prompt.split("\n") if line.startswith("[")]
    return json.dumps({"numbers": [i for i, line in enumerate(lines, 1) if "Person 3 keeps" in line]})


def test_embedding_scored_sentences_are_read_in_one_call_and_are_spans_of_the_text() -> None:
    context = make_context(TEXT)
    ran = run(
        ExtractiveCompression(retriever="sparse"), context, {"read": "21"}, question="Which Person lives in Place 77?"
    )
    assert ran.steps() == ["read"]
    assert len(ran.answer.hits) == 2
    assert all(context.holds(hit.chunk) for hit in ran.answer.hits)
    assert ran.answer.hits[0].chunk.text.endswith("village of Place 77.")
    assert ran.prompts("read")[0].count("in the village of") == 2


def test_model_scored_sentences_cost_a_call_per_passage_side_by_side() -> None:
    ran = run(ExtractiveCompression(scorer="model"), TEXT, {"pick": picks, "read": "21"})
    assert ran.steps() == ["pick"] * 5 + ["read"]
    assert ran.depth() == 2
    (read,) = ran.prompts("read")
    assert SENTENCE in read and read.count("in the village of") == 1


def test_the_first_choice_of_every_passage_comes_before_the_second_of_any() -> None:
    ran = run(ExtractiveCompression(scorer="model", sentences=5), TEXT, {"pick": '{"numbers": [2, 1]}', "read": "x"})
    seconds = [prompt.split("[2] ")[1].split("\n")[0] for prompt in ran.prompts("pick")]
    assert all(sentence in ran.prompts("read")[0] for sentence in seconds)


def test_neighbours_of_a_chosen_sentence_are_read_too_in_document_order() -> None:
    ran = run(ExtractiveCompression(scorer="model", sentences=1, neighbours=1), TEXT, {"pick": picks, "read": "21"})
    read = ran.prompts("read")[0]
    places = [read.index(f"Person {i} keeps") for i in (2, 3, 4)]
    assert places == sorted(places)
    assert read.count("in the village of") == 3


def test_without_a_usable_choice_the_embedding_decides() -> None:
    for reply in ('{"numbers": []}', '{"numbers": [99, -4]}', "prose"):
        ran = run(ExtractiveCompression(scorer="model"), TEXT, {"pick": reply, "pick:reask": reply, "read": "21"})
        assert ran.noted("nothing_picked") == [True]
        assert len(ran.answer.hits) == 2


def test_sentences_are_read_in_the_order_of_the_document() -> None:
    ran = run(ExtractiveCompression(sentences=8), TEXT, {"read": "x"})
    read = ran.prompts("read")[0]
    order = [hit.chunk.start for hit in sorted(ran.answer.hits, key=lambda hit: read.index(hit.chunk.text))]
    assert order == sorted(order)


def test_a_pick_has_the_tokens_of_its_field() -> None:
    replies = {"pick": picks, "read": "21"}
    assert run(ExtractiveCompression(scorer="model"), TEXT, replies).limits("pick") == {96}
    assert run(ExtractiveCompression(scorer="model", pick_tokens=400), TEXT, replies).limits("pick") == {400}
    with pytest.raises(InputError, match="pick_tokens: 0"):
        ExtractiveCompression(pick_tokens=0)
