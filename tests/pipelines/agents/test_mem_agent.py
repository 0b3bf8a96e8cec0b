from __future__ import annotations

from pipelines.agents.mem_agent import NO_MEMORY, MemAgent
from tests.pipelines.conftest import run, spread, story

TEXT = story(100)


def test_every_part_overwrites_the_memory_and_the_last_one_is_read() -> None:
    method = MemAgent(chunk_tokens=300, memory_tokens=64)
    ran = run(method, TEXT, {"update": [f"MEMORY-{i}." for i in range(20)], "read": "21"})
    updates = ran.prompts("update")
    n = len(updates)
    assert n >= 4
    assert ran.steps() == ["update"] * n + ["read"]
    assert ran.depth() == n + 1
    assert spread(TEXT, updates) == [1] * 100
    assert NO_MEMORY in updates[0]
    for i in range(1, n):
        assert [f"MEMORY-{j}." in updates[i] for j in range(n)] == [j == i - 1 for j in range(n)]
    (read,) = ran.prompts("read")
    assert f"MEMORY-{n - 1}." in read and "sheep in the village" not in read


def test_the_order_of_a_prompt_is_question_memory_part() -> None:
    ran = run(MemAgent(), story(3), {"update": "kept", "read": "21"})
    (prompt,) = ran.prompts("update")
    places = [prompt.index("Question:"), prompt.index("<memory>"), prompt.index("Person 0"), prompt.index("Notes:")]
    assert places == sorted(places)


def test_thinking_is_no_memory_and_an_empty_reply_keeps_the_last_one() -> None:
    replies = ["<think>long</think> GOOD", "", "   .", "LAST"]
    ran = run(MemAgent(chunk_tokens=400), TEXT, {"update": replies, "read": "x"})
    updates = ran.prompts("update")
    assert "GOOD" in updates[1] and "long" not in updates[1].split("<part>")[0].replace("longer", "")
    assert "GOOD" in updates[2]
    assert ran.noted("empty_memory_kept_last") == [True]


def test_an_empty_context_is_answered_from_an_empty_memory() -> None:
    assert run(MemAgent(), "", {"read": "unanswerable"}).steps() == ["read"]


def test_a_memory_that_is_too_long_is_cut_to_its_size() -> None:
    ran = run(MemAgent(chunk_tokens=400, memory_tokens=50), TEXT, {"update": "word " * 500, "read": "x"})
    assert all(prompt.count("word ") <= 50 for prompt in ran.prompts("update") + ran.prompts("read"))
    assert ran.noted("cut_characters")
