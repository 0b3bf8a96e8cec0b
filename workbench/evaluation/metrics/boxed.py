"""Answers in a box: `\\boxed{...}` with balanced braces (NeedleBench's Ancestral Trace Challenge, mathematics)."""

from __future__ import annotations

import re

from workbench.evaluation.metrics._registry import metric_function


def last_boxed(text: str, *, strip_braces: bool = True) -> str | None:
    """What the last `\\boxed{` or `\\fbox{` of a text holds, braces matched; None without a closed one.

    `strip_braces` takes one more pair off, as in `\\boxed{{Ada}}`.

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
    """A boxed answer without TeX: `\\text{}` unwrapped, backslashes, brackets of formulas and quotes deleted."""
    said = re.sub(r"\\text\{([^}]*)\}", r"\1", inside)
    said = said.replace("\\[", "").replace("\\]", "").replace("\\", "").replace("~", " ")
    return " ".join(said.strip("\"'` ").split())


@metric_function(1, own_rule=True)
def ancestral_trace(prediction: str, references: list[str], *, official: bool = True) -> float:
    """1 when the last box holds the gold name, case included; no box is wrong (ATC and multi-needle reasoning).

    Without `official`, case does not matter, and a reply without box is right when it ends with the name.
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
