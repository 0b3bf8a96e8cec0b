"""LongProc's travel planning: plan a trip that fits the stays, dates and flights."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

from corpora.synthetic.fictional_world.names import Names
from corpora.synthetic.long_proc_tasks.lines import joined, spread
from corpora.synthetic.long_proc_tasks.trip_search import (
    Stay,
    trip_plan,
    trip_reply,
    trip_search,
    trips,
)
from corpora.synthetic.sheet import Asked
from corpora.synthetic.sizing import Count, largest

MOST_CITIES = 8  # of a trip
_TRIP = (
    "The text tells between which towns there are direct flights, each for one direction. Plan a trip to {number} "
    "towns in {days} days, by direct flights only; any town can be the first. {stays} The days of arrival and of "
    "departure are days of both towns. Write the plan between <Plan> and </Plan> in this form:\n{form}"
)
_TRIP_SEARCH = (
    "Before it, write down how you search, depth first, between <Solving Procedure> and </Solving Procedure>: at each "
    "day take the town that is fixed to it, or else try the others in the order in which they are named above; check "
    "the flight, and that the stay ends before the next fixed one. Follow this example in every detail.\n\n"
    "{problem}\n\n{reply}"
)
_FLIGHT = "There is a direct flight from {0} to {1}."
_EXAMPLE = (Stay("Lisk", 6, 9), Stay("Oakford", 5), Stay("Tarn", 5))
_EXAMPLE_FLIGHTS = (("Oakford", "Lisk"), ("Tarn", "Oakford"))
_FORM = trip_plan([Stay("A", 5, 1), Stay("B", 3, 5)])


def trip(procedure: bool, draw: random.Random, length: int, steps: int, count: Count) -> tuple[str, Asked]:
    """A timetable of flights, and a trip that exactly one order of its towns makes possible."""
    names = Names(draw)
    order = [names.word(2) for _ in range(min(max(3, steps), MOST_CITIES))]
    whole, day = list[Stay](), 1
    for city in order:
        whole.append(Stay(city, draw.randint(2, 7), day))
        day = whole[-1].end
    fixed = set(draw.sample(order, draw.randint(1, max(1, len(order) // 3))))
    asked = [stay if stay.city in fixed else replace(stay, start=None) for stay in draw.sample(whole, len(whole))]
    route = list(pairwise(order))
    others = [(a, b) for a in order for b in order if a != b and (a, b) not in route]
    flights = route + draw.sample(others, min(len(others), 2 * len(order)))
    while len(trips(asked, flights)) > 1:
        flights.remove(draw.choice(flights[len(route) :]))
    lines = [_FLIGHT.format(a, b) for a, b in flights]
    placed = sorted([(draw.random(), line) for line in lines], key=lambda item: item[0])
    known, fillers = list(order), list[str]()

    def made(number: int) -> list[str]:
        while len(fillers) < number:  # each goes to a town or comes from one that is no part of the trip
            new, old = names.word(2), draw.choice(known)
            fillers.append(_FLIGHT.format(*draw.sample((new, old), 2)))
            known.append(new)
        return spread(placed, fillers[:number])

    guess = max(1, length // 13 - len(lines))
    text, spans = joined(largest(made, lambda told: count("\n".join(told)), length, guess=guess, floor=0))
    needed = set(lines[: len(route)])
    evidence = [span for span in spans if text[span[0] : span[1]] in needed]
    found = trip_search(asked, flights)
    assert found is not None, "the trip was made from a plan"
    gold = trip_reply(*found) if procedure else f"<Plan>\n{trip_plan(found[1])}\n</Plan>"
    question = _requirements(asked, _FORM)
    metrics: tuple[str, ...] = ("longproc_trip",)
    if procedure:
        metrics = ("longproc_trip", "longproc_trip_partial")
        shown = trip_search(_EXAMPLE, _EXAMPLE_FLIGHTS)
        assert shown is not None
        problem = "\n".join([_requirements(_EXAMPLE, ""), *(_FLIGHT.format(a, b) for a, b in _EXAMPLE_FLIGHTS)])
        question += "\n" + _TRIP_SEARCH.format(problem=problem, reply=trip_reply(*shown))
    labels = {"hops": len(route), "steps": len(order)}
    return text, Asked(question, (gold,), evidence, "travel_planning", metrics, labels=labels)


def _requirements(stays: Sequence[Stay], form: str) -> str:
    """What is asked of a trip: as the task's question where a `form` for the plan is given, else in short."""
    told = " ".join(
        f"You stay {stay.days} days in {stay.city}"
        + ("." if stay.start is None else f", from day {stay.start} to day {stay.end} exactly.")
        for stay in stays
    )
    days = sum(stay.days for stay in stays) - len(stays) + 1
    if form:
        return _TRIP.format(number=len(stays), days=days, stays=told, form=form)
    return f"A trip to {len(stays)} towns in {days} days. {told}"
