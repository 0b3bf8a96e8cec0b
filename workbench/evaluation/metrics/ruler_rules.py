"""RULER (NVIDIA/RULER at c3f5e3b): strings found in the reply. `workbench.analysis.figures` has its averages and
the effective length."""

from __future__ import annotations

import re

from workbench.evaluation.metrics._registry import metric_function


def ruler_text(prediction: str) -> str:
    """The reply as RULER reads it: stripped, control characters as new lines, stripped again."""
    return re.sub(r"[\x00-\x1f]", "\n", prediction.strip()).strip()


@metric_function(1, own_rule=True)
def ruler_match_all(prediction: str, references: list[str]) -> float:
    """Share of the references that stand in the reply, case aside (`string_match_all`: all tasks but qa).

    >>> ruler_match_all("1234567", ["1234567", "7654321"])
    0.5
    """
    said = ruler_text(prediction).lower()
    return sum(reference.lower() in said for reference in references) / len(references) if references else 0.0


@metric_function(1, own_rule=True)
def ruler_match_part(prediction: str, references: list[str]) -> float:
    """1 when any of the references stands in the reply, case aside (`string_match_part`: qa_1, qa_2)."""
    said = ruler_text(prediction).lower()
    return float(any(reference.lower() in said for reference in references))


@metric_function(1, needs=("task",), own_rule=True)
def ruler(prediction: str, references: list[str], *, task: str) -> float:
    """The rule of a RULER task: any reference for `qa_1` and `qa_2`, the share of all of them for the others."""
    part = re.search(r"(?:^|[/:_])qa(?:_\d|$)", task) is not None
    return ruler_match_part(prediction, references) if part else ruler_match_all(prediction, references)
