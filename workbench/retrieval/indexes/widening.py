"""From the small chunks that are searched to the larger ones that are read in their place."""

from __future__ import annotations

from collections.abc import Sequence

from workbench.errors import MethodError
from workbench.records import Chunk
from workbench.retrieval.chunks.chunk_table import ChunkTable
from workbench.retrieval.ranking.fusion import Scored


def widened(
    scored: Scored, chunks: Sequence[Chunk], reads: Sequence[Chunk], k: int
) -> tuple[list[tuple[Chunk, float]], bool]:
    """The chunks to read, best first with their scores, and whether `k` hits found a place.

    `scored` are positions in `chunks`, best first; `reads` holds what each of `chunks` stands for. A hit whose own
    chunk is read already adds nothing. A hit whose read overlaps others becomes one with them, at the rank of the best
    of them, and takes a place of the `k` all the same: never more is read than `k` single reads are long.
    """
    found: list[tuple[Chunk, float]] = []
    placed = 0
    for position, score in scored:
        if placed == k:
            break
        own, read = chunks[position], reads[position]
        if any(other.overlap(own) == own.end - own.start for other, _ in found):
            continue
        placed += 1
        touching = [i for i, (other, _) in enumerate(found) if other.overlap(read)]
        if not touching:
            found.append((read, score))
            continue
        joined = [found[i][0] for i in touching] + [read]
        whole = _span(reads, read, min(c.start for c in joined), max(c.end for c in joined))
        found[touching[0]] = (whole, found[touching[0]][1])
        for i in reversed(touching[1:]):
            del found[i]
    return found, placed == k


def _span(reads: Sequence[Chunk], read: Chunk, start: int, end: int) -> Chunk:
    """The chunk from `start` to `end` of the document that `read` is from."""
    if (read.start, read.end) == (start, end):
        return read
    if not isinstance(reads, ChunkTable):
        raise MethodError("chunks can only be joined in an index that knows their context")
    return Chunk.of(reads.context.document(read.document_id), start, end)
