"""bAbI stories about people who move, take things and hand them over: tasks 1 to 3, 5 to 9 and 11 to 13."""

from __future__ import annotations

import random
from collections.abc import Sequence

from corpora.synthetic.babi_world.story import GIVERS, OBJECTS, PEOPLE, PLACES, SHE, Story

_WENT = ("moved to", "went to", "journeyed to", "travelled to", "went back to")
_TOOK = ("picked up", "got", "grabbed", "took")
_LEFT = ("dropped", "put down", "left", "discarded")
_NUMBERS = ("none", "one", "two", "three")


class _Scene:
    """The state of a story: who is where with what, and which facts say so. `told` are the facts so far."""

    def __init__(self, draw: random.Random, people: Sequence[str] = PEOPLE) -> None:
        self.draw = draw
        self.people = people
        self.told: list[str] = []
        self.place: dict[str, tuple[str, int]] = {}  # person → place, fact
        self.holder: dict[str, tuple[str, int]] = {}  # object → person, fact
        self.lying: dict[str, tuple[str, tuple[int, ...]]] = {}  # object → place, facts
        self.been: dict[str, list[tuple[str, tuple[int, ...]]]] = {thing: [] for thing in OBJECTS}

    def say(self, fact: str) -> int:
        self.told.append(fact)
        return len(self.told) - 1

    def move(self, person: str | None = None) -> None:
        """A person moves to another place with the things they hold."""
        person = person or self.draw.choice(self.people)
        here = self.place.get(person, ("", 0))[0]
        there = self.draw.choice([place for place in PLACES if place != here])
        self.arrive(person, there, self.say(f"{person} {self.draw.choice(_WENT)} the {there}."))

    def arrive(self, person: str, there: str, fact: int) -> None:
        self.place[person] = (there, fact)
        for thing, (holder, taken) in self.holder.items():
            if holder == person:
                self._is_at(thing, there, (taken, fact))

    def _is_at(self, thing: str, place: str, facts: tuple[int, ...]) -> None:
        if not self.been[thing] or self.been[thing][-1][0] != place:
            self.been[thing].append((place, facts))

    def take(self) -> None:
        """Somebody takes a thing at their place that nobody holds (a thing not yet mentioned may be anywhere)."""
        person = self.draw.choice(list(self.place))
        here, arrived = self.place[person]
        free = [t for t in OBJECTS if t not in self.holder and self.lying.get(t, (here, ()))[0] == here]
        if not free:
            return self.move(person)
        thing = self.draw.choice(free)
        fact = self.say(f"{person} {self.draw.choice(_TOOK)} the {thing}{self.draw.choice(('', ' there'))}.")
        self.holder[thing] = (person, fact)
        self.lying.pop(thing, None)
        self._is_at(thing, here, (fact, arrived))
        return None

    def leave(self) -> None:
        """Somebody puts down a thing that they hold."""
        if not self.holder:
            return self.take()
        thing = self.draw.choice(list(self.holder))
        person, _ = self.holder.pop(thing)
        here, arrived = self.place[person]
        fact = self.say(f"{person} {self.draw.choice(_LEFT)} the {thing}{self.draw.choice(('', ' there'))}.")
        self.lying[thing] = (here, (fact, arrived))
        return None

    def live(self, steps: int, *, things: bool) -> None:
        """Everybody moves to a place, then `steps` random events follow."""
        for person in self.people:
            self.move(person)
        for _ in range(steps):
            if not things:
                self.move()
            else:
                self.draw.choice((self.move, self.move, self.take, self.take, self.leave))()

    def where(self, thing: str) -> tuple[str, tuple[int, ...]]:
        """The place of a thing that somebody holds or has put down, and the facts that state it."""
        if thing in self.lying:
            return self.lying[thing]
        person, taken = self.holder[thing]
        place, arrived = self.place[person]
        return place, (taken, arrived)

    def story(self, question: str, answer: str, support: Sequence[int]) -> Story:
        return Story(tuple(self.told), question, answer, tuple(sorted(set(support))))


def _pronoun(person: str) -> str:
    return "she" if person in SHE else "he"


def one_fact(draw: random.Random) -> Story:
    """1: where somebody is."""
    scene = _Scene(draw)
    scene.live(draw.randint(0, 8), things=False)
    person = draw.choice(PEOPLE)
    place, fact = scene.place[person]
    return scene.story(f"Where is {person}?", place, [fact])


def two_facts(draw: random.Random) -> Story:
    """2: where a thing is."""
    scene = _Scene(draw)
    scene.live(draw.randint(4, 20), things=True)
    while not (scene.holder or scene.lying):
        scene.take()
    thing = draw.choice([*scene.holder, *scene.lying])
    place, facts = scene.where(thing)
    return scene.story(f"Where is the {thing}?", place, facts)


def three_facts(draw: random.Random) -> Story:
    """3: where a thing was before it came to a place; asked of a place where it was only once."""
    scene = _Scene(draw)
    scene.live(draw.randint(10, 40), things=True)
    while True:
        for thing in draw.sample(OBJECTS, len(OBJECTS)):
            been = scene.been[thing]
            names = [place for place, _ in been]
            once = [at for at in range(1, len(been)) if names.count(names[at]) == 1]
            if once:
                at = draw.choice(once)
                support = (*been[at - 1][1], *been[at][1])
                return scene.story(f"Where was the {thing} before the {names[at]}?", names[at - 1], support)
        draw.choice((scene.move, scene.take))()


def giving(draw: random.Random) -> Story:
    """5: who gave what to whom, about the last gift; earlier ones may fit the question, too, but the latest counts."""
    scene = _Scene(draw, GIVERS)
    scene.live(draw.randint(0, 4), things=True)
    gifts: list[tuple[str, str, str, int]] = []
    while len(gifts) < 2 or draw.random() < 0.5:
        while not scene.holder:
            scene.take()
        thing = draw.choice(list(scene.holder))
        giver, _ = scene.holder[thing]
        taker = draw.choice([person for person in GIVERS if person != giver])
        verb = draw.choice(("gave", "handed", "passed"))
        fact = scene.say(f"{giver} {verb} the {thing} to {taker}.")
        scene.holder[thing] = (taker, fact)
        scene.place[taker] = (scene.place[giver][0], fact)
        gifts.append((giver, thing, taker, fact))
        if draw.random() < 0.3:
            scene.move()
    giver, thing, taker, fact = gifts[-1]
    question, answer = draw.choice(
        [
            (f"What did {giver} give to {taker}?", thing),
            (f"Who gave the {thing} to {taker}?", giver),
            (f"Who did {giver} give the {thing} to?", taker),
            (f"Who gave the {thing}?", giver),
            (f"Who received the {thing}?", taker),
        ]
    )
    return scene.story(question, answer, [fact])


def yes_no(draw: random.Random) -> Story:
    """6: whether somebody is somewhere."""
    scene = _Scene(draw)
    scene.live(draw.randint(0, 8), things=True)
    person = draw.choice(PEOPLE)
    place, fact = scene.place[person]
    asked = draw.choice([place, draw.choice([other for other in PLACES if other != place])])
    return scene.story(f"Is {person} in the {asked}?", "yes" if asked == place else "no", [fact])


def _carrying(draw: random.Random) -> tuple[_Scene, str, list[str], list[int]]:
    scene = _Scene(draw)
    scene.live(draw.randint(4, 20), things=True)
    holders = [person for person, _ in scene.holder.values()]
    person = draw.choice(holders) if holders and draw.random() < 0.7 else draw.choice(PEOPLE)
    held = sorted(thing for thing, (holder, _) in scene.holder.items() if holder == person)
    verbs = "|".join((*_TOOK, *_LEFT)).split("|")
    touched = [n for n, fact in enumerate(scene.told) if any(fact.startswith(f"{person} {verb} the") for verb in verbs)]
    return scene, person, held, touched


def counting(draw: random.Random) -> Story:
    """7: how many things somebody carries."""
    scene, person, held, touched = _carrying(draw)
    return scene.story(f"How many objects is {person} carrying?", _NUMBERS[len(held)], touched)


def listing(draw: random.Random) -> Story:
    """8: what somebody carries."""
    scene, person, held, touched = _carrying(draw)
    return scene.story(f"What is {person} carrying?", ",".join(held) or "nothing", touched)


def negation(draw: random.Random) -> Story:
    """9: like 6, but facts may say that somebody is not, or no longer, somewhere."""
    scene = _Scene(draw)
    known: dict[str, tuple[str, bool, int]] = {}  # person → place, is there, fact
    for _ in range(draw.randint(3, 10)):
        person, place = draw.choice(PEOPLE), draw.choice(PLACES)
        if draw.random() < 0.4:
            before = known.get(person)
            left = before is not None and before[1]
            place = before[0] if before is not None and left else place
            fact = scene.say(f"{person} is {'no longer' if left else 'not'} in the {place}.")
            known[person] = (place, False, fact)
        else:
            fact = scene.say(f"{person} {draw.choice((*_WENT, 'is in'))} the {place}.")
            known[person] = (place, True, fact)
    person = draw.choice(list(known))
    place, there, fact = known[person]
    asked = place if not there else draw.choice([place, *(other for other in PLACES if other != place)][:2])
    return scene.story(f"Is {person} in the {asked}?", "yes" if there and asked == place else "no", [fact])


def _followed(draw: random.Random, people: int, *, pronoun: bool) -> Story:
    """A story in which groups of `people` move; with `pronoun`, each moves again in the next sentence as he, she or
    they."""
    scene = _Scene(draw)
    for _ in range(draw.randint(2, 6)):
        group = draw.sample(PEOPLE, people)
        first, second = draw.sample(PLACES, 2)
        facts = [scene.say(f"{' and '.join(group)} {draw.choice(_WENT)} the {first}.")]
        if pronoun:
            they = _pronoun(group[0]) if people == 1 else "they"
            lead = draw.choice(("After that", "Then", "Following that", "Afterwards"))
            facts.append(scene.say(f"{lead} {they} {draw.choice(_WENT)} the {second}."))
        for person in group:
            scene.place[person] = (second if pronoun else first, facts[-1])
    person = draw.choice(list(scene.place))
    place, fact = scene.place[person]
    return scene.story(f"Where is {person}?", place, [fact - 1, fact] if pronoun else [fact])


def coreference(draw: random.Random) -> Story:
    """11: where somebody is, with pronouns: `Then she went …`."""
    return _followed(draw, 1, pronoun=True)


def conjunction(draw: random.Random) -> Story:
    """12: where somebody is, with pairs of people: `Mary and John went …`."""
    return _followed(draw, 2, pronoun=False)


def compound_coreference(draw: random.Random) -> Story:
    """13: where somebody is, with pairs and pronouns: `Then they went …`."""
    return _followed(draw, 2, pronoun=True)
