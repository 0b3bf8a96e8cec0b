"""LongBench-Cite (THUDM/LongCite at d7d772e): statements with their citations, and the scores of a judge's verdicts.

A model writes `<statement>...<cite>[a-b][c-d]</cite></statement>`, where a to b are sentences of the context. A judge
says whether the cited sentences support each statement (`support`), whether each citation bears on it (`relevance`),
and whether a statement without citation needs one (`need_citation`); see `workbench.evaluation.judge_prompts`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

_STATEMENT = re.compile(r"<statement>(.*?)</statement>", re.DOTALL)
_CITE = re.compile(r"<cite>(.*?)</cite>", re.DOTALL)
MOST_STATEMENTS, MOST_CITATIONS = 40, 3
_SHORTEST = 5  # characters; text outside of statements that is not longer is no statement


@dataclass(frozen=True, slots=True)
class Statement:
    """What is claimed, and the ranges of sentences that it cites (first and last, both included)."""

    text: str
    citations: tuple[tuple[int, int], ...]


def longcite_statements(reply: str) -> list[Statement]:
    """The statements of a reply in order, at most 40; ranges that follow each other are one citation, the first three
    count. Text outside of statements that is longer than five characters is a statement without citation.

    >>> longcite_statements("So: <statement>It rained.<cite>[1-2][3-4][9-9]</cite></statement>")
    [Statement(text='It rained.', citations=((1, 4), (9, 9)))]
    """
    found: list[Statement] = []
    at = 0
    for match in _STATEMENT.finditer(reply):
        found += _bare(reply[at : match.start()])
        found.append(Statement(_CITE.sub("", match[1]).strip(), _citations(match[1])))
        at = match.end()
    return [*found, *_bare(reply[at:])][:MOST_STATEMENTS]


def _bare(text: str) -> list[Statement]:
    said = _CITE.sub("", text).strip()
    return [Statement(said, ())] if len(said) > _SHORTEST else []


def _citations(inside: str) -> tuple[tuple[int, int], ...]:
    ranges: list[tuple[int, int]] = []
    for first, last in re.findall(r"\[(\d+)-(\d+)\]", " ".join(_CITE.findall(inside))):
        start, end = int(first), int(last)
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
