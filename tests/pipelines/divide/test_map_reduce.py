from __future__ import annotations

from pipelines.divide.map_reduce import NOTHING, MapReduce
from tests.pipelines.conftest import run, spread, story

TEXT = story(120)


def test_one_wave_of_maps_and_a_reduce() -> None:
    ran = run(MapReduce(chunk_tokens=700), TEXT, {"map": [f"NOTE-{i}." for i in range(20)], "reduce": "21"})
    n = ran.steps().count("map")
    assert n >= 4
    assert ran.steps() == ["map"] * n + ["reduce"]
    assert ran.depth() == 2
    assert spread(TEXT, ran.prompts("map")) == [1] * 120
    assert all(f"Notes {i + 1}:\nNOTE-{i}." in ran.prompts("reduce")[0] for i in range(n))


def test_notes_over_the_window_are_collapsed_level_by_level() -> None:
    replies = {"map": "word " * 200, "collapse": "word " * 180, "reduce": "x"}
    ran = run(MapReduce(chunk_tokens=700, note_tokens=220), story(400), replies, window=1_024)
    held = [prompt.count("Notes ") for prompt in ran.prompts("collapse")]
    n = ran.steps().count("map")
    first_level = [size for i, size in enumerate(held) if sum(held[:i]) < n]
    assert sum(first_level) == n
    assert ran.depth() == 4 and len(first_level) < len(held)  # 2 + two levels


def test_nothing_is_dropped_unless_it_is_the_mark() -> None:
    replies = {"map": [f"It says {NOTHING} but also 21.", NOTHING, f" {NOTHING.lower()}. "], "reduce": "21"}
    (reduce,) = run(MapReduce(chunk_tokens=700), TEXT, replies).prompts("reduce")
    assert "but also 21." in reduce and "Notes 2:" not in reduce


def test_with_nothing_anywhere_it_still_answers_and_notes_it() -> None:
    ran = run(MapReduce(chunk_tokens=700), TEXT, {"map": NOTHING, "reduce": "unanswerable"})
    assert ran.noted("all_notes_empty") == [ran.steps().count("map")]


def test_a_collapse_that_does_not_shrink_ends_in_cutting() -> None:
    replies = {"map": "word " * 380, "collapse": "word " * 390, "reduce": "x"}
    ran = run(MapReduce(chunk_tokens=1_000, note_tokens=400), story(200), replies, window=1_024)
    assert ran.noted("cut_characters")
    assert ran.depth() <= 2 + 5
