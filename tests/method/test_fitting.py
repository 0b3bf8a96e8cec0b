"""Rooms, cuts, packs and folds: what fits always fits, and nothing is lost without a note."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.pipelines.conftest import Rig, make_context, make_rig, story
from workbench.errors import ContextOverflow
from workbench.method.fitting import (
    SEAM,
    both_ends,
    cut,
    fitting_hits,
    folded,
    from_the_start,
    labelled,
    note_room,
    numbered,
    packed,
    passages,
    room_for,
    shortened,
)
from workbench.method.prompts import Prompt, render_documents
from workbench.records import Chunk, Hit

PROMPT = Prompt("t", user="{text}\n\nQuestion: What?\nAnswer:")
TEXTS = st.lists(st.text(alphabet="ab c.é山\n", max_size=120), max_size=12)


def rig(window: int = 1_000, text: str = "") -> Rig:
    return make_rig(make_context(text), "x", window=window)


def noted(rig: Rig, name: str) -> list[object]:
    return [value for key, value in rig.bench.notes if key == name]


def test_a_room_is_what_prompt_reply_and_seam_leave() -> None:
    bench = rig(1_000).bench
    frame = bench.count(PROMPT(text=""))
    assert room_for(PROMPT(text=""), bench, reply_tokens=100) == 1_000 - frame - 100 - SEAM
    assert room_for(PROMPT(text=""), bench, reply_tokens=100, window=600) == 600 - frame - 100 - SEAM
    assert room_for(PROMPT(text=""), bench, reply_tokens=100, window=5_000) == 1_000 - frame - 100 - SEAM


def test_no_room_is_an_overflow_that_says_by_how_much() -> None:
    bench = rig(100).bench
    with pytest.raises(ContextOverflow, match="exceed the window of 100 tokens"):
        room_for(PROMPT(text=""), bench, reply_tokens=95)


def test_notes_get_what_is_wanted_or_half_of_a_small_window() -> None:
    big, small = rig(8_000), rig(400)
    assert note_room(300, PROMPT(text=""), big.bench) == 300
    assert big.bench.notes == []
    free = room_for(PROMPT(text=""), small.bench, reply_tokens=0)
    assert note_room(300, PROMPT(text=""), small.bench) == free // 2
    assert note_room(300, PROMPT(text=""), small.bench, held=2) == free // 4
    assert noted(small, "note_tokens_reduced_to") == [free // 2, free // 4]
    with pytest.raises(ContextOverflow):
        note_room(300, PROMPT(text=""), rig(60).bench, held=2)


@given(st.text(max_size=300), st.integers(0, 80))
def test_a_cut_is_a_beginning_that_fits(text: str, room: int) -> None:
    made = rig()
    kept = cut(text, room, made.bench)
    assert text.startswith(kept)
    assert made.bench.count(kept) <= room
    assert noted(made, "cut_characters") == ([len(text) - len(kept)] if kept != text else [])


@settings(deadline=None)
@given(TEXTS, st.integers(20, 120))
def test_packs_fit_and_keep_order_and_text(items: list[str], room: int) -> None:
    made = rig()
    groups = packed(items, room, made.bench)
    assert all(groups)
    assert sum(map(len, groups)) == len(items)
    assert all(made.bench.count(labelled(group)) <= room for group in groups if len(group) > 1)
    flat = [item for group in groups for item in group]
    assert all(item.startswith(kept) for item, kept in zip(items, flat, strict=True))
    if not noted(made, "cut_characters"):
        assert flat == items


@settings(deadline=None)
@given(TEXTS, st.integers(0, 100))
def test_shortened_items_fit_together(items: list[str], room: int) -> None:
    made = rig()
    kept = shortened(items, room, made.bench)
    assert not kept or made.bench.count(labelled(kept)) <= room


def test_a_fold_merges_level_by_level_until_it_fits() -> None:
    made = rig()
    waves: list[int] = []

    def merge(groups: list[list[str]]) -> list[str]:
        waves.append(len(groups))
        return [f"merged {len(group)}" for group in groups]

    notes = ["word " * 50] * 8
    assert folded(notes, merge, made.bench, room=60, merge_room=220, levels=5) == ["merged 4", "merged 4"]
    assert waves == [2]
    assert folded(["fits"], merge, made.bench, room=60, merge_room=220, levels=5) == ["fits"]
    assert folded([], merge, made.bench, room=60, merge_room=220, levels=5) == []
    assert waves == [2]


def test_a_fold_that_does_not_shrink_ends_and_is_cut() -> None:
    made = rig()
    kept = folded(
        ["word " * 50] * 4, lambda groups: ["word " * 200] * 4, made.bench, room=100, merge_room=220, levels=5
    )
    assert noted(made, "fold_stuck") == [4]
    assert made.bench.count(labelled(kept)) <= 100


def test_passages_are_the_whole_text_and_numbers_start_at_one() -> None:
    text = story(40)
    bench = rig(text=text).bench
    found = passages(bench, 60)
    assert "".join(chunk.text for chunk in found) == text
    shown = numbered(found, bench)
    assert shown.startswith("Passage 1:\nPerson 0 ") and f"Passage {len(found)}:" in shown


@given(st.integers(0, 12), st.integers(0, 60))
def test_both_ends_are_kept_and_the_middle_left_out(number: int, room: int) -> None:
    bench = rig().bench
    chunks = [Chunk("d", i, i + 1, f"word{i} again") for i in range(number)]
    kept, dropped = both_ends(chunks, room, bench, lambda some: "\n".join(chunk.text for chunk in some))
    head = (len(kept) + 1) // 2
    assert kept == [*chunks[:head], *chunks[number - (len(kept) - head) :]]
    assert bench.count("\n".join(chunk.text for chunk in kept)) <= room or not kept
    assert dropped == sum(bench.count(chunk.text) for chunk in chunks if chunk not in kept)


@settings(deadline=None)
@given(st.lists(st.integers(1, 12), min_size=1, max_size=4), st.integers(0, 200))
def test_hits_that_fit_are_the_first_ones_or_the_beginning_of_the_best(sizes: list[int], room: int) -> None:
    titles = [f"T{i}" for i in range(len(sizes))]
    context = make_context(*(story(size, 100 * i) for i, size in enumerate(sizes)), titles=titles)
    bench = make_rig(context, "x").bench
    hits = [Hit(Chunk.of(d, 0, len(d.text)), 0.0, rank) for rank, d in enumerate(context.documents, 1)]

    def shown(some: Sequence[Hit]) -> str:
        return render_documents([hit.chunk for hit in some], context)

    kept, dropped = fitting_hits(hits, room, bench, shown)
    assert not kept or bench.count(shown(kept)) <= room
    assert all(context.holds(hit.chunk) for hit in kept)
    if kept and kept != hits[: len(kept)]:
        assert len(kept) == 1 and hits[0].chunk.text.startswith(kept[0].chunk.text)
    tokens = sum(bench.count(hit.chunk.text) for hit in hits)
    assert dropped == tokens - sum(bench.count(hit.chunk.text) for hit in kept)


def test_what_a_search_found_is_kept_and_without_finds_the_text_begins() -> None:
    made = rig(text=story(10))
    chunks = passages(made.bench, 30)
    found = [Hit(chunks[2], 0.5, 1)]
    assert from_the_start(found, chunks, 2, made.bench) == found
    assert noted(made, "nothing_found") == []
    assert [hit.chunk for hit in from_the_start([], chunks, 2, made.bench)] == chunks[:2]
    assert noted(made, "nothing_found") == ["read the first 2 chunks"]
    assert from_the_start([], [], 2, made.bench) == []
