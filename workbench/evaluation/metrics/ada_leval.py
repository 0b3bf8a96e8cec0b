"""Ada-LEval (open-compass/Ada-LEval at 2154258): sorting text segments, and picking the best of many answers."""

from __future__ import annotations

import json
from itertools import permutations

from workbench.evaluation.metrics._registry import NotApplicable, metric_function


def tsort_order(reply: str) -> list[int] | None:
    """The order that a reply gives for four segments; None where the official code fails with a TypeError.

    The JSON list after `Answer:`, or in the whole reply without that; else the permutation of 1 to 4 that is a
    subsequence of the text's characters, and [0, 0, 0, 0] when there are several or none.

    >>> tsort_order("3 > 1 > 4 > 2"), tsort_order("order is 3,1,4,2 and also 1")
    ([3, 1, 4, 2], [0, 0, 0, 0])
    """
    said = reply.split("Answer:")[1].strip() if "Answer:" in reply else reply.strip()
    try:
        parsed = json.loads(said)
    except ValueError:
        found = [order for order in permutations("1234") if _subsequence(order, said)]
        return [int(digit) for digit in found[0]] if len(found) == 1 else [0, 0, 0, 0]
    return parsed if isinstance(parsed, list) else None


def _subsequence(items: tuple[str, ...], text: str) -> bool:
    rest = iter(text)
    return all(item in rest for item in items)


@metric_function(1, own_rule=True)
def ada_leval_tsort(prediction: str, references: list[str], *, official: bool = True) -> float:
    """1 when the order is the gold one; references are lists such as `[3, 1, 4, 2]`.

    The official code compares only as many places as the reply has, so `[3]` is right for a gold order that begins with
    3, and `[]` always is; it fails on a bare integer (0 here). Without `official` all places count.
    """
    order = tsort_order(prediction)
    if order is None:
        return 0.0
    for reference in references:
        gold = json.loads(reference)
        length = min(len(gold), len(order)) if official else max(len(gold), len(order))
        if order[:length] == gold[:length]:
            return 1.0
    return 0.0


def best_answer(reply: str, candidates: int) -> str:
    """The answer `A<n>` that a reply picks: the one with the largest n in it, else the largest bare number; else `???`.

    >>> best_answer("Answer: A12", 20), best_answer("Answer: A12", 5), best_answer("I think 17", 9)
    ('A12', 'A1', 'A7')
    """
    for prefix in ("A", ""):
        for number in range(candidates, 0, -1):
            if f"{prefix}{number}" in reply:
                return f"A{number}"
    return "???"


@metric_function(1, reads=("candidates",), needs_options=False, own_rule=True)
def ada_leval_best_answer(prediction: str, references: list[str], *, candidates: int = 0) -> float:
    """1 when the reply picks the gold answer (`A7`). `candidates`: how many answers were offered."""
    if candidates < 1:
        raise NotApplicable("the question does not say how many candidates it has")
    return float(best_answer(prediction, candidates) in references)
