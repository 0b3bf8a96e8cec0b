"""The facts of an invented world, drawn from a seed. Names are made of syllables, so that no model knows them."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, field

_ONSET = [
    "b",
    "br",
    "c",
    "cl",
    "d",
    "dr",
    "f",
    "g",
    "gr",
    "h",
    "k",
    "l",
    "m",
    "n",
    "p",
    "pr",
    "r",
    "s",
    "st",
    "t",
    "th",
    "tr",
    "v",
    "w",
    "y",
]
_VOWEL = ["a", "e", "i", "o", "u", "ae", "ei", "ou", "ia"]
_CODA = ["l", "n", "r", "s", "th", "m", "nd", "rn", "lk", "ss", "x", "v", "d"]
_TOWN_END = ["ford", "bury", "mouth", "stead", "holm", "wick", "garth", "minster", "haven", "moor", "combe", "dale"]
_ORG_KIND = (
    "Trading House",
    "Shipyard",
    "Foundry",
    "Printing Works",
    "Observatory",
    "Weaving Company",
    "Salt Office",
    "Academy",
)
_PROFESSIONS = (
    *("cartographer", "glassblower", "apothecary", "bookbinder", "clockmaker", "stonemason", "ropemaker", "surveyor"),
    *(
        "engraver",
        "beekeeper",
        "shipwright",
        "lutenist",
        "dyer",
        "astronomer",
        "saddler",
        "brewer",
        "falconer",
        "potter",
    ),
)
_EVENT_FIRST = [
    "Lantern",
    "Copper",
    "Harvest",
    "Midwinter",
    "Salt",
    "Amber",
    "Bell",
    "Thistle",
    "Orchard",
    "Raven",
    "Silver",
    "Candle",
    "Willow",
    "Granite",
]
_EVENT_LAST = [
    "Fire",
    "Flood",
    "Strike",
    "Fair",
    "Siege",
    "Assembly",
    "Regatta",
    "Famine",
    "Procession",
    "Quarrel",
    "Jubilee",
    "Frost",
    "Treaty",
    "Parade",
]
MONTHS = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)


@dataclass(frozen=True, slots=True)
class Fact:
    """One fact: relation, subject, object. `fact_id` is unique in a world."""

    fact_id: int
    relation: str
    subject: str
    object: str


@dataclass
class World:
    """Entities and facts. A subject may lack a relation: that is what unanswerable questions ask for."""

    people: list[str] = field(default_factory=list)
    towns: list[str] = field(default_factory=list)
    organisations: list[str] = field(default_factory=list)
    events: list[str] = field(default_factory=list)
    facts: list[Fact] = field(default_factory=list)

    def add(self, relation: str, subject: str, value: str) -> None:
        """State a fact."""
        self.facts.append(Fact(len(self.facts), relation, subject, value))

    def of(self, relation: str) -> dict[str, list[Fact]]:
        """The facts of a relation by subject."""
        found: dict[str, list[Fact]] = {}
        for fact in self.facts:
            if fact.relation == relation:
                found.setdefault(fact.subject, []).append(fact)
        return found


class _Names:
    """Names that are never given twice, nor contained in one another."""

    def __init__(self, draw: random.Random) -> None:
        self._draw = draw
        self._words: set[str] = set()

    def word(self, syllables: int, end: str = "") -> str:
        """A new capitalised word."""
        for attempt in range(10_000):
            count = syllables + attempt // 500
            parts = [self._draw.choice(_ONSET) + self._draw.choice(_VOWEL) for _ in range(count)]
            word = ("".join(parts) + (end or self._draw.choice(_CODA))).capitalize()
            if word.lower() not in self._words and len(word) > 3:
                self._words.add(word.lower())
                return word
        raise AssertionError("the syllables cannot run out")


def make_world(seed: str, people: int) -> World:
    """A world with `people` persons, and towns, organisations, events and journeys in proportion."""
    draw = random.Random(seed)
    names = _Names(draw)
    world = World()
    world.towns = [names.word(1, draw.choice(_TOWN_END)) for _ in range(max(8, people // 2))]
    world.people = [f"{names.word(1)} {names.word(2)}" for _ in range(people)]
    world.organisations = [f"{names.word(1)} {draw.choice(_ORG_KIND)}" for _ in range(max(6, people // 3))]
    world.events = _event_names(draw, names, max(8, people // 2))
    rivers = [names.word(1) for _ in world.towns]
    for town, river in zip(world.towns, rivers, strict=True):
        _maybe(world, draw, "river", town, river)
        _maybe(world, draw, "inhabitants", town, f"{draw.randrange(1_000, 99_000):,}")
    for person in world.people:
        _maybe(world, draw, "birthplace", person, draw.choice(world.towns))
        _maybe(world, draw, "birth_year", person, str(draw.randrange(1610, 1790)))
        _maybe(world, draw, "profession", person, draw.choice(_PROFESSIONS))
        _maybe(world, draw, "employer", person, draw.choice(world.organisations))
        _maybe(world, draw, "teacher", person, _other(draw, world.people, person))
    founders = draw.sample(world.people, len(world.organisations))
    for organisation, founder in zip(world.organisations, founders, strict=True):
        _maybe(world, draw, "founder", organisation, founder)
        _maybe(world, draw, "founding_year", organisation, str(draw.randrange(1640, 1830)))
        _maybe(world, draw, "seat", organisation, draw.choice(world.towns))
    days = draw.sample(range(100 * 365), len(world.events))
    for event, day in zip(world.events, days, strict=True):
        _maybe(world, draw, "event_town", event, draw.choice(world.towns))
        _maybe(world, draw, "event_date", event, _date(day), chance=0.95)
    travellers = draw.sample(world.people, max(3, people // 6))
    for person in travellers:
        for town in draw.sample(world.towns, draw.randrange(3, min(8, len(world.towns)))):
            world.add("visited", person, town)
    return world


def _maybe(world: World, draw: random.Random, relation: str, subject: str, value: str, chance: float = 0.88) -> None:
    if draw.random() < chance:
        world.add(relation, subject, value)


def _other(draw: random.Random, members: Sequence[str], one: str) -> str:
    chosen = one
    while chosen == one:
        chosen = draw.choice(members)
    return chosen


def _event_names(draw: random.Random, names: _Names, number: int) -> list[str]:
    plain = [f"{first} {last}" for first in _EVENT_FIRST for last in _EVENT_LAST]
    draw.shuffle(plain)
    while len(plain) < number:
        plain.append(f"{names.word(2)} {draw.choice(_EVENT_LAST)}")
    return plain[:number]


def _date(day: int) -> str:
    """Day number to `12 May 1731`: years of 12 months of 28 days at most, so that every date exists."""
    year, rest = divmod(day, 365)
    month, date = divmod(min(rest, 335), 28)
    return f"{date + 1} {MONTHS[month]} {1700 + year}"


def date_key(date: str) -> tuple[int, int, int]:
    """A date as something that sorts."""
    day, month, year = date.split()
    return int(year), MONTHS.index(month), int(day)
