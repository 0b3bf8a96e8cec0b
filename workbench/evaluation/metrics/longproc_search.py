"""LongProc's search tasks (princeton-pli/LongProc at 78e873a): travel plans, and partial scores of search traces."""

from __future__ import annotations

import re
from collections.abc import Sequence

from workbench.evaluation.metrics._registry import metric_function
from workbench.evaluation.metrics.answer_match import normalize_answer
from workbench.evaluation.metrics.structured_output import countdown_solved

_SEARCH, _FOUND = "# Search Procedure", "Now we have found the target"
_PROCEDURE = "<Solving Procedure>"
_WAY, _DAY = re.compile(r"from (\w+) to (\w+)"), re.compile(r"Day (\d{1,9})")


@metric_function(1, needs=("numbers", "target"), own_rule=True)
def longproc_countdown_partial(
    prediction: str, references: list[str], *, numbers: Sequence[int], target: int, official: bool = True
) -> float:
    """1 when the target is reached; else the share of the gold search's lines before the first difference (countdown).

    The first line, the initial state, must be equal and is not counted. Lines that try a step have to agree up to the
    equals sign and in whether they drop the branch; other lines have to be equal. Officially the last line that is
    compared never counts: n equal lines give (n - 1)/n.
    """
    if countdown_solved(prediction, numbers, target):
        return 1.0
    if _SEARCH not in prediction:
        return 0.0
    said = prediction.split(_SEARCH)[-1].strip().split("\n")

    def score(reference: str) -> float:
        gold = reference.split(_SEARCH)[-1].split(_FOUND)[0].strip().split("\n")
        if len(gold) < 2 or said[0] != gold[0]:
            return 0.0
        pairs = list(zip(said[1:], gold[1:], strict=False))
        same = next((at for at, (a, b) in enumerate(pairs) if not _same_step(a, b)), len(pairs))
        return _share(same, len(pairs), len(gold) - 1, official=official)

    return max(map(score, references), default=0.0)


def _same_step(said: str, gold: str) -> bool:
    if said == gold or "|- Try" not in gold:
        return said == gold
    drops = "drop this branch"
    return said.split("=")[0] == gold.split("=")[0] and (drops in said) == (drops in gold)


def _share(same: int, compared: int, lines: int, *, official: bool) -> float:
    """Lines that agree divided by the gold's lines; officially the index of the last line that was compared."""
    if official and same == compared:
        same = max(0, compared - 1)
    return same / lines


def trip_stays(plan: str) -> list[tuple[str, int]]:
    """The cities of a plan with the days in each, read from the flights and their days, as in NATURAL PLAN's code.

    >>> trip_stays("**Day 1-3:** Visit A.\\n**Day 3:** Fly from A to B.\\n**Day 3-7:** Visit B.")
    [('A', 3), ('B', 5)]
    """
    ends: list[int] = []
    flights: list[tuple[int, str, str]] = []
    total = None
    for line in plan.split("\n"):
        if named := re.search(r"European cities for (\d{1,9}) days", line):
            total = int(named.group(1))
        if visit := re.search(r"\d{1,9}-(\d{1,9})", line):
            ends.append(int(visit.group(1)))
            if ends[-1] == total:  # the plan is complete; another one may follow
                break
        if flight := _flight(line):
            flights.append(flight)
    if not ends or not flights:
        return []
    cities = [flights[0][1], *(arrival for _, _, arrival in flights)]
    days = [1, *(day for day, _, _ in flights), ends[-1]]
    return [(city, days[at + 1] - days[at] + 1) for at, city in enumerate(cities)]


def _flight(line: str) -> tuple[int, str, str] | None:
    """The last day before a line's last `from A to B`, and the cities. Finds what NATURAL PLAN's pattern finds, without
    trying every day with every flight."""
    at = line.rfind("from ")
    while at >= 0:
        if way := _WAY.match(line, at):
            days = list(_DAY.finditer(line, 0, at))
            return (int(days[-1].group(1)), way.group(1), way.group(2)) if days else None
        at = line.rfind("from ", 0, at)
    return None


def _plan(text: str, *, official: bool) -> str | None:
    start, end = text.find("<Plan>"), text.find("</Plan>")
    if start >= 0 and end >= 0:
        return text[start + len("<Plan>") : end]
    return None if official else text


@metric_function(1, own_rule=True)
def longproc_trip(prediction: str, references: list[str], *, official: bool = True) -> float:
    """1 when the plan inside `<Plan>` has the gold cities in order with their days (travel_planning).

    Further cities after them are ignored. Without `official`, the tags are not needed.
    """
    plan = _plan(prediction, official=official)
    said = trip_stays(plan) if plan is not None else []
    golds = [trip_stays(_plan(reference, official=False) or "") for reference in references]
    return float(any(gold and said[: len(gold)] == gold for gold in golds))


@metric_function(1, own_rule=True)
def longproc_trip_partial(prediction: str, references: list[str], *, official: bool = True) -> float:
    """1 when the trip is right; else the share of the gold procedure's lines before the first wrong one.

    A line is right when it contains the gold line, both normalised. Officially the last line that is compared never
    counts.
    """
    if longproc_trip(prediction, references, official=official):
        return 1.0
    said = _procedure(prediction)

    def score(reference: str) -> float:
        gold = _procedure(reference)
        pairs = list(zip(said, gold, strict=False))
        same = next((at for at, (a, b) in enumerate(pairs) if b not in a), len(pairs))
        return _share(same, len(pairs), len(gold), official=official) if gold else 0.0

    return max((score(reference) for reference in references if _PROCEDURE in reference), default=0.0)


def _procedure(text: str) -> list[str]:
    text = text.replace("Output the plan in the required format:", "")
    inside = _PROCEDURE + text.split(_PROCEDURE)[1] if _PROCEDURE in text else text
    return [normalize_answer(line) for line in inside.strip().split("\n") if line.strip()]
