"""The facts of an invented world, drawn from a seed."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import accumulate

from corpora.synthetic.fictional_world.names import TOWN_ENDS, Names

_ORGANISATIONS = (
    *("Trading House", "Shipyard", "Foundry", "Printing Works", "Observatory", "Weaving Company", "Salt Office"),
    *("Academy", "Glassworks", "Ropewalk", "Counting House", "Botanical Society"),
)
PROFESSIONS = (
    *("cartographer", "glassblower", "apothecary", "bookbinder", "clockmaker", "stonemason", "ropemaker", "surveyor"),
    *("engraver", "beekeeper", "shipwright", "lutenist", "dyer", "astronomer", "saddler", "brewer", "falconer"),
    *("potter", "locksmith", "tanner", "organist", "chandler", "cooper", "notary"),
)
_EVENT_FIRST = (
    *("Lantern", "Copper", "Harvest", "Midwinter", "Salt", "Amber", "Bell", "Thistle", "Orchard", "Raven", "Silver"),
    *("Candle", "Willow", "Granite", "Ember", "Heron", "Linen", "Saffron"),
)
_EVENT_LAST = (
    *("Fire", "Flood", "Strike", "Fair", "Siege", "Assembly", "Regatta", "Famine", "Procession", "Quarrel"),
    *("Jubilee", "Frost", "Treaty", "Parade"),
)
MONTHS = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)
KINDS = {
    "person": ("birthplace", "birth_year", "profession", "employer", "teacher", "heir"),
    "town": ("river", "inhabitants"),
    "organisation": ("founder", "founding_year", "seat"),
    "event": ("event_town", "event_date"),
}
_STATED = 0.88  # probability that a relation of an entity is stated; unanswerable questions ask for the others


@dataclass(frozen=True, slots=True)
class Fact:
    """One fact: relation, subject, object. `fact_id` is unique in a world."""

    fact_id: int
    relation: str
    subject: str
    object: str


@dataclass
class World:
    """Entities and facts. A subject may lack a relation, which unanswerable questions then ask for."""

    people: list[str] = field(default_factory=list)
    towns: list[str] = field(default_factory=list)
    organisations: list[str] = field(default_factory=list)
    events: list[str] = field(default_factory=list)
    pronouns: dict[str, str] = field(default_factory=dict)
    facts: list[Fact] = field(default_factory=list)
    _by_relation: dict[str, dict[str, list[Fact]]] = field(default_factory=dict)

    def add(self, relation: str, subject: str, value: str) -> None:
        """Add a fact."""
        fact = Fact(len(self.facts), relation, subject, value)
        self.facts.append(fact)
        self._by_relation.setdefault(relation, {}).setdefault(subject, []).append(fact)

    def of(self, relation: str) -> dict[str, list[Fact]]:
        """The facts of a relation by subject."""
        return self._by_relation.get(relation, {})

    def members(self, kind: str) -> list[str]:
        """The entities of a kind of `KINDS`."""
        return {"person": self.people, "town": self.towns, "organisation": self.organisations, "event": self.events}[
            kind
        ]

    def dump(self) -> list[tuple[str, str, str]]:
        """All facts as plain (relation, subject, object), for an independent solver."""
        return [(fact.relation, fact.subject, fact.object) for fact in self.facts]


def make_world(seed: str, people: int) -> World:
    """A world with `people` persons, and towns, organisations, events and journeys in proportion.

    Surnames and given names recur, so that half a name is not enough to find a person; full names are unique. Some
    towns, employers and teachers are far more common as objects than others (weights 1/rank).
    """
    draw = random.Random(seed)
    names = Names(draw)
    world = World()
    world.towns = [names.word(1, draw.choice(TOWN_ENDS)) for _ in range(max(8, people // 2))]
    world.people = _people(draw, names, people)
    world.pronouns = {person: draw.choice(("he", "she")) for person in world.people}
    world.organisations = [f"{names.word(1)} {draw.choice(_ORGANISATIONS)}" for _ in range(max(6, people // 3))]
    world.events = _events(draw, names, max(8, people // 2))
    towns, employers = _Skewed(draw, world.towns), _Skewed(draw, world.organisations)
    for town in world.towns:
        _maybe(world, draw, "river", town, names.word(2))
        _maybe(world, draw, "inhabitants", town, f"{draw.randrange(1_000, 99_000):,}")
    teachers = _Skewed(draw, draw.sample(world.people, len(world.people)))
    for person in world.people:
        _maybe(world, draw, "birthplace", person, towns.choice())
        _maybe(world, draw, "birth_year", person, str(draw.randrange(1610, 1790)))
        _maybe(world, draw, "profession", person, draw.choice(PROFESSIONS))
        _maybe(world, draw, "employer", person, employers.choice())
        _maybe(world, draw, "teacher", person, teachers.choice(other_than=person))
        _maybe(world, draw, "heir", person, _other(draw, world.people, person))
    founders = draw.sample(world.people, len(world.organisations))
    for organisation, founder in zip(world.organisations, founders, strict=True):
        _maybe(world, draw, "founder", organisation, founder)
        _maybe(world, draw, "founding_year", organisation, str(draw.randrange(1640, 1830)))
        _maybe(world, draw, "seat", organisation, draw.choice(world.towns))
    days = draw.sample(range(100 * 12 * 28), len(world.events))
    for event, day in zip(world.events, days, strict=True):
        _maybe(world, draw, "event_town", event, draw.choice(world.towns))
        _maybe(world, draw, "event_date", event, _date(day))
    for person in draw.sample(world.people, max(3, people // 6)):
        for town in draw.sample(world.towns, draw.randrange(3, min(9, len(world.towns)))):
            world.add("visited", person, town)
    return world


class _Skewed:
    """Draws members with weights 1/rank."""

    def __init__(self, draw: random.Random, members: Sequence[str]) -> None:
        self._draw, self._members = draw, members
        self._weights = list(accumulate(1 / rank for rank in range(1, len(members) + 1)))

    def choice(self, other_than: str = "") -> str:
        while True:
            (chosen,) = self._draw.choices(self._members, cum_weights=self._weights)
            if chosen != other_than:
                return chosen


def _people(draw: random.Random, names: Names, number: int) -> list[str]:
    given = [names.word(2, "") for _ in range(max(8, number // 4))]
    families = [names.word(2) for _ in range(max(8, number // 2))]
    taken: dict[str, None] = {}
    while len(taken) < number:
        taken[f"{draw.choice(given)} {draw.choice(families)}"] = None
    return list(taken)


def _maybe(world: World, draw: random.Random, relation: str, subject: str, value: str) -> None:
    if draw.random() < _STATED:
        world.add(relation, subject, value)


def _other(draw: random.Random, members: Sequence[str], one: str) -> str:
    chosen = one
    while chosen == one:
        chosen = draw.choice(members)
    return chosen


def _events(draw: random.Random, names: Names, number: int) -> list[str]:
    plain = [f"{first} {last}" for first in _EVENT_FIRST for last in _EVENT_LAST]
    draw.shuffle(plain)
    while len(plain) < number:
        plain.append(f"{names.word(2)} {draw.choice(_EVENT_LAST)}")
    return plain[:number]


def _date(day: int) -> str:
    """The date of a day number, e.g. `12 May 1731`. Every month has 28 days, so that every date exists and different
    numbers give different dates."""
    months, date = divmod(day, 28)
    year, month = divmod(months, 12)
    return f"{date + 1} {MONTHS[month]} {1700 + year}"


def date_key(date: str) -> tuple[int, int, int]:
    """A sort key of a date."""
    day, month, year = date.split()
    return int(year), MONTHS.index(month), int(day)
