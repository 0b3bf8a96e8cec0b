"""NoLiMa (adobe-research/NoLiMa at 7532e4e): does the reply name the character, and how far does a model reach."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from workbench.evaluation.metrics._registry import metric_function

BASE_LENGTHS = (250, 500, 1_000)


def _last_line(text: str) -> str:
    return text.strip().split("\n")[-1]


@metric_function(1, own_rule=True)
def nolima_contains(prediction: str, references: list[str], *, official: bool = True) -> float:
    """1 when a gold name stands in the reply; case matters officially (`contains`)."""
    if official:
        return float(any(reference in prediction for reference in references))
    return float(any(reference.lower() in prediction.lower() for reference in references))


@metric_function(1, own_rule=True)
def nolima_exact(prediction: str, references: list[str]) -> float:
    """1 when the stripped reply is a gold name (`EM`)."""
    return float(prediction.strip() in references)


@metric_function(1, own_rule=True)
def nolima_last_line_contains(prediction: str, references: list[str]) -> float:
    """1 when a gold name stands in the last line (`lastline_contains`, for replies that explain first)."""
    return float(any(reference in _last_line(prediction) for reference in references))


@metric_function(1, own_rule=True)
def nolima_last_line_exact(prediction: str, references: list[str]) -> float:
    """1 when the last line is a gold name (`lastline_EM`)."""
    return float(_last_line(prediction).strip() in references)


def base_score(pair_scores: Mapping[int, Sequence[float]]) -> float:
    """The base score: mean over question-needle pairs of the best of the lengths 250, 500 and 1,000.

    `pair_scores`: for each length (tokens) the pairs' means over haystacks and depths, in the same order.
    """
    columns = [pair_scores[length] for length in BASE_LENGTHS if length in pair_scores]
    best: list[float] = [max(values) for values in zip(*columns, strict=True)]
    return sum(best) / len(best)


def effective_length(scores: Mapping[int, float], base: float) -> int | None:
    """The largest tested length whose score is at least 0.85 of the base score; None when none is."""
    return max((length for length, score in scores.items() if score >= 0.85 * base), default=None)
