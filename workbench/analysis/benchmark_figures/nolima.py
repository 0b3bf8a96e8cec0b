"""NoLiMa: the score by length, the base score, the effective length."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from workbench.analysis.benchmark_figures.figure import Figure, Rows, by_label, label, percent

BASE_LENGTHS = (250, 500, 1_000)  # tokens


def base_score(pair_scores: Mapping[int, Sequence[float]]) -> float | None:
    """NoLiMa's base score: mean over question-needle pairs of the best of the lengths 250, 500 and 1,000; None when
    none of them was run.

    `pair_scores`: for each length (tokens) the pairs' means over haystacks and depths, in the same order.
    """
    columns = [pair_scores[length] for length in BASE_LENGTHS if length in pair_scores]
    best: list[float] = [max(values) for values in zip(*columns, strict=True)]
    return sum(best) / len(best) if best else None


def effective_length(scores: Mapping[int, float], base: float) -> int | None:
    """The largest tested length (tokens) whose score is at least 0.85 of the base score; None when none is."""
    return max((length for length, score in scores.items() if score >= 0.85 * base), default=None)


def figures(rows: Rows, scores: Rows) -> list[Figure]:
    """NoLiMa's figures; its literal control questions are in none of them."""
    asked = rows[rows["task"] != "direct"]
    if asked.empty:
        return []
    pairs = sorted(set(label(asked, "needle_pair").dropna()))
    parts = {int(length): part for length, part in by_label(asked, "length")}
    by_pair = {
        length: {key: percent(p) / 100 for key, p in by_label(part, "needle_pair")} for length, part in parts.items()
    }
    whole = {length: [found[pair] for pair in pairs] for length, found in by_pair.items() if set(found) == set(pairs)}
    base = base_score(whole) if pairs else None
    means = {length: percent(part) for length, part in parts.items()}
    by_length = [Figure(f"score at {length:,}", means[length], len(parts[length])) for length in sorted(means)]
    if base is None:
        return [*by_length, Figure("base score (needs 250, 500 or 1,000 tokens)", None, len(asked))]
    reached = effective_length({length: mean / 100 for length, mean in means.items()}, base) if base else None
    return [
        *by_length,
        Figure("base score", 100 * base, len(asked)),
        Figure("effective length (0.85 of the base)", reached, len(asked), "tokens"),
    ]
