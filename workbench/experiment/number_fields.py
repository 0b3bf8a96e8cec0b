"""Numbers in files and on the command line: sizes with units, and no booleans where a number is expected."""

from __future__ import annotations

import re
import types
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from workbench.errors import InputError

_UNITS = {"": 1, "k": 1_000, "m": 1_000_000, "g": 1_000_000_000}


def bytes_of(size: str, *, field: str) -> int:
    """Bytes of a size as a user writes it: 1000, 500M, 2G. Raises InputError naming the field.

    >>> bytes_of("1.5G", field="--max")
    1500000000
    """
    match = re.fullmatch(r"(\d+(?:\.\d+)?)([kmg]?)b?", size.strip().lower())
    if not match:
        raise InputError(f"{size!r} is no size", field=field, fix="write bytes, or 500M, or 2G")
    return int(float(match[1]) * _UNITS[match[2]])


def refuse_booleans(value: Any, annotation: Any) -> Any:
    """The value. Raises ValueError when it is, or a list of it holds, a boolean where the annotation wants numbers.

    >>> refuse_booleans(True, bool), refuse_booleans(1, int | None)
    (True, 1)
    """
    if isinstance(value, bool):
        kinds = _kinds(annotation)
        if {int, float} & kinds and not {bool, Any} & kinds:
            raise ValueError(f"{'true' if value else 'false'} is no number")
    elif isinstance(value, list | tuple) and get_origin(annotation) in (tuple, list):
        for item in value:
            refuse_booleans(item, Union[get_args(annotation)])  # noqa: UP007 - of a tuple that is known only now
    return value


def _kinds(annotation: Any) -> set[Any]:
    """The types that a value may have."""
    origin = get_origin(annotation)
    if origin in (Union, types.UnionType):
        return set().union(*map(_kinds, get_args(annotation)))
    if origin is Annotated:
        return _kinds(get_args(annotation)[0])
    if origin is Literal:
        return {type(value) for value in get_args(annotation)}
    return {annotation}
