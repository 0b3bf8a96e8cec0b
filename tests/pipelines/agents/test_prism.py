from __future__ import annotations

import json
from itertools import pairwise

from pipelines.agents.prism import Memory, Prism, Revision
from tests.pipelines.conftest import run, spread, story

TEXT = story(100)


def revise(*revisions: tuple[str, str, str]) -> str:
    """A reply: (operation, path, value) each, the path as root/key or root/key/item."""
    made = []
    for op, path, value in revisions:
        root, key, *item = path.split("/")
        made.append({"op": op, "root": root, "key": key, "item": int(item[0]) if item else None, "value": value})
    return json.dumps({"revisions": made})


def test_parts_in_turn_then_the_memory_is_read_without_text() -> None:
    replies = [revise(("add", "facts/Person 3", f"FACT-{i}")) for i in range(20)]
    ran = run(Prism(chunk_tokens=300), TEXT, {"revise": replies, "read": "21"})
    n = ran.steps().count("revise")
    assert n >= 4
    assert ran.steps() == ["revise"] * n + ["read"]
    assert ran.depth() == n + 1
    assert spread(TEXT, ran.prompts("revise")) == [1] * 100
    (read,) = ran.prompts("read")
    assert "sheep in the village" not in read
    assert [f"facts/Person 3/{i}: " in read for i in range(n + 1)] == [True] * n + [False]


def test_the_order_is_question_schema_memory_part() -> None:
    ran = run(Prism(), story(5), {"revise": revise(), "read": "21"})
    (prompt,) = ran.prompts("revise")
    places = [prompt.index(mark) for mark in ("Question:", "Schema:", "Memory:\n", "Person 0", "Reply:")]
    assert places == sorted(places)


def test_amendments_leave_all_before_them_byte_for_byte() -> None:
    replies = [revise(("add", f"answers/A{i}", "x"), ("update", "answers/A0", f"v{i}")) for i in range(20)]
    ran = run(Prism(chunk_tokens=300), TEXT, {"revise": replies, "read": "21"})
    prompts = ran.prompts("revise")
    for one, other in pairwise(prompts):
        memory_end = one.index("\nPart:\n\n")
        assert other.startswith(one[:memory_end])


def test_in_place_rewrites_the_value_where_it_stands() -> None:
    first = revise(("add", "answers/Oslo", "old"), ("add", "answers/Rome", "kept"))
    replies = {"revise": [first, revise(("update", "answers/Oslo", "new")), revise()], "read": "x"}
    texts = {}
    for way in ("amendments", "in_place"):
        method = Prism(chunk_tokens=700, memory=way)
        (texts[way],) = run(method, TEXT, replies).prompts("read")
    assert 'answers/Oslo: "old"\nanswers/Rome: "kept"\nanswers/Oslo: "new"\n' in texts["amendments"]
    assert 'answers/Oslo: "new"\nanswers/Rome: "kept"\n' in texts["in_place"]


def test_a_revision_that_does_not_fit_changes_nothing() -> None:
    memory = Memory()
    assert memory.apply(Revision(op="add", root="facts", key="Ada", value="born 1901"))
    assert memory.apply(Revision(op="add", root="answers", key="Oslo", value="she moved there"))
    held = list(memory.entries)
    for odd in (
        {"op": "add", "root": "facts", "key": "Ada", "value": " "},
        {"op": "add", "root": "facts", "key": " ", "value": "x"},
        {"op": "add", "root": "answers", "key": "Oslo", "value": "again"},
        {"op": "update", "root": "facts", "key": "Ada", "item": 7, "value": "x"},
        {"op": "update", "root": "answers", "key": "Rome", "value": "x"},
    ):
        assert not memory.apply(Revision.model_validate(odd))
    assert memory.entries == held == [(("facts", "Ada", "0"), "born 1901"), (("answers", "Oslo"), "she moved there")]


def test_invalid_revisions_and_unparsable_replies_are_noted() -> None:
    ran = run(Prism(), story(5), {"revise": revise(("update", "answers/x", "y")), "read": "21"})
    assert ran.noted("invalid_revision") == ["update answers/x"]
    ran = run(Prism(), story(5), {"revise": "prose", "revise:reask": "prose", "read": "21"})
    assert ran.noted("revisions_unparsable") == [0]


def test_a_full_memory_takes_no_more() -> None:
    replies = [revise(("add", "facts/Ada", f"fact {i} " * 10)) for i in range(40)]
    ran = run(Prism(chunk_tokens=120, memory_tokens=100), TEXT, {"revise": replies, "read": "x"})
    assert ran.noted("memory_full")
    assert ran.prompts("read")[0].count("facts/Ada/") == 2
