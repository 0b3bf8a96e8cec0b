"""RULER's scoring rules (NVIDIA/RULER at c3f5e3b), which search the reply for strings.

Its averages and effective length are in `workbench.analysis.figures`.
"""

from __future__ import annotations

import re

from workbench.evaluation.metrics._registry import metric_function


def ruler_text(prediction: str) -> str:
    """The reply as RULER reads it: stripped, control characters replaced by line breaks, stripped again."""
    return re.sub(r"[\x00-\x1f]", "\n", prediction.strip()).strip()


@metric_function(1, own_rule=True)
def ruler_match_all(prediction: str, references: list[str]) -> float:
    """Share of the references that the reply contains, in any case (`string_match_all`: all tasks except qa).

    >>> ruler_match_all("1234567", ["1234567", "7654321"])
    0.5
    """
    said = ruler_text(prediction).lower()
    return sum(reference.lower() in said for reference in references) / len(references) if references else 0.0


@metric_function(1, own_rule=True)
def ruler_match_part(prediction: str, references: list[str]) -> float:
    """1 when the reply contains any of the references, in any case (`string_match_part`: qa_1, qa_2)."""
    said = ruler_text(prediction).lower()
    return float(any(reference.lower() in said for reference in references))


@metric_function(1, needs=("task",), own_rule=True)
def ruler(prediction: str, references: list[str], *, task: str) -> float:
    """RULER's rule for a task: any reference found for `qa_1` and `qa_2`, the share of references found for others."""
    part = re.search(r"(?:^|[/:_])qa(?:_\d|$)", task) is not None
    return ruler_match_part(prediction, references) if part else ruler_match_all(prediction, references)
