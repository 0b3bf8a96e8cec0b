"""NoLiMa (adobe-research/NoLiMa at 7532e4e): whether the reply names the right character."""

from __future__ import annotations

from workbench.evaluation.metrics._registry import metric_function


def _last_line(text: str) -> str:
    return text.strip().split("\n")[-1]


@metric_function(1, own_rule=True)
def nolima_contains(prediction: str, references: list[str], *, official: bool = True) -> float:
    """1 when the reply contains a gold name; officially case matters (NoLiMa's `contains`)."""
    if official:
        return float(any(reference in prediction for reference in references))
    return float(any(reference.lower() in prediction.lower() for reference in references))


@metric_function(1, own_rule=True)
def nolima_exact(prediction: str, references: list[str]) -> float:
    """1 when the reply is exactly a gold name, outer white space ignored (NoLiMa's `EM`)."""
    return float(prediction.strip() in references)


@metric_function(1, own_rule=True)
def nolima_last_line_contains(prediction: str, references: list[str]) -> float:
    """1 when the reply's last line contains a gold name (NoLiMa's `lastline_contains`, for replies with reasoning)."""
    return float(any(reference in _last_line(prediction) for reference in references))


@metric_function(1, own_rule=True)
def nolima_last_line_exact(prediction: str, references: list[str]) -> float:
    """1 when the reply's last line is exactly a gold name (NoLiMa's `lastline_EM`)."""
    return float(_last_line(prediction).strip() in references)
