"""LongBench-Cite (THUDM/LongCite at d7d772e): statements with their citations, and the scores of a judge's verdicts.

A model writes `<statement>...<cite>[a-b][c-d]</cite></statement>`, where a to b are sentences of the context. A judge
says whether the cited sentences support each statement (`support`), whether each citation bears on it (`relevance`),
and whether a statement without citation needs one (`need_citation`); see `workbench.judging.prompts`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

_CITE = re.compile(r"<cite>(.*?)</cite>", re.DOTALL)
_OPEN, _CLOSE = "<statement>", "</statement>"
MOST_STATEMENTS, MOST_CITATIONS = 40, 3
_SHORTEST = 5  # characters; text outside of statements that is not longer is no statement


@dataclass(frozen=True, slots=True)
class Statement:
    """What is claimed, and the ranges of sentences that it cites (first and last, both included)."""

    text: str
    citations: tuple[tuple[int, int], ...]


def longcite_statements(reply: str, sentences: int | None = None) -> list[Statement]:
    """The statements of a reply in order, at most 40; ranges that follow each other are one citation, the first three
    count. Text outside of statements that is longer than five characters is a statement without citation; a statement
    that is not closed is none. Of a text with so many `sentences`, ranges that begin behind its end are no citations.

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
    """A reply as it reads: without citations and the marks of statements."""
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
    """Mean over statements: of those with citations `full` 1, `partial` 0.5, `none` 0; of those without, 0 where one is
    needed, else 1.

    >>> longcite_recall(["full", "partial"], [False, True])
    0.625
    """
    values = [{"full": 1.0, "partial": 0.5, "none": 0.0}[verdict] for verdict in cited]
    values += [0.0 if needed else 1.0 for needed in uncited_that_need_one]
    return sum(values) / len(values) if values else 0.0


def longcite_precision(relevant: Sequence[bool]) -> float:
    """Share of the citations that bear on their statements; 0 without citation."""
    return sum(relevant) / len(relevant) if relevant else 0.0


def longcite_f1(recall: float, precision: float) -> float:
    """Their harmonic mean, 0 where both are 0."""
    return 2 * recall * precision / (recall + precision) if recall + precision else 0.0
