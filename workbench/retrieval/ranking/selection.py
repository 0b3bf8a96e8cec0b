"""Selection: how many hits of a ranking are read, and in which order."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise

from workbench.errors import UnknownName
from workbench.records import Context, Hit

FILLS = ("top_k", "token_budget", "threshold", "adaptive_k")
OVERFLOWS = ("stop", "skip", "overshoot")
ORDERS = ("relevance", "document", "reversed", "lost_in_the_middle")


def taken(
    hits: Sequence[Hit],
    fill: str,
    *,
    top_k: int,
    token_budget: int = 0,
    overflow: str = "stop",
    threshold: float = 0.0,
    count: Callable[[str], int],
) -> list[Hit]:
    """The hits that are read, in order of rank. Raises UnknownName.

    `top_k`: the first `top_k`. `token_budget`: from the first on while they fit the budget; at the first that does not
    fit, `stop` (RAPTOR, GraphRAG, LightRAG), `skip` it and go on, or take it and stop (`overshoot`, LLMLingua).
    `threshold`: those whose score is at least that share of the best score. `adaptive_k`: those before the largest gap
    between neighbouring scores, ignoring the last tenth of the candidates ("No Tuning, No Iteration, Just Adaptive-k",
    arXiv 2506.08479; without its buffer). `threshold` and `adaptive_k` always take the best hit.
    """
    if fill not in FILLS:
        raise UnknownName("budget fill", fill, list(FILLS), field="fill")
    if overflow not in OVERFLOWS:
        raise UnknownName("overflow rule", overflow, list(OVERFLOWS), field="overflow")
    if not hits or fill == "top_k":
        return list(hits[:top_k])
    if fill == "token_budget":
        return _within(hits, token_budget, overflow, count)
    if fill == "threshold":
        best = hits[0].score
        return [hit for hit in hits if hit.rank == hits[0].rank or hit.score >= threshold * best]
    looked_at = hits[: max(2, len(hits) - len(hits) // 10)]
    gaps = [before.score - after.score for before, after in pairwise(looked_at)]
    return list(hits[: gaps.index(max(gaps)) + 1]) if gaps else list(hits)


def _within(hits: Sequence[Hit], budget: int, overflow: str, count: Callable[[str], int]) -> list[Hit]:
    found: list[Hit] = []
    left = budget
    for hit in hits:
        tokens = count(hit.chunk.text)
        if tokens > left and overflow == "skip":
            continue
        if tokens > left and overflow == "stop":
            break
        found.append(hit)
        left -= tokens
        if left <= 0:
            break
    return found


def arranged(hits: Sequence[Hit], order: str, context: Context) -> list[Hit]:
    """The hits in the order in which they are read. Raises UnknownName.

    `relevance`: best first. `document`: in their order in the context (OP-RAG, arXiv 2409.01666). `reversed`: best
    last, next to the question. `lost_in_the_middle`: best at both ends, ranks 1, 3, 5 … 6, 4, 2 (Liu et al., arXiv
    2307.03172, found that models use the middle least).
    """
    if order not in ORDERS:
        raise UnknownName("order", order, list(ORDERS), field="order")
    if order == "document":
        place = {document.document_id: number for number, document in enumerate(context.documents)}
        return sorted(hits, key=lambda hit: (place[hit.chunk.document_id], hit.chunk.start))
    if order == "reversed":
        return list(reversed(hits))
    if order == "lost_in_the_middle":
        return [*hits[::2], *reversed(hits[1::2])]
    return list(hits)
