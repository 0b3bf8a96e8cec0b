"""Schemas of benchmarks' rows: field names with kinds of values, checked when a row is read.

A wrong value in the right field would otherwise be noticed late or never: `str([])`, for example, is a gold answer that
no reply can match.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Kind:
    """A kind of value: its description and the test for it."""

    told: str
    holds: Callable[[Any], bool]


@dataclass(frozen=True)
class ListOf:
    """A list of values of one kind, with at least `least` of them."""

    items: Spec
    least: int = 0


Spec = Kind | ListOf | Mapping[str, Any]  # a mapping names fields inside; those with `?` may be absent or null
Fields = Sequence[str] | Mapping[str, Spec]


def _number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


NOT_NULL = Kind("a value", lambda value: value is not None)
TEXT = Kind("a text", lambda value: isinstance(value, str))
FILLED = Kind("a text that is not empty", lambda value: isinstance(value, str) and bool(value.strip()))
NUMBER = Kind("a number", _number)
GOLD = Kind("a text or a number", lambda value: isinstance(value, str) or _number(value))
FLAG = Kind("true or false", lambda value: isinstance(value, bool))
MAPPING = Kind("a mapping", lambda value: isinstance(value, dict))
INDEX = Kind("a whole number", lambda value: _number(value) and value == int(value))


def one_of(*values: Any) -> Kind:
    """One of these values."""
    return Kind(f"one of {', '.join(map(str, values))}", lambda value: value in values)


def either(*specs: Spec) -> Kind:
    """A value of one of these specs."""
    told = " or ".join(spec.told if isinstance(spec, Kind) else "a list" for spec in specs)
    return Kind(told, lambda value: any(wrong_in(value, spec) is None for spec in specs))


GOLDS = ListOf(GOLD, least=1)
TEXTS = ListOf(TEXT)


def wrong_in(value: Any, spec: Spec, name: str = "") -> str | None:
    """What is wrong with a value, as a phrase that begins with the field concerned; None when it matches the spec.

    >>> wrong_in({"a": [1, "x"]}, {"a": ListOf(NUMBER)})
    "field 'a[1]' is 'x' and no number"
    >>> wrong_in({}, {"a": TEXT}), wrong_in({}, {"a?": TEXT})
    ("has no field 'a'", None)
    """
    if isinstance(spec, Kind):
        return None if spec.holds(value) else _told(name, value, spec.told)
    if isinstance(spec, ListOf):
        if not isinstance(value, list):
            return _told(name, value, "a list")
        if len(value) < spec.least:
            return f"field {name!r} holds {len(value)} values and needs {spec.least}"
        found = (wrong_in(item, spec.items, f"{name}[{number}]") for number, item in enumerate(value))
        return next((problem for problem in found if problem), None)
    if not isinstance(value, dict):
        return _told(name, value, "a mapping")
    for field, kind in spec.items():
        key = field.removesuffix("?")
        place = f"{name}.{key}" if name else key
        if value.get(key) is None and field.endswith("?"):
            continue
        if key not in value:
            return f"has no field {place!r}"
        problem = wrong_in(value[key], kind, place)
        if problem:
            return problem
    return None


def _told(name: str, value: Any, kind: str) -> str:
    shown = repr(value)
    shown = shown if len(shown) <= 40 else f"{shown[:37]}..."
    no = f"no {kind.split(' ', 1)[1]}" if kind.startswith(("a ", "an ")) else f"not {kind}"
    where = f"field {name!r} " if name else ""
    return f"{where}is null" if value is None else f"{where}is {shown} and {no}"
