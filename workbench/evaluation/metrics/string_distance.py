"""Similarity of two strings, character by character."""

from __future__ import annotations

from workbench.evaluation.metrics._registry import metric_function


def fuzz_ratio(a: str, b: str) -> int:
    """`fuzzywuzzy.fuzz.ratio` with python-Levenshtein: the rounded percentage 200 * LCS / (len(a) + len(b)).

    Equal strings give 100, even empty ones. Without python-Levenshtein, fuzzywuzzy uses difflib and can differ.

    >>> fuzz_ratio("return(a)", "return (a, b)")
    82
    """
    from rapidfuzz import fuzz

    return round(fuzz.ratio(a, b))


def levenshtein(a: str, b: str) -> int:
    """The smallest number of inserted, deleted and replaced characters that turns `a` into `b`."""
    from rapidfuzz.distance import Levenshtein

    return Levenshtein.distance(a, b)


@metric_function(1)
def edit_similarity(prediction: str, references: list[str]) -> float:
    """Best `fuzz.ratio` / 100 over the references (LongBench's code tasks apply it to one line of the reply)."""
    return max((fuzz_ratio(prediction, reference) / 100 for reference in references), default=0.0)
