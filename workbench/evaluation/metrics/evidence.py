"""Retrieved chunks against gold evidence spans."""

from __future__ import annotations

import math
from collections.abc import Sequence

from workbench.records import Chunk, Hit


def evidence_recall(hits: Sequence[Hit], evidence: Sequence[Chunk], k: int | None = None) -> float | None:
    """Share of the gold characters that the first `k` hits cover, 0 to 1; None without evidence.

    Characters count once, however many hits or evidence spans cover them.
    """
    wanted = _characters(evidence)
    if not wanted:
        return None
    covered = _characters([hit.chunk for hit in hits[:k]])
    return len(wanted & covered) / len(wanted)


def _characters(chunks: Sequence[Chunk]) -> set[tuple[str, int]]:
    return {(chunk.document_id, position) for chunk in chunks for position in range(chunk.start, chunk.end)}


def recall_at_k(hits: Sequence[Hit], evidence: Sequence[Chunk], k: int) -> float | None:
    """Share of the evidence spans that one of the first `k` hits overlaps; None without evidence."""
    if not evidence:
        return None
    return sum(any(hit.chunk.overlap(span) for hit in hits[:k]) for span in evidence) / len(evidence)


def reciprocal_rank(hits: Sequence[Hit], evidence: Sequence[Chunk]) -> float | None:
    """1 / rank of the first hit that overlaps evidence, 0 when none does; None without evidence."""
    if not evidence:
        return None
    relevant = [hit.rank for hit in hits if any(hit.chunk.overlap(span) for span in evidence)]
    return 1 / min(relevant) if relevant else 0.0


def ndcg_at_k(hits: Sequence[Hit], evidence: Sequence[Chunk], k: int) -> float | None:
    """Binary nDCG@k: a hit gains when it overlaps an evidence span that no earlier hit overlapped; None without."""
    if not evidence:
        return None
    left = list(evidence)
    gained = 0.0
    for position, hit in enumerate(hits[:k], 1):
        found = [span for span in left if hit.chunk.overlap(span)]
        if found:
            gained += 1 / math.log2(position + 1)
            left = [span for span in left if span not in found]
    best = sum(1 / math.log2(position + 1) for position in range(1, min(k, len(evidence)) + 1))
    return min(1.0, gained / best)
