"""The depth-first search for a trip, told line by line; and all trips that fit, without telling how.

The procedure is LongProc's, in its canonical form (princeton-pli/LongProc at 78e873a). A reply that follows it gets a
partial score for the lines that agree with it, so they are written exactly as LongProc writes them: same order of
options, same words, same indents.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from corpora.synthetic.long_proc_tasks.lines import indent


@dataclass(frozen=True, slots=True)
class Stay:
    """A city to be visited for so many days, both the day of arrival and that of departure counted; `start` when the
    visit is fixed to a day."""

    city: str
    days: int
    start: int | None = None

    @property
    def end(self) -> int:
        """The last day of a fixed visit."""
        return (self.start or 0) + self.days - 1


def trip_search(stays: Sequence[Stay], flights: Collection[tuple[str, str]]) -> tuple[list[str], list[Stay]] | None:
    """The lines of the depth-first search for a trip, and the trip with all its days; None when there is none."""
    fixed = sorted((stay for stay in stays if stay.start is not None), key=lambda stay: stay.start or 0)
    free = [stay for stay in stays if stay.start is None]
    lines = [
        "Read the requirements and identify the cities that have fixed schedules and the cities that need to be "
        "arranged."
    ]
    lines += [f"* City: {stay.city}, Duration: {stay.days} days{_schedule(stay, ', ')}." for stay in stays]
    if fixed:
        lines += ["", "Cities that have fixed schedules (sorted by their arrival days):"]
        lines += [f"* City: {stay.city}{_schedule(stay, ', ')}." for stay in fixed]
    else:
        lines += ["", "Cities that have fixed schedules: None."]
    if free:
        lines += ["", "Cities needing arrangement:"]
        lines += [f"* City: {stay.city}, Duration: {stay.days} days." for stay in free]
    else:
        lines += ["", "Cities needing arrangement: None."]
    lines.append("")
    trip = _arrange(1, [], free, fixed, set(flights), len(stays), lines)
    return None if trip is None else (lines, trip)


def _schedule(stay: Stay, before: str) -> str:
    return "" if stay.start is None else f"{before}Fixed Schedule: Day {stay.start} - {stay.end}"


def _arrange(
    day: int,
    plan: list[Stay],
    free: list[Stay],
    fixed: list[Stay],
    flights: set[tuple[str, str]],
    cities: int,
    lines: list[str],
) -> list[Stay] | None:
    outer, inner = indent(len(plan) * 2), indent(len(plan) * 2 + 1)
    lines.append(f"{outer}Current day: {day}. Current plan: [{', '.join(stay.city for stay in plan)}].")
    if len(plan) == cities:
        lines.append(f"{outer}All {cities} cities are arranged. Complete plan is found!")
        return plan
    lines.append(f"{outer}Check whether the city with an arrival day of Day {day} - is fixed.")
    here = next((stay for stay in fixed if stay.start == day), None)
    if here:
        lines.append(f"{outer}Yes. The city with an arrival day of Day {day} - is fixed: {here.city}.")
    else:
        names = ", ".join(stay.city for stay in free)
        lines.append(
            f"{outer}No. Consider possible options from cities needing arrangement: [{names}] and explore these "
            "options in order."
        )
    following = next((stay for stay in fixed if (stay.start or 0) > day), None)
    for choice in [here] if here else free:
        stay = Stay(choice.city, choice.days, day)
        if not _fits(stay, plan, following, flights, inner, lines):
            continue
        rest = [other for other in free if other.city != stay.city]
        trip = _arrange(stay.end, [*plan, stay], rest, fixed, flights, cities, lines)
        if trip is not None:
            return trip
    lines.append(f"{inner}Fail to arrange any option on day {day} in the current arrangement. Drop this branch.")
    return None


def _fits(
    stay: Stay, plan: list[Stay], following: Stay | None, flights: set[tuple[str, str]], inner: str, lines: list[str]
) -> bool:
    """Whether a stay can be flown to, and ends before the next fixed one begins."""
    day, city, last = stay.start, stay.city, plan[-1].city if plan else "the starting point"
    lines.append(
        f"{inner}Try arranging to visit {city} from Day {day}. Duration: {stay.days} days. "
        f"Schedule: Day {day} - {stay.end}."
    )
    lines.append(f"{inner}Check for direct flight from {last} to {city}.")
    if plan and (last, city) not in flights:
        lines.append(f"{inner}No. Drop this branch.")
        return False
    lines.append(f"{inner}Yes.")
    ahead = f"{following.city} (Day {following.start} - {following.end})" if following else "None"
    lines.append(
        f"{inner}Check whether this arrangement is compatible with the next fixed schedule after Day {day}: {ahead}."
    )
    if following is None:
        lines.append(f"{inner}No following fixed schedules. This arrangement is compatible.")
    else:
        late = stay.end > (following.start or 0)
        compared = "later than (>)" if late else "not later than (<=)"
        lines.append(
            f"{inner}The departure day of {city} is Day {stay.end}. The arrival day of {following.city} is Day "
            f"{following.start}. Day {stay.end} is {compared} Day {following.start}. This arrangement is "
            + ("incompatible. Drop this branch." if late else "compatible.")
        )
        if late:
            return False
    lines.append(f"{inner}This arrangement is feasible for now. Continue to arrange the rest of the plan.")
    return True


def trips(stays: Sequence[Stay], flights: Collection[tuple[str, str]], most: int = 2) -> list[list[Stay]]:
    """Up to `most` of the trips that fit all stays, dates and flights."""
    ways = set(flights)
    found: list[list[Stay]] = []

    def go(day: int, plan: list[Stay], left: list[Stay]) -> None:
        if not left:
            found.append(plan)
        for stay in left:
            if len(found) >= most:
                return
            if stay.start in (None, day) and (not plan or (plan[-1].city, stay.city) in ways):
                placed = Stay(stay.city, stay.days, day)
                go(placed.end, [*plan, placed], [other for other in left if other is not stay])

    go(1, [], list(stays))
    return found


def trip_plan(trip: Sequence[Stay]) -> str:
    """A trip as LongProc writes it."""
    lines = []
    for number, stay in enumerate(trip):
        visit = f"Visit {stay.city}" if number else f"Arriving in {stay.city} and visit {stay.city}"
        lines.append(f"**Day {stay.start}-{stay.end}:** {visit} for {stay.days} days.")
        if number + 1 < len(trip):
            lines.append(f"**Day {stay.end}:** Fly from {stay.city} to {trip[number + 1].city}.")
    return "\n".join(lines)


def trip_reply(lines: Sequence[str], trip: Sequence[Stay]) -> str:
    """A whole reply: the search, and the plan as LongProc wants it."""
    told = "\n".join(lines)
    return (
        f"<Solving Procedure>\n{told}\n</Solving Procedure>\n\nOutput the plan in the required format:\n<Plan>\n"
        f"{trip_plan(trip)}\n</Plan>"
    )
