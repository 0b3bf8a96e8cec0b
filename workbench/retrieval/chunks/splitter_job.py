"""What a splitter gets, what it gives, and the packing that most of them end in."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

from workbench.retrieval.chunks.chunking import Count, pack_spans
from workbench.text import sentence_spans

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Pieces = list[tuple[int, int]]  # start and end of each chunk, characters of one document


@dataclass(frozen=True)
class Job:
    """What a splitter gets besides the text: `chunk_tokens` and `overlap` in tokens as `count` counts them, the
    `argument` after the splitter's name, and `embed`, which gives unit vectors of sentences of the context."""

    chunk_tokens: int
    overlap: int
    count: Count
    argument: str
    embed: Callable[[Sequence[str]], NDArray[np.float32]]

    def number(self, otherwise: int) -> int:
        """The argument, which `check_splitter` found to be a number; `otherwise` where none was given."""
        return int(self.argument) if self.argument else otherwise


def sentence_starts(text: str) -> list[int]:
    """Where the sentences of a text begin."""
    return [start for start, _ in sentence_spans(text)]


def tiles(text: str, borders: Sequence[int], starts: Sequence[int], job: Job) -> Pieces:
    """Pack the units that begin at `starts`, as many as fit; no chunk crosses a border."""
    found: Pieces = []
    ordered = sorted(starts)
    for begin, end in pairwise(sorted({0, *borders, len(text)})):
        inside = [start - begin for start in ordered[bisect_right(ordered, begin) : bisect_left(ordered, end)]]
        packed = pack_spans(text[begin:end], inside, job.chunk_tokens, job.count, job.overlap)
        found += [(begin + a, begin + b) for a, b in packed]
    return found
