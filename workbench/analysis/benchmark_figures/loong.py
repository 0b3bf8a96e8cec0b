"""Loong: figures of a judge's ratings."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from workbench.analysis.benchmark_figures.figure import Figure, Rows


def summary(ratings: Sequence[float | None]) -> dict[str, float]:
    """Loong's figures from judge ratings (1 to 100; None where none was read): mean and share of 100 over those that
    were read, and their share.

    >>> summary([100, 50, None, 60])
    {'avg_score': 70.0, 'perfect_rate': 0.3333333333333333, 'scoring_success_rate': 0.75}
    """
    read = [rating for rating in ratings if rating is not None]
    if not read:
        return {"avg_score": 0.0, "perfect_rate": 0.0, "scoring_success_rate": 0.0}
    return {
        "avg_score": sum(read) / len(read),
        "perfect_rate": sum(rating == 100 for rating in read) / len(read),
        "scoring_success_rate": len(read) / len(ratings),
    }


def figures(rows: Rows, scores: Rows) -> list[Figure]:
    """Loong's figures of each judge that has rated the answers."""
    found = []
    for metric, part in scores[scores["metric"].str.startswith("judge:loong")].groupby("metric"):
        told = summary([None if pd.isna(value) else round(100 * value) for value in part["value"]])
        found.append(Figure(f"{metric}: avg score", told["avg_score"], len(part)))
        for name in ("perfect_rate", "scoring_success_rate"):
            found.append(Figure(f"{metric}: {name.replace('_', ' ')}", 100 * told[name], len(part)))
    return found
