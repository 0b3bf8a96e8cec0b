"""Formats rows as text tables, for the terminal and for Markdown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any


def aligned(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Columns aligned under their names.

    >>> print(aligned(["method", "n"], [["full_context", "40"]]))
    method        n
    ------------  --
    full_context  40
    """
    widths = [max(len(line[i]) for line in [header, *rows]) for i in range(len(header))]
    lines = [header, ["-" * width for width in widths], *rows]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines
    )


def markdown(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    r"""A Markdown table; a vertical bar inside a cell is escaped.

    >>> print(markdown(["method", "n"], [["a|b", "40"]]))
    | method | n |
    |---|---|
    | a\|b | 40 |
    """
    lines = ["| " + " | ".join(cell.replace("|", r"\|") for cell in line) + " |" for line in [header, *rows]]
    return "\n".join([lines[0], "|" + "---|" * len(header), *lines[1:]])


def table(rows: Sequence[Mapping[str, Any]]) -> str:
    """Rows (at least one, all with the same keys) as aligned columns under their names."""
    return aligned(list(rows[0]), [[str(value) for value in row.values()] for row in rows])
