"""Retrieval metrics: retrieved chunks compared with gold evidence spans."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Collection, Hashable, Sequence
from typing import Any

from workbench.evaluation.metrics.citations import span_citations
from workbench.evaluation.metrics.longmemeval import ndcg_any, recall_all, recall_any
from workbench.evaluation.metrics.multi_hop import multihop_rag_retrieval
from workbench.records import Answer, Chunk, Hit, Question


def evidence_recall(hits: Sequence[Hit], evidence: Sequence[Chunk], k: int | None = None) -> float | None:
    """Share of the evidence's characters that the first `k` hits cover, 0 to 1; None without evidence.

    Each character counts once, however many hits or evidence spans cover it.
    """
    wanted = _merged(evidence)
    total = sum(end - start for spans in wanted.values() for start, end in spans)
    if not total:
        return None
    covered = _merged([hit.chunk for hit in hits[:k]])
    common = 0
    for document, spans in wanted.items():
        for start, end in spans:
            common += sum(max(0, min(end, stop) - max(start, begin)) for begin, stop in covered.get(document, ()))
    return common / total


def _merged(chunks: Sequence[Chunk]) -> dict[str, list[tuple[int, int]]]:
    """The characters that chunks cover, as non-overlapping spans by document."""
    spans: dict[str, list[tuple[int, int]]] = {}
    for chunk in sorted(chunks, key=lambda chunk: (chunk.document_id, chunk.start)):
        known = spans.setdefault(chunk.document_id, [])
        if known and chunk.start <= known[-1][1]:
            known[-1] = known[-1][0], max(known[-1][1], chunk.end)
        elif chunk.end > chunk.start:
            known.append((chunk.start, chunk.end))
    return spans


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
    """Binary nDCG@k, None without evidence; a hit is relevant if it overlaps evidence that no earlier hit overlaps."""
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
    """Average precision at k: mean over the evidence spans of the precision at the first hit that overlaps each, 0
    without such a hit. A hit counts in the precision when it is the first to overlap a span. None without evidence."""
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


def ranked_ids(retrieved: Sequence[Hashable], gold: Collection[Hashable]) -> dict[str, float]:
    """Precision, recall, F1 and reciprocal rank of a ranking of ids against the gold ids.

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


def _by_document(measure: Callable[[Sequence[str], Sequence[str], int], float]) -> Any:
    """Applies a measure to documents instead of spans: those of the hits, by first appearance, against those of the
    evidence. `k` counts documents, not hits (LongMemEval's sessions)."""

    def at_k(hits: Sequence[Hit], evidence: Sequence[Chunk], k: int) -> float | None:
        if not evidence:
            return None
        ranking = list(dict.fromkeys(hit.chunk.document_id for hit in hits))
        return measure(ranking, list(dict.fromkeys(span.document_id for span in evidence)), k)

    return at_k


_AT_K: dict[str, Callable[[Sequence[Hit], Sequence[Chunk], int], float | None]] = {
    "recall": recall_at_k,
    "hit": hit_at_k,
    "precision": precision_at_k,
    "ndcg": ndcg_at_k,
    "map": average_precision,
    "evidence_recall": evidence_recall,
    "recall_any": _by_document(recall_any),
    "recall_all": _by_document(recall_all),
    "ndcg_any": _by_document(ndcg_any),
}
_MULTIHOP = "multihop_rag_"
SpanMetric = Callable[[Question, Answer], float | None]


def span_metric(name: str) -> SpanMetric | None:
    """The metric of an answer's hits or citations against the question's evidence, by its name in `metrics:`.

    Of spans: `recall@K`, `hit@K`, `precision@K`, `ndcg@K`, `map@K`, `evidence_recall@K` (the first K hits, K ≥ 1),
    `mrr`, `evidence_recall` (all hits), `citation_precision`, `citation_recall`, `citation_f1`. Of documents, as
    LongMemEval ranks sessions: `recall_any@K`, `recall_all@K`, `ndcg_any@K`. By MultiHop-RAG's own rule:
    `multihop_rag_hits@4`, `multihop_rag_hits@10`, `multihop_rag_map@10`, `multihop_rag_mrr@10`. None for other names.
    """
    if (figure := name.removeprefix(_MULTIHOP)) in ("hits@4", "hits@10", "map@10", "mrr@10") and figure != name:
        return lambda question, answer: _multihop(question, answer, figure)
    found = re.fullmatch(r"(\w+)@([1-9]\d*)", name)
    if found and found.group(1) in _AT_K:
        function, k = _AT_K[found.group(1)], int(found.group(2))
        return lambda question, answer: function(answer.hits, question.evidence, k)
    if name == "mrr":
        return lambda question, answer: reciprocal_rank(answer.hits, question.evidence)
    if name == "evidence_recall":
        return lambda question, answer: evidence_recall(answer.hits, question.evidence)
    for position, part in enumerate(("citation_precision", "citation_recall", "citation_f1")):
        if name == part:
            return lambda question, answer: _part(span_citations(answer.citations, question.evidence), position)
    return None


def _multihop(question: Question, answer: Answer, figure: str) -> float | None:
    if not question.evidence:
        return None
    texts = [hit.chunk.text for hit in answer.hits]
    return multihop_rag_retrieval(texts, [span.text for span in question.evidence])[figure]


def _part(values: tuple[float, float, float] | None, position: int) -> float | None:
    return None if values is None else values[position]


def default_span_metrics(question: Question, answer: Answer) -> list[str]:
    """The span metrics that apply to this answer: none without evidence; of hits and of citations where it has some."""
    if not question.evidence:
        return []
    names = ["evidence_recall", "recall@5", "ndcg@10", "mrr"] if answer.hits else []
    return names + (["citation_precision", "citation_recall", "citation_f1"] if answer.citations else [])
