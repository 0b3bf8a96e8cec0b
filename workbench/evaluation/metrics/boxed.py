"""Answers in a box: `\\boxed{...}` with balanced braces (NeedleBench's Ancestral Trace Challenge, mathematics)."""

from __future__ import annotations

import re

from workbench.evaluation.metrics._registry import metric_function


def last_boxed(text: str, *, strip_braces: bool = True) -> str | None:
    """The content of the last `\\boxed{` or `\\fbox{` in a text, with balanced braces; None if it is not closed.

    `strip_braces` removes one more pair, as in `\\boxed{{Ada}}`.

    >>> last_boxed("so \\\\boxed{1}, no: \\\\boxed{\\\\text{Ada {B}}}")
    '\\\\text{Ada {B}}'
    """
    start = max(text.rfind("\\boxed{"), text.rfind("\\fbox{"))
    if start < 0:
        return None
    opened = text.index("{", start)
    depth = 0
    for position in range(opened, len(text)):
        depth += {"{": 1, "}": -1}.get(text[position], 0)
        if depth == 0:
            inside = text[opened + 1 : position]
            if strip_braces and inside.startswith("{") and inside.endswith("}"):
                inside = inside[1:-1]
            return inside
    return None


def clean_boxed(inside: str) -> str:
    """A boxed answer without TeX: `\\text{}` unwrapped; backslashes, formula brackets and outer quotes removed."""
    said = re.sub(r"\\text\{([^}]*)\}", r"\1", inside)
    said = said.replace("\\[", "").replace("\\]", "").replace("\\", "").replace("~", " ")
    return " ".join(said.strip("\"'` ").split())


@metric_function(1, own_rule=True)
def ancestral_trace(prediction: str, references: list[str], *, official: bool = True) -> float:
    """1 when the last `\\boxed{}` is the gold name, case-sensitive; 0 without one (ATC and multi-needle reasoning).

    Without `official`, case does not matter, and a reply without a box is right when it ends with the name.
    """
    inside = last_boxed(prediction)
    if inside is None:
        if official:
            return 0.0
        said = prediction.strip().rstrip(".").lower()
        return float(any(said.endswith(reference.strip().lower()) for reference in references))
    said = clean_boxed(inside)
    if official:
        return float(said in {reference.strip() for reference in references})
    return float(said.lower() in {reference.strip().lower() for reference in references})
