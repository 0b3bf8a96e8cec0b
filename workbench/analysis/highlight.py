"""Documents as HTML with spans highlighted. All text is escaped, since documents may contain hostile HTML."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape
from itertools import pairwise
from typing import Any

STYLE = (
    "<style>.doc{white-space:pre-wrap;font-size:.9rem;line-height:1.5}.ev{background:#ffe08a;color:#222}"
    ".hit{background:#cfe8ff;color:#222}.both{background:#a8e6a1;color:#222}.gap{color:#888}</style>"
)


def marked(text: str, evidence: Iterable[tuple[int, int]], hits: Iterable[tuple[int, int]], around: int = 300) -> str:
    """HTML of a text with evidence in yellow, retrieved spans in blue, both in green. Of text outside spans, only the
    `around` characters next to them are shown."""
    spans = [(start, end, "ev") for start, end in evidence] + [(start, end, "hit") for start, end in hits]
    spans = [(max(0, s), min(len(text), e), kind) for s, e, kind in spans if s < e and s < len(text)]
    cuts = sorted({0, len(text), *(p for s, e, _ in spans for p in (s, e))})
    parts: list[str] = []
    for start, end in pairwise(cuts):
        kinds = {kind for s, e, kind in spans if s <= start and end <= e}
        piece = text[start:end]
        if not kinds:
            parts.append(_shortened(piece, around, first=start == 0, last=end == len(text)))
            continue
        parts.append(f'<span class="{"both" if len(kinds) == 2 else kinds.pop()}">{escape(piece)}</span>')
    return f'<div class="doc">{"".join(parts)}</div>'


def _shortened(piece: str, around: int, *, first: bool, last: bool) -> str:
    gap = '<span class="gap"> […] </span>'
    if len(piece) <= 2 * around + 40:
        return escape(piece)
    if first and last:
        return escape(piece[: 2 * around]) + gap
    if first:
        return gap + escape(piece[-around:])
    return escape(piece[:around]) + gap + ("" if last else escape(piece[-around:]))


def spans_by_document(rows: Sequence[dict[str, Any]]) -> dict[str, list[tuple[int, int]]]:
    """Spans with `document_id`, `start`, `end`, grouped by document, in the order of first appearance."""
    grouped: dict[str, list[tuple[int, int]]] = {}
    for row in rows:
        grouped.setdefault(str(row["document_id"]), []).append((int(row["start"]), int(row["end"])))
    return grouped
