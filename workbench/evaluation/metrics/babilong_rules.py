"""BABILong (booydar/babilong at 7a6efee): the leaderboard's rule, which searches the reply for labels."""

from __future__ import annotations

import re
from collections.abc import Mapping

from workbench.evaluation.metrics._registry import NotApplicable, metric_function

_ROOMS = ("bathroom", "bedroom", "garden", "hallway", "kitchen", "office")
LABELS: Mapping[str, tuple[str, ...]] = {
    **{f"qa{n}": _ROOMS for n in (1, 2, 3, 4, 11, 12, 13)},
    "qa5": ("bill", "fred", "jeff", "mary", "apple", "football", "milk"),
    **{f"qa{n}": ("yes", "no") for n in (6, 9, 17, 18)},
    "qa7": ("none", "one", "two", "three"),
    "qa8": ("apple", "football", "milk", "nothing"),
    "qa10": ("yes", "no", "maybe"),
    "qa14": ("bedroom", "cinema", "kitchen", "office", "park", "school"),
    "qa15": ("cat", "mouse", "sheep", "wolf"),
    "qa16": ("gray", "green", "white", "yellow"),
    "qa19": ("e,e", "e,n", "e,s", "n,e", "n,n", "n,w", "s,e", "s,s", "s,w", "w,n", "w,s", "w,w"),
    "qa20": ("bedroom", "bored", "garden", "hungry", "kitchen", "thirsty", "tired"),
}


@metric_function(1, needs=("task", "question"), own_rule=True)
def babilong(prediction: str, references: list[str], *, task: str, question: str = "", official: bool = True) -> float:
    """1 when the reply's first sentence contains the target and no other label of the task.

    Labels that the question names do not count. `task` contains one of `qa1` to `qa20`. Officially labels are searched
    as substrings, so qa7's "none" also contains "one" and is never right; without `official` they are searched as whole
    words in the whole reply.
    """
    found = re.search(r"qa\d+", task.lower())
    if found is None or found.group() not in LABELS:
        raise NotApplicable(f"BABILong has no task {task!r}; it has qa1 to qa20")
    labels = LABELS[found.group()]
    said, asked = prediction.lower(), question.lower()
    if official:
        for end in (".", "<context>", "<example>"):
            said = said.split(end)[0]
        named = {label for label in labels if label in said} - {label for label in labels if label in asked}
    else:
        named = {label for label in labels if _as_word(label, said)} - {x for x in labels if _as_word(x, asked)}
    return float(any(_right(target.lower(), named) for target in references))


def _as_word(label: str, text: str) -> bool:
    return re.search(rf"(?<!\w){re.escape(label)}(?!\w)", text) is not None


def _right(target: str, named: set[str]) -> bool:
    if "," in target and len(target) > 3:  # several objects, as in qa8; qa19's "n,w" is one label of three characters
        parts = target.split(",")
        return all(part in named for part in parts) and len(named) == len(parts)
    return target in named and len(named) == 1


@metric_function(1, own_rule=True)
def babilong_substring(prediction: str, references: list[str]) -> float:
    """1 when the target appears anywhere in the reply: the looser rule of OpenCompass and older code."""
    return float(any(reference.lower() in prediction.lower() for reference in references))
