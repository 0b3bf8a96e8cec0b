"""Reading and comparing numbers in replies."""

from __future__ import annotations

import re

from workbench.evaluation.metrics._registry import metric_function

_NUMBER = re.compile(r"-?\d[\d,]*(?:\.\d+)?")
_WORDS = {
    word: value
    for value, word in enumerate(
        [
            "zero",
            "one",
            "two",
            "three",
            "four",
            "five",
            "six",
            "seven",
            "eight",
            "nine",
            "ten",
            "eleven",
            "twelve",
            "thirteen",
            "fourteen",
            "fifteen",
            "sixteen",
            "seventeen",
            "eighteen",
            "nineteen",
            "twenty",
        ]
    )
}


def numbers(text: str) -> list[float]:
    """The numbers in a text, in digits or as the words zero to twenty, in order.

    >>> numbers("seven of 1,200.5")
    [7.0, 1200.5]
    """
    found = []
    for token in re.findall(r"-?\d[\d,]*(?:\.\d+)?|[A-Za-z]+", text):
        if _NUMBER.fullmatch(token):
            found.append(float(token.replace(",", "")))
        elif token.lower() in _WORDS:
            found.append(float(_WORDS[token.lower()]))
    return found


@metric_function(1)
def numeric_accuracy(prediction: str, references: list[str]) -> float:
    """1 when the first number of the reply equals the first number of a reference (to a relative 1e-9)."""
    said = numbers(prediction)
    if not said:
        return 0.0
    wanted = [values[0] for values in map(numbers, references) if values]
    return float(any(abs(said[0] - value) <= 1e-9 * max(1.0, abs(value)) for value in wanted))
