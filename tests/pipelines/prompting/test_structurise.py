from __future__ import annotations

import json

from pipelines.prompting.structurise import Structurise
from tests.pipelines.conftest import run, story
from workbench.text import sentences

TEXT = story(10)


def outline(*aspects: tuple[str, int, int], scope: str = "Shepherds") -> str:
    rows = [{"title": title, "first": first, "last": last} for title, first, last in aspects]
    return json.dumps({"scope": scope, "aspects": rows})


def test_outlines_are_made_once_side_by_side_and_one_call_reads_them() -> None:
    ran = run(Structurise(part_tokens=300), story(100), {"outline": outline(("All", 1, 99)), "read": "21"})
    n = ran.steps("build").count("outline")
    assert n >= 4
    assert (ran.steps("build"), ran.depth("build"), ran.steps()) == (["outline"] * n, 1, ["read"])
    assert ran.prompts("read")[0].count("About: Shepherds") == n


def test_sentences_are_numbered_for_the_model_and_rendered_in_the_sources_words() -> None:
    ran = run(Structurise(), TEXT, {"outline": outline(("First", 1, 4), ("Second", 5, 10)), "read": "21"})
    asked, read = ran.prompts("outline")[0], ran.prompts("read")[0]
    for number, sentence in enumerate(sentences(TEXT), 1):
        assert f"[{number}] {sentence}" in asked
        assert read.count(sentence) == 1
    assert read.index("1. First") < read.index("Person 3 ") < read.index("2. Second") < read.index("Person 4 ")


def test_a_sentence_claimed_twice_stays_with_the_first_and_one_forgotten_is_kept() -> None:
    ran = run(Structurise(), TEXT, {"outline": outline(("One", 1, 5), ("Two", 4, 6), ("Past", 40, 50)), "read": "21"})
    (read,) = ran.prompts("read")
    assert all(read.count(sentence) == 1 for sentence in sentences(TEXT))
    assert read.index("Person 4 ") < read.index("2. Two") < read.index("Person 5 ") < read.index("3. Other")
    assert ran.noted("sentences_without_aspect") == [4]


def test_a_part_without_a_usable_outline_is_read_as_it_was() -> None:
    for reply in ("prose", outline(), outline(("Past", 90, 99))):
        ran = run(Structurise(), TEXT, {"outline": reply, "outline:reask": reply, "read": "21"})
        assert TEXT in ran.prompts("read")[0]
        assert ran.noted("outline_unusable") == [True]


def test_over_the_window_every_part_keeps_its_beginning() -> None:
    replies = {"outline": outline(("All", 1, 99)), "read": "x"}
    ran = run(Structurise(part_tokens=300), story(300), replies, window=1_500)
    assert ran.prompts("read")[0].count("About: Shepherds") == ran.steps("build").count("outline")
    assert ran.answer.dropped_tokens > 2_000
