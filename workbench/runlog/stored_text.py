"""Texts as the run log holds them: compressed where they are long, and without what DuckDB refuses."""

from __future__ import annotations

import zlib
from typing import Any


def compress(text: str) -> bytes:
    """A text as it is stored."""
    return zlib.compress(text.encode("utf-8", "surrogatepass"), 6)


def decompress(stored: bytes) -> str:
    """The text of a stored one."""
    return zlib.decompress(stored).decode("utf-8", "surrogatepass")


def storable(value: Any) -> Any:
    """Text without lone surrogates, which DuckDB refuses: pairs are joined, the others become U+FFFD."""
    if not isinstance(value, str):
        return value
    try:
        value.encode("utf-8")
        return value
    except UnicodeEncodeError:
        return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
