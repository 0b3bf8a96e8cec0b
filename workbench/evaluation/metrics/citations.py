"""Citation metrics: SummHay's coverage, citation and joint score; precision and recall of cited sources."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Hashable, Sequence
from dataclasses import dataclass

from workbench.records import Chunk

_WEIGHT = {
    "FULL_COVERAGE": 1.0,
    "PARTIAL_COVERAGE": 0.5,
    "NO_COVERAGE": 0.0,
    "fully_covered": 1.0,
    "partially_covered": 0.5,
    "not_covered": 0.0,
}
_CITED = re.compile(r"\[([\d, ]+)\]")


def set_precision_recall_f1(said: Collection[Hashable], gold: Collection[Hashable]) -> tuple[float, float, float]:
    """Precision, recall and F1 of two sets; 0 where a denominator is 0.

    >>> set_precision_recall_f1({1, 2}, {2, 3, 4})
    (0.5, 0.3333333333333333, 0.4)
    """
    hits = len(set(said) & set(gold))
    precision = hits / len(set(said)) if said else 0.0
    recall = hits / len(set(gold)) if gold else 0.0
    f1 = 2 * precision * recall / (precision + recall) if hits else 0.0
    return precision, recall, f1


def cited_numbers(text: str) -> list[int]:
    """The numbers in brackets, `[1][4]` or `[1, 4]`, in order, each once.

    >>> cited_numbers("Blood tests [32][6], [6, 91].")
    [32, 6, 91]
    """
    numbers = [int(part) for group in _CITED.findall(text) for part in re.findall(r"\d+", group)]
    return list(dict.fromkeys(numbers))


@dataclass(frozen=True, slots=True)
class InsightVerdict:
    """A judge's verdict on one reference insight: its coverage label and the bullet (from 1) that covers it."""

    insight_id: str
    coverage: str
    bullet: int | None


@dataclass(frozen=True, slots=True)
class SummHayScore:
    """Means over a summary's insights, 0 to 1; `citation` is None when no insight is covered."""

    coverage: float
    citation: float | None
    joint: float


def summhay_score(
    bullets: Sequence[str],
    verdicts: Sequence[InsightVerdict],
    sources: Callable[[str], Collection[int]],
    *,
    official: bool = True,
) -> SummHayScore:
    """SummHay's scores of one summary. `sources(insight_id)`: the documents (from 1) that contain the insight.

    Coverage: mean over the insights of 1 (full), 0.5 (partial) or 0 (none). Citation: mean over the covered insights of
    the F1 of the numbers cited in the covering bullet. Joint: mean over all insights of coverage times that F1. When
    the judge names no bullet, the official code uses the last but one; without `official` the F1 is 0.
    """
    coverages, citations, joints = [], [], []
    for verdict in verdicts:
        covered = _WEIGHT[verdict.coverage]
        coverages.append(covered)
        f1 = 0.0
        if covered > 0:
            bullet = verdict.bullet
            if bullet is None and official and len(bullets) > 1:
                bullet = len(bullets) - 1
            if bullet is not None and 1 <= bullet <= len(bullets):
                f1 = set_precision_recall_f1(cited_numbers(bullets[bullet - 1]), sources(verdict.insight_id))[2]
            citations.append(f1)
        joints.append(covered * f1)
    if not coverages:
        return SummHayScore(0.0, None, 0.0)
    citation = sum(citations) / len(citations) if citations else None
    return SummHayScore(sum(coverages) / len(coverages), citation, sum(joints) / len(joints))


def coverage_value(label: str) -> float:
    """The value of a judge's or annotator's coverage label: 1, 0.5 or 0. Raises KeyError for other labels."""
    return _WEIGHT[label]


def summhay_coverage(verdicts: Sequence[InsightVerdict]) -> float:
    """Mean coverage, for judgements whose summary is not at hand."""
    return sum(_WEIGHT[verdict.coverage] for verdict in verdicts) / len(verdicts)


def span_citations(citations: Sequence[Chunk], evidence: Sequence[Chunk]) -> tuple[float, float, float] | None:
    """Precision, recall and F1 of an answer's cited spans: a citation is right when it overlaps an evidence span, and
    an evidence span is found when a citation overlaps it. None without evidence.
    """
    if not evidence:
        return None
    if not citations:
        return 0.0, 0.0, 0.0
    precision = sum(any(c.overlap(span) for span in evidence) for c in citations) / len(citations)
    recall = sum(any(c.overlap(span) for c in citations) for span in evidence) / len(evidence)
    return precision, recall, 2 * precision * recall / (precision + recall) if precision + recall else 0.0


def statement_citations(supported: Sequence[bool], relevant: Sequence[Sequence[bool]]) -> tuple[float, float, float]:
    """ALCE-style citation recall, precision and F1 (L-CiteEval): share of supported statements, share of relevant
    citations, and their harmonic mean.

    `supported`: for each statement, whether its citations together entail it. `relevant`: for each statement, a flag
    per citation, see `necessary_citations`.
    """
    flags = [flag for statement in relevant for flag in statement]
    recall = sum(supported) / len(supported) if supported else 0.0
    precision = sum(flags) / len(flags) if flags else 0.0
    return recall, precision, 2 * precision * recall / (precision + recall) if precision + recall else 0.0


def necessary_citations(entails: Callable[[Sequence[int]], bool], cited: Sequence[int]) -> list[bool]:
    """Which citations of a statement count. One is superfluous when it does not entail the statement by itself and the
    others together do without it. A single citation counts; none do when all together do not entail the statement.
    `entails(sources)` asks a judge.
    """
    if not entails(cited):
        return [False] * len(cited)
    if len(cited) == 1:
        return [True]
    rest = [[*cited[:at], *cited[at + 1 :]] for at in range(len(cited))]  # removes only one of two equal citations
    return [entails([one]) or not entails(others) for one, others in zip(cited, rest, strict=True)]


def without_citations(text: str) -> str:
    """A reply without its bracketed citations, and without other closing brackets, as ALCE's code removes both.

    >>> without_citations("It rained [1][2]. It stopped[3].")
    'It rained. It stopped.'
    """
    return re.sub(r" ?\[\d+", "", text).replace(" |", "").replace("]", "")
