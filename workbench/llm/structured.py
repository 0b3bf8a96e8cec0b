"""Structured replies: a pydantic model in, a validated object out, or None after two more tries.

Order of attempts: the reply as it is; the JSON in it (fences and chatter stripped, `json-repair` for the usual slips);
then the model is asked again, with the error, at most twice. Every attempt is a real call, recorded and billed.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from pydantic import BaseModel, ValidationError

from workbench.records import Message

REASKS = 2
_MOST_OBJECTS = 64
_UNREADABLE = (ValueError, RecursionError)  # the second for "[[[[[…", which a model in a loop does write
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
    """The validated object, or None and why. Of several objects in the text the first that validates is taken."""
    problem = "no JSON object found"
    for candidate in _candidates(text):
        try:
            return schema.model_validate(_wrapped(candidate, schema)), ""
        except ValidationError as error:
            first = error.errors()[0]
            field = ".".join(str(part) for part in first["loc"]) or "the object"
            problem = f"{field}: {first['msg']}"
    return None, problem


def _wrapped(candidate: Any, schema: type[BaseModel]) -> Any:
    """A bare list is taken for the only field of a schema that has one."""
    if isinstance(candidate, list) and len(schema.model_fields) == 1:
        return {next(iter(schema.model_fields)): candidate}
    return candidate


def _candidates(text: str) -> Iterator[Any]:
    """JSON values in the text, the likeliest first: all of it, a fenced part, any object in it, its repair."""
    for piece in (text, *_FENCE.findall(text)):
        try:
            value = json.loads(piece)
        except _UNREADABLE:
            continue
        if isinstance(value, dict | list):
            yield value
    yield from _objects(text)
    start = min((at for at in (text.find("{"), text.find("[")) if at >= 0), default=-1)
    if start >= 0:
        from json_repair import repair_json

        for piece in (*_FENCE.findall(text), text[start:]):
            try:
                value = repair_json(piece, return_objects=True)
            except _UNREADABLE:
                continue
            if isinstance(value, dict | list) and value:
                yield value


def _objects(text: str) -> Iterator[Any]:
    """The outermost well-formed objects of the text, in order."""
    decoder = json.JSONDecoder()
    at = text.find("{")
    for _ in range(_MOST_OBJECTS):
        if at < 0:
            return
        try:
            value, end = decoder.raw_decode(text, at)
        except _UNREADABLE:
            end = at + 1
        else:
            yield value
        at = text.find("{", end)
