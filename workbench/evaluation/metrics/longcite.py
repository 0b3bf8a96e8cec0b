"""LongBench-Cite (THUDM/LongCite at d7d772e): parsing statements with citations, and scores from a judge's verdicts.

A model writes `<statement>...<cite>[a-b][c-d]</cite></statement>`, where a to b are sentences of the context. A judge
says whether the cited sentences support each statement (`support`), whether each citation is relevant to it
(`relevance`), and whether a statement without citations needs one (`need_citation`); see `workbench.judging.prompts`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

_CITE = re.compile(r"<cite>(.*?)</cite>", re.DOTALL)
_OPEN, _CLOSE = "<statement>", "</statement>"
MOST_STATEMENTS, MOST_CITATIONS = 40, 3
_SHORTEST = 5  # characters; text outside the statement tags counts as a statement only if it is longer


@dataclass(frozen=True, slots=True)
class Statement:
    """A claim, and the ranges of sentences that it cites (first and last, both included)."""

    text: str
    citations: tuple[tuple[int, int], ...]


def longcite_statements(reply: str, sentences: int | None = None) -> list[Statement]:
    """The statements of a reply in order, at most 40.

    Adjacent ranges are merged to one citation, and the first three citations of a statement count. Text of more than
    five characters outside the statement tags is a statement without citations; a statement whose tag is not closed is
    dropped. If the number of `sentences` in the context is given, ranges that begin after its end are dropped.

    >>> longcite_statements("So: <statement>It rained.<cite>[1-2][3-4][9-9]</cite></statement>")
    [Statement(text='It rained.', citations=((1, 4), (9, 9)))]
    """
    reply = f"<{reply}" if reply.startswith(_OPEN[1:]) else reply
    found: list[Statement] = []
    at = 0
    while True:
        start = reply.find(_OPEN, at)
        start = len(reply) if start < 0 else start
        outside = reply[at:start].strip()
        if len(outside) > _SHORTEST:
            found.append(Statement(outside, ()))
        end = reply.find(_CLOSE, start)
        if end < 0:
            return found[:MOST_STATEMENTS]
        inside = reply[start + len(_OPEN) : end]
        if inside.strip():
            found.append(Statement(_CITE.sub("", inside).strip(), _citations(inside, sentences)))
        at = end + len(_CLOSE)


def without_longcite_marks(reply: str) -> str:
    """A reply without citations and statement tags."""
    return _CITE.sub("", reply).replace(_OPEN, "").replace(_CLOSE, "")


def _citations(inside: str, sentences: int | None) -> tuple[tuple[int, int], ...]:
    ranges: list[tuple[int, int]] = []
    for first, last in re.findall(r"\[(\d{1,9})-(\d{1,9})\]", " ".join(_CITE.findall(inside))):
        start, end = int(first), int(last)
        if end < start or (sentences is not None and start >= sentences):
            continue
        end = end if sentences is None else min(end, sentences - 1)
        if ranges and start == ranges[-1][1] + 1:
            ranges[-1] = (ranges[-1][0], end)
        else:
            ranges.append((start, end))
    return tuple(ranges[:MOST_CITATIONS])


def longcite_recall(cited: Sequence[str], uncited_that_need_one: Sequence[bool]) -> float:
    """Citation recall, a mean over statements: for those with citations `full` counts 1, `partial` 0.5, `none` 0; those
    without count 0 where a citation is needed, else 1.

    >>> longcite_recall(["full", "partial"], [False, True])
    0.625
    """
    values = [{"full": 1.0, "partial": 0.5, "none": 0.0}[verdict] for verdict in cited]
    values += [0.0 if needed else 1.0 for needed in uncited_that_need_one]
    return sum(values) / len(values) if values else 0.0


def longcite_precision(relevant: Sequence[bool]) -> float:
    """Citation precision: share of the citations that are relevant to their statements; 0 without citations."""
    return sum(relevant) / len(relevant) if relevant else 0.0


def longcite_f1(recall: float, precision: float) -> float:
    """The harmonic mean of recall and precision, 0 where both are 0."""
    return 2 * recall * precision / (recall + precision) if recall + precision else 0.0
