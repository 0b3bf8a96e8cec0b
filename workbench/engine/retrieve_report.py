"""The rows of the retrieval report: means with their intervals, and whether two configurations really differ."""

from __future__ import annotations

import dataclasses
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from workbench.errors import UnknownName
from workbench.evaluation.metrics.evidence import evidence_recall, ndcg_at_k, recall_at_k, reciprocal_rank
from workbench.records import Chunk, Hit, Question

DEPTHS = (1, 5, 10, 20)
COMPARED = 10  # recall at this depth is compared
_NDCG = 10


@dataclass(frozen=True)
class Row:
    """One retrieval configuration over one corpus, or one group of its questions.

    `recall` by depth k is the share of the evidence spans that one of the first k hits overlaps, `mrr` the mean
    reciprocal rank of the first that does, `coverage` the share of the gold characters in the first 10; means over
    `questions`. `interval` is recall@10's 95 % interval, `difference` (with its interval) recall@10 minus the
    baseline's over the same questions, `p_value` that of a paired permutation test, adjusted by Holm over the
    configurations of the corpus or group; None for the baseline itself. Questions of a context are drawn together.
    `index` is the kind of dense index that was searched ("" without one), `index_recall` its own recall@10 against
    exact search, measured when it was built (the lowest of the contexts). Seconds: building the index, and the median
    per question.
    """

    corpus: str
    group: str
    retriever: str
    questions: int
    recall: Mapping[int, float]
    mrr: float
    ndcg_at_10: float
    coverage_at_10: float
    interval: tuple[float, float]
    difference: float | None
    difference_interval: tuple[float, float] | None
    p_value: float | None
    chunks_read: float
    index: str
    index_recall: float | None
    build_s: float
    query_s: float


@dataclass(frozen=True)
class Measured:
    """What a configuration found, question by question, in the order of the corpus's `asked`."""

    retriever: str
    scores: tuple[tuple[float, ...], ...]
    read: tuple[int, ...]
    seconds: tuple[float, ...]
    build_s: float
    kinds: tuple[tuple[str, float], ...]  # of each context's dense index, with its recall against exact search


@dataclass(frozen=True)
class Retrieved:
    """The report: a row per corpus (and group) and configuration, and what was left out and why."""

    rows: tuple[Row, ...]
    left_out: tuple[str, ...]

    def records(self) -> list[dict[str, Any]]:
        """Plain rows for JSON and CSV."""
        found = []
        for row in self.rows:
            plain = dataclasses.asdict(row)
            if not any(other.group for other in self.rows):
                del plain["group"]
            recall, interval, reach = (plain.pop(name) for name in ("recall", "interval", "difference_interval"))
            plain |= {f"recall_at_{k}": value for k, value in recall.items()}
            plain |= dict(zip(("recall_at_10_low", "recall_at_10_high"), interval, strict=True))
            plain |= dict(zip(("difference_low", "difference_high"), reach or (None, None), strict=True))
            found.append(plain)
        return found


def scores(hits: Sequence[Hit], evidence: Sequence[Chunk]) -> tuple[float, ...]:
    """Recall at each depth, then reciprocal rank, nDCG and coverage."""
    values = [recall_at_k(hits, evidence, k) for k in DEPTHS]
    values += [
        reciprocal_rank(hits, evidence),
        ndcg_at_k(hits, evidence, _NDCG),
        evidence_recall(hits, evidence, _NDCG),
    ]
    return tuple(value or 0.0 for value in values)  # None is "without evidence", and these questions have some


def groups(asked: Sequence[Question], by: str | None) -> dict[str, list[int]]:
    """Positions of the questions by their task or another label; one group without a name when `by` is None.

    Raises UnknownName for a label that no question has.
    """
    if by is None:
        return {"": list(range(len(asked)))}
    labels = sorted({label for question in asked for label in question.metadata})
    if by != "task" and by not in labels:
        raise UnknownName("label", by, ["task", *labels], field="--by")
    found: dict[str, list[int]] = {}
    for position, question in enumerate(asked):
        value = question.task if by == "task" else question.metadata.get(by)
        found.setdefault("none" if value is None else str(value), []).append(position)
    return dict(sorted(found.items()))


def rows(
    corpus: str, asked: Sequence[Question], found: Sequence[Measured], *, by: str | None, baseline: str | None
) -> list[Row]:
    """The rows of one corpus. `baseline` names the configuration that the others are compared with: the first one where
    it is None or could not be measured."""
    first = next((measured for measured in found if measured.retriever == baseline), found[0])
    return [row for group, at in groups(asked, by).items() for row in _group(corpus, group, asked, at, found, first)]


def _group(
    corpus: str,
    group: str,
    asked: Sequence[Question],
    at: Sequence[int],
    found: Sequence[Measured],
    first: Measured,
) -> list[Row]:
    from workbench.analysis.statistics import clustered_interval, holm, paired_difference, permutation_test

    contexts = [asked[i].context_id for i in at]
    place = DEPTHS.index(COMPARED)

    def recall(measured: Measured) -> list[float]:
        return [measured.scores[i][place] for i in at]

    others = [measured for measured in found if measured is not first]
    raw = [permutation_test(recall(measured), recall(first), contexts) for measured in others]
    p_values = dict(zip((measured.retriever for measured in others), holm(raw), strict=True))
    rows = []
    for measured in found:
        means = [statistics.fmean(values) for values in zip(*(measured.scores[i] for i in at), strict=True)]
        interval = clustered_interval(recall(measured), contexts, bounds=(0.0, 1.0))
        gap = None if measured is first else paired_difference(recall(measured), recall(first), contexts)
        rows.append(
            Row(
                corpus=corpus,
                group=group,
                retriever=measured.retriever,
                questions=len(at),
                recall=dict(zip(DEPTHS, means, strict=False)),
                mrr=means[len(DEPTHS)],
                ndcg_at_10=means[len(DEPTHS) + 1],
                coverage_at_10=means[len(DEPTHS) + 2],
                interval=(interval.low, interval.high),
                difference=None if gap is None else gap.mean,
                difference_interval=None if gap is None else (gap.low, gap.high),
                p_value=p_values.get(measured.retriever),
                chunks_read=statistics.fmean(measured.read[i] for i in at),
                index="+".join(sorted({kind for kind, _ in measured.kinds})),
                index_recall=min((recall for _, recall in measured.kinds), default=None),
                build_s=measured.build_s,
                query_s=statistics.median(measured.seconds[i] for i in at),
            )
        )
    return rows
