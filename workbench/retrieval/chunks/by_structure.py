"""Splitters by structure: paragraphs, the sections of Markdown, the definitions of a program."""

from __future__ import annotations

import re
from bisect import bisect_right
from itertools import pairwise

from workbench.retrieval.chunks.definitions import definition_starts, line_starts
from workbench.retrieval.chunks.splitter_job import Job, Pieces, sentence_starts, tiles

_PARAGRAPH = re.compile(r"\n[ \t\r]*\n\s*")
_HEADING = re.compile(r"^(?: {0,3}#{1,6}[ \t]+\S.*|[^\s#>*`|-].*\n(?:={3,}|-{3,})[ \t\r]*)$", re.MULTILINE)
_FENCE = re.compile(r"^ {0,3}(`{3,}|~{3,})(.*)$", re.MULTILINE)


def paragraphs(text: str, job: Job) -> Pieces:
    """Whole paragraphs (blank lines between), as many as fit; a long one is cut at sentences."""
    return tiles(text, [], _paragraph_starts(text, job), job)


def _paragraph_starts(text: str, job: Job) -> list[int]:
    """Where paragraphs begin, and where the sentences of those do that are longer than a chunk."""
    starts = [0, *(match.end() for match in _PARAGRAPH.finditer(text)), len(text)]
    found: list[int] = []
    for begin, end in pairwise(starts):
        found.append(begin)
        if job.count(text[begin:end]) > job.chunk_tokens:
            found += [begin + start for start in sentence_starts(text[begin:end]) if start]
    return found


def markdown(text: str, job: Job) -> Pieces:
    """Sections by heading (`#` and underlined; not inside code fences), each packed by paragraphs. A heading without a
    text of its own goes with the next one."""
    fences = _fences(text)
    begins = [start for start, _ in fences]

    def outside(place: int) -> bool:
        before = bisect_right(begins, place) - 1
        return before < 0 or place >= fences[before][1]

    heads = [match.span() for match in _HEADING.finditer(text) if outside(match.start())]
    borders: list[int] = []
    for number, (start, _) in enumerate(heads):
        bare = number > 0 and not text[heads[number - 1][1] : start].strip()
        if not bare:
            borders.append(start)
    return tiles(text, borders, _paragraph_starts(text, job), job)


def _fences(text: str) -> Pieces:
    """Where code stands in a Markdown text (CommonMark 4.5): from a fence to the next one of the same mark that is at
    least as long and has nothing behind it, or to the end of the text. A shorter fence within closes nothing."""
    found: Pieces = []
    opened: tuple[int, str] | None = None
    for match in _FENCE.finditer(text):
        mark, info = match.groups()
        if opened is None:
            if mark[0] == "~" or "`" not in info:
                opened = (match.start(), mark)
        elif mark[0] == opened[1][0] and len(mark) >= len(opened[1]) and not info.strip():
            found.append((opened[0], match.end()))
            opened = None
    return found if opened is None else [*found, (opened[0], len(text))]


def code(text: str, job: Job) -> Pieces:
    """A chunk for each function or method, with its decorators and the comments above it; longer ones are cut at lines.
    `workbench.retrieval.chunks.definitions` finds them: in Python by its grammar, in other languages by the look of
    the lines that begin definitions."""
    return tiles(text, definition_starts(text), line_starts(text), job)
