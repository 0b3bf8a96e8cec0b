"""Lines of a text, and of a search that is told line by line."""

from __future__ import annotations

from collections.abc import Sequence

from corpora.synthetic.sheet import Span


def spread(lines: Sequence[tuple[float, str]], fillers: Sequence[str]) -> list[str]:
    """The lines among the fillers, each at its share of the way through (0 to 1, ascending)."""
    told, at = list[str](), 0
    for place, line in lines:
        stop = int(place * (len(fillers) + 1))
        told += [*fillers[at:stop], line]
        at = stop
    return [*told, *fillers[at:]]


def joined(lines: Sequence[str]) -> tuple[str, list[Span]]:
    """Lines as one text, and the span of each (start, end; in characters)."""
    spans, at = list[Span](), 0
    for line in lines:
        spans.append((at, at + len(line)))
        at += len(line) + 1
    return "\n".join(lines), spans


def indent(level: int) -> str:
    """What stands before a line of LongProc's searches at this depth; nothing at depth 0."""
    return " " * level + "|- " if level else ""
