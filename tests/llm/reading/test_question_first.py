"""The embedded reader on prompts whose question stands before the text (MemAgent, PRISM)."""

from __future__ import annotations

from workbench.llm.reading.request import understand
from workbench.records import Message

TEXT = "Ada Hale was born in Oslo in 1931. She opened a bakery there. " * 6


def read(prompt: str) -> tuple[str, str, str]:
    reading = understand([Message("user", prompt)])
    return reading.question, reading.kind, reading.text


def test_a_question_before_the_text() -> None:
    question, kind, text = read(
        f"Question: Where was Ada Hale born?\n\nRead the part.\n\n<part>\n{TEXT}\n</part>\n\nNotes:"
    )
    assert (question, kind) == ("Where was Ada Hale born?", "notes")
    assert TEXT in text


def test_a_question_after_the_text_is_read_as_before() -> None:
    question, kind, text = read(
        f"{TEXT}\n\nAnswer the question from the text above.\n\nQuestion: Where was she born?\nAnswer:"
    )
    assert (question, kind) == ("Where was she born?", "answer")
    assert text.strip() == TEXT.strip()


def test_a_schema_after_a_short_text_is_no_text() -> None:
    schema = "\n\nReply with one JSON object that follows this JSON schema, and nothing else:\n" + '{"x": 1}' * 200
    question, _, text = read(f"Ada was born in Oslo.\n\nQuestion: Where?\nReply:{schema}")
    assert question == "Where?"
    assert text.strip() == "Ada was born in Oslo."
