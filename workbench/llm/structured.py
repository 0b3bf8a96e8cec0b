"""Structured replies: a pydantic model in, a validated object out, or None after two more tries.

Order of attempts: the reply as it is; the first JSON value in it (fences and chatter stripped, `json-repair` for the
usual slips); then the model is asked again, with the error, at most twice. Every attempt is a real call and is billed.
"""

from __future__ import annotations

import json
import re
from typing import Any

from pydantic import BaseModel, ValidationError

from workbench.records import Message

REASKS = 2
_FENCE = re.compile(r"```(?:json)?\s*(.*?)```", re.S)


def instruction(schema: type[BaseModel]) -> str:
    """The sentence that every structured prompt ends with, the same for all methods and models."""
    shown = json.dumps(schema.model_json_schema(), separators=(",", ":"))
    return f"\n\nReply with one JSON object that follows this JSON schema, and nothing else:\n{shown}"


def with_instruction(messages: tuple[Message, ...], schema: type[BaseModel]) -> tuple[Message, ...]:
    """The messages with the schema instruction at the very end."""
    last = messages[-1]
    return (*messages[:-1], Message(last.role, last.content + instruction(schema)))


def reask(messages: tuple[Message, ...], reply: str, error: str) -> tuple[Message, ...]:
    """The follow-up after a reply that could not be used."""
    complaint = f"That could not be used: {error}. Reply again with the JSON object only."
    return (*messages, Message("assistant", reply), Message("user", complaint))


def parse(text: str, schema: type[BaseModel]) -> tuple[BaseModel | None, str]:
    """The validated object, or None and why."""
    problem = "no JSON object found"
    for candidate in _candidates(text):
        try:
            return schema.model_validate(candidate), ""
        except ValidationError as error:
            first = error.errors()[0]
            field = ".".join(str(part) for part in first["loc"]) or "the object"
            problem = f"{field}: {first['msg']}"
    return None, problem


def _candidates(text: str) -> list[Any]:
    from json_repair import repair_json

    found: list[Any] = []
    pieces = [text.strip(), *(match.strip() for match in _FENCE.findall(text))]
    start, end = text.find("{"), text.rfind("}")
    if 0 <= start < end:
        pieces.append(text[start : end + 1])
    for piece in pieces:
        try:
            value = json.loads(piece)
        except ValueError:
            continue
        if isinstance(value, dict | list):
            found.append(value)
    if not found and "{" in text:
        repaired = repair_json(text[text.find("{") :], return_objects=True)
        if isinstance(repaired, dict) and repaired:
            found.append(repaired)
    return found
