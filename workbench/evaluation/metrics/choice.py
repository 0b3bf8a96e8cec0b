"""Multiple choice: which option a reply picks, and whether it is right."""

from __future__ import annotations

import re
from collections.abc import Sequence

from workbench.evaluation.metrics._registry import metric_function
from workbench.evaluation.metrics.answer_match import normalize_answer

_CLAIM = re.compile(r"\b(true|false)\b", re.IGNORECASE)
_LETTER = re.compile(
    r"^\W*(?:(?:the )?(?:correct )?(?:answer|option|choice)(?: is)?[:\s]*)?\(?([A-Z])\)?(?:[).:,\s]|$)"
)
_LATER = re.compile(r"\b(?:answer|option|choice)(?: is|:)?\s*\(?([A-Z])\)?\b", re.I)


def picked(prediction: str, options: Sequence[str]) -> int | None:
    """The position of the option that a reply picks, by its letter or its text; None when that is not clear."""
    for pattern in (_LETTER, _LATER):
        match = pattern.search(prediction.strip())
        if match and ord(match.group(1).upper()) - ord("A") < len(options):
            return ord(match.group(1).upper()) - ord("A")
    said = normalize_answer(prediction)
    named = [i for i, option in enumerate(options) if normalize_answer(option) and normalize_answer(option) in said]
    exact = [i for i, option in enumerate(options) if normalize_answer(option) == said]
    found = exact or named
    return found[0] if len(found) == 1 else None


@metric_function(1, needs_options=True)
def choice_accuracy(prediction: str, references: list[str], *, options: Sequence[str]) -> float:
    """1 when the reply picks the right option. References are option texts or letters."""
    choice = picked(prediction, options)
    if choice is None:
        return 0.0
    letter = chr(ord("A") + choice)
    right = {normalize_answer(reference) for reference in references}
    return float(any(r.strip() == letter for r in references) or normalize_answer(options[choice]) in right)


@metric_function(1, own_rule=True)
def nocha(prediction: str, references: list[str]) -> float:
    """1 when the reply (or its `<answer>` tag) says the gold word, true or false, and not the other one (NoCha).

    NoCha's pairs of claims, which count only when both are right, are in the `figures` of a comparison.

    >>> nocha("<answer>TRUE</answer> It is not false.", ["TRUE"]), nocha("TRUE or FALSE", ["TRUE"])
    (1.0, 0.0)
    """
    inside = re.search(r"<answer>(.*?)</answer>", prediction, re.IGNORECASE | re.DOTALL)
    named = {word.lower() for word in _CLAIM.findall(inside.group(1) if inside else prediction)}
    return float(any(named == {reference.strip().lower()} for reference in references))
