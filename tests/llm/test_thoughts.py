"""Thoughts are told from replies by what their marks say, not by a list of models."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.llm.thoughts import may_be_thinking, parted, thoughts_in

MARKS = [
    ("<think>", "</think>"),
    ("<thinking>", "</thinking>"),
    ("<THINK>", "</THINK>"),
    ("<thought>", "</thought>"),
    ("<reasoning>", "</reasoning>"),
    ("[THINK]", "[/THINK]"),
    ("[reasoning]", "[/reasoning]"),
    ("<seed:think>", "</seed:think>"),
    ("<longcat_think>", "</longcat_think>"),
    ("<|begin_of_thought|>", "<|end_of_thought|>"),
    ("<|START_THINKING|>", "<|END_THINKING|>"),
    ("<|thinking|>", "<|/thinking|>"),
    ("◁think▷", "◁/think▷"),
    ("<scratchpad>", "</scratchpad>"),
]
HARMONY = "<|channel|>analysis<|message|>{thoughts}<|end|><|start|>assistant<|channel|>final<|message|>{said}"


@pytest.mark.parametrize(("first", "last"), MARKS)
def test_marks_open_and_close_thoughts(first: str, last: str) -> None:
    assert parted(f"{first}It might be 9.{last}\n\nOslo") == ("It might be 9.", "Oslo")
    assert parted(f"  {first}\nIt might be 9.\n{last} Oslo ") == ("It might be 9.", "Oslo ")
    assert parted(f"It might be 9.{last}Oslo") == ("It might be 9.", "Oslo")  # opened in the prompt
    assert parted(f"{first}{last}Oslo") == ("", "Oslo")
    assert parted(f"{first}It goes on").said == ""


@pytest.mark.parametrize("end", ["", "<|return|>", "<|end|>"])
def test_of_channels_the_final_one_is_said(end: str) -> None:
    assert parted(HARMONY.format(thoughts="hm", said="Oslo") + end) == ("hm", "Oslo")
    assert parted("<|channel|>analysis<|message|>hm").said == ""
    assert parted(f"<|start|>assistant{HARMONY.format(thoughts='hm', said='Oslo')}") == ("hm", "Oslo")
    assert parted("hm<|end|><|start|>assistant<|channel|>final<|message|>Oslo") == ("hm", "Oslo")
    assert parted("<|channel>thought\nhm\n<channel|>Oslo<turn|>") == ("hm", "Oslo")  # Gemma
    assert parted("analysisWe look.assistantfinalOslo") == ("We look.", "Oslo")  # without special tokens
    assert parted("analysisWe look").said == ""


@pytest.mark.parametrize(
    ("reply", "said"),
    [
        ("<think>hm</think><answer>Oslo</answer>", "Oslo"),
        ("<|begin_of_thought|>hm<|end_of_thought|><|begin_of_solution|>Oslo<|end_of_solution|>", "Oslo"),
        ("<think>hm</think>\n<answer>\nOslo", "Oslo"),
        ("<think>the tag </think> ends it</think>Oslo", "Oslo"),
        ("<think>a</think> b <think>c</think> Oslo", "Oslo"),
        ("Here is my thought process: hm. Here is my response: Oslo", "Oslo"),
    ],
)
def test_what_stands_around_a_reply_after_thoughts_is_taken_off(reply: str, said: str) -> None:
    assert parted(reply).said == said


@pytest.mark.parametrize(
    "reply",
    [
        "It writes <think> and </think>.",
        "Oslo",
        " Oslo ",
        "[1] Oslo, [2] Bergen",
        "<b>Oslo</b>",
        "<answer>Oslo</answer>",
        "Analysis of the lease",
        "analysis shows that it rose",
        "The author thinks: <i>Oslo</i>",
        '{"thoughts": "none"}',
        "[RETRIEVAL]a[/RETRIEVAL] Oslo",
        "",
    ],
)
def test_a_reply_without_thoughts_is_all_said(reply: str) -> None:
    assert parted(reply) == ("", reply)


@given(st.text(alphabet="abc .,\n", min_size=1), st.text(alphabet="abc .,", min_size=1), st.sampled_from(MARKS))
def test_whatever_is_thought_what_is_said_comes_through(thoughts: str, said: str, marks: tuple[str, str]) -> None:
    found = parted(marks[0] + thoughts + marks[1] + said)
    assert (found.thoughts, found.said) == (thoughts.strip(), said.lstrip())
    assert parted(found.said) == ("", found.said)


@given(st.text())
def test_any_reply_can_be_parted(reply: str) -> None:
    parted(reply)
    may_be_thinking(reply)


@pytest.mark.parametrize(
    ("message", "thoughts"),
    [
        ({"content": "Oslo", "reasoning_content": "hm"}, "hm"),
        ({"content": "Oslo", "reasoning": "hm"}, "hm"),
        ({"content": "Oslo", "thinking": "hm"}, "hm"),
        ({"content": "Oslo", "reasoning": "hm", "reasoning_details": [{"type": "reasoning.text", "text": "hm"}]}, "hm"),
        ({"content": "Oslo", "reasoning_details": [{"type": "reasoning.encrypted", "data": "x"}]}, ""),
        ({"content": [{"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]}]}, "hm"),
        ({"content": "Oslo", "reasoning_content": None, "thought_signature": "abc"}, ""),
        ({"content": "Oslo", "reasoning_tokens": 5}, ""),
        ({"content": "Oslo"}, ""),
    ],
)
def test_fields_of_thoughts(message: dict[str, Any], thoughts: str) -> None:
    assert thoughts_in(message) == thoughts


def test_the_first_token_is_the_first_that_a_reader_sees() -> None:
    stream = "<think>hm, hm</think>\n\nOslo"
    seen = next(end for end in range(len(stream)) if not may_be_thinking(stream[: end + 1]))
    assert stream[seen] == "O"
    assert not may_be_thinking("Os")
    assert not may_be_thinking("[1] ") or may_be_thinking("[1")
