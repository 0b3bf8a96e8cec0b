"""Lines joined to a text."""

from __future__ import annotations

from collections.abc import Sequence

from corpora.synthetic.sheet import Span


def joined(lines: Sequence[str]) -> tuple[str, list[Span]]:
    """Lines as one text, and the span of each."""
    spans, at = list[Span](), 0
    for line in lines:
        spans.append((at, at + len(line)))
        at += len(line) + 1
    return "\n".join(lines), spans
