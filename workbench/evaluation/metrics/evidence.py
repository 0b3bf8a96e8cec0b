"""Retrieved chunks against gold evidence spans."""

from __future__ import annotations

import math
from collections.abc import Collection, Hashable, Sequence

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


def hit_at_k(hits: Sequence[Hit], evidence: Sequence[Chunk], k: int) -> float | None:
    """1 when one of the first `k` hits overlaps evidence; None without evidence."""
    if not evidence:
        return None
    return float(any(hit.chunk.overlap(span) for hit in hits[:k] for span in evidence))


def precision_at_k(hits: Sequence[Hit], evidence: Sequence[Chunk], k: int) -> float | None:
    """Share of the first `k` hits that overlap evidence; None without evidence or hits."""
    if not evidence or not hits:
        return None
    return sum(any(hit.chunk.overlap(span) for span in evidence) for hit in hits[:k]) / len(hits[:k])


def average_precision(hits: Sequence[Hit], evidence: Sequence[Chunk], k: int) -> float | None:
    """AP@k: mean over the spans of the precision where each is first overlapped, 0 for those that never are."""
    if not evidence:
        return None
    left = list(evidence)
    relevant = 0
    total = 0.0
    for position, hit in enumerate(hits[:k], 1):
        found = [span for span in left if hit.chunk.overlap(span)]
        if found:
            relevant += 1
            total += len(found) * relevant / position
            left = [span for span in left if span not in found]
    return total / len(evidence)


def evidence_coverage(prompt: str, evidence: Sequence[Chunk]) -> float | None:
    """Share of the gold characters that stand in a prompt, span by span as a whole or cut at one end; None without.

    For a full context that was truncated: was the answer still there? A span counts with its longest beginning or
    end that the prompt holds verbatim.
    """
    total = sum(len(span.text) for span in evidence)
    if total == 0:
        return None
    return sum(_held(span.text, prompt) for span in evidence) / total


def _held(text: str, prompt: str) -> int:
    if text in prompt:
        return len(text)

    def longest(part: int) -> int:
        low, high = 0, len(text)
        while low < high:  # a beginning is held whenever a longer one is, so the border can be searched by halves
            middle = (low + high + 1) // 2
            piece = text[:middle] if part > 0 else text[-middle:]
            low, high = (middle, high) if piece in prompt else (low, middle - 1)
        return low

    best = max(longest(1), longest(-1))
    return best if best >= min(8, len(text)) else 0  # a few shared letters are chance


def ranked_ids(retrieved: Sequence[Hashable], gold: Collection[Hashable]) -> dict[str, float]:
    """Precision, recall, F1 and reciprocal rank of one ranking of ids against the gold ids.

    >>> ranked_ids(["a", "x", "y"], ["a", "b"])
    {'precision': 0.3333333333333333, 'recall': 0.5, 'f1': 0.4, 'mrr': 1.0}
    """
    wanted = set(gold)
    hits = len(set(retrieved) & wanted)
    precision = hits / len(retrieved) if retrieved else 0.0
    recall = hits / len(wanted) if wanted else 0.0
    rank = next((position for position, item in enumerate(retrieved, 1) if item in wanted), 0)
    return {
        "precision": precision,
        "recall": recall,
        "f1": 2 * precision * recall / (precision + recall) if hits else 0.0,
        "mrr": 1 / rank if rank else 0.0,
    }
