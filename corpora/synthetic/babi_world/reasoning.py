"""bAbI stories that need reasoning about stated facts: tasks 4, 10 and 14 to 20."""

from __future__ import annotations

import random
from itertools import pairwise

from corpora.synthetic.babi_world.story import PLACES, Story

_STEPS = {"north": (0, 1), "south": (0, -1), "east": (1, 0), "west": (-1, 0)}
_OPPOSITE = {"north": "south", "south": "north", "east": "west", "west": "east"}
_TOWN = ("bedroom", "cinema", "kitchen", "office", "park", "school")
_TIMES = ("yesterday", "this morning", "this afternoon", "this evening")
_ANIMALS = {"cat": "cats", "mouse": "mice", "sheep": "sheep", "wolf": "wolves"}
_PETS = ("Gertrude", "Winona", "Jessica", "Emily")
_COLOURS = ("gray", "green", "white", "yellow")
_KINDS = ("frog", "lion", "rhino", "swan")
_CREATURES = ("Bernhard", "Brian", "Greg", "Julius", "Lily")
_SHAPES = ("triangle", "pink rectangle", "blue square", "red sphere", "yellow square", "red square")
_CONTAINERS = ("box of chocolates", "chocolate", "box", "chest", "suitcase", "container")
_NEEDS = {"hungry": "kitchen", "thirsty": "kitchen", "tired": "bedroom", "bored": "garden"}
_FOR = {"hungry": "apple", "thirsty": "milk", "tired": "pajamas", "bored": "football"}
_ACTORS = ("Sumit", "Yann", "Jason", "Antoine")
_Point = tuple[int, int]


def two_arguments(draw: random.Random) -> Story:
    """4: which place lies in a direction from another (`What is north of …?`, `What is … north of?`)."""
    first, middle, last = draw.sample(PLACES, 3)
    side = draw.choice(list(_STEPS))
    facts = [f"The {first} is {side} of the {middle}.", f"The {middle} is {side} of the {last}."]
    order = draw.sample((0, 1), 2)
    asked = draw.choice(
        [
            (f"What is {side} of the {middle}?", first, 0),
            (f"What is {side} of the {last}?", middle, 1),
            (f"What is the {first} {side} of?", middle, 0),
            (f"What is the {middle} {side} of?", last, 1),
        ]
    )
    question, answer, fact = asked
    return Story(tuple(facts[number] for number in order), question, answer, (order.index(fact),))


def indefinite(draw: random.Random) -> Story:
    """10: whether somebody is somewhere, where facts may say `either … or`: yes, no or maybe."""
    facts = []
    known: dict[str, tuple[tuple[str, ...], int]] = {}
    people = ("Fred", "Mary", "Bill", "Julie")
    for number in range(draw.randint(3, 8)):
        person, (one, other) = draw.choice(people), draw.sample(_TOWN, 2)
        if draw.random() < 0.5:
            facts.append(f"{person} is either in the {one} or the {other}.")
            known[person] = ((one, other), number)
        else:
            facts.append(f"{person} {draw.choice(('is in', 'went to', 'travelled to', 'moved to'))} the {one}.")
            known[person] = ((one,), number)
    person = draw.choice(list(known))
    places, fact = known[person]
    asked = draw.choice([*places, draw.choice([place for place in _TOWN if place not in places])])
    answer = "no" if asked not in places else "yes" if len(places) == 1 else "maybe"
    return Story(tuple(facts), f"Is {person} in the {asked}?", answer, (fact,))


def time(draw: random.Random) -> Story:
    """14: where somebody was before; the facts state times and come in any order."""
    people = draw.sample(("Fred", "Mary", "Bill", "Julie"), 2)
    told: list[tuple[str, str, str]] = []
    went: dict[str, list[str]] = {}
    for person in people:
        went[person] = draw.sample(_TOWN, len(_TIMES))
        for at, place in zip(_TIMES, went[person], strict=True):
            verb = draw.choice(("went to", "travelled to", "journeyed to", "moved to"))
            if draw.random() < 0.5:
                told.append((person, place, f"{at.capitalize()} {person} {verb} the {place}."))
            else:
                told.append((person, place, f"{person} {verb} the {place} {at}."))
    draw.shuffle(told)
    person, step = draw.choice(people), draw.randint(1, len(_TIMES) - 1)
    before, after = went[person][step - 1], went[person][step]
    support = [n for n, (who, place, _) in enumerate(told) if who == person and place in (before, after)]
    facts = tuple(fact for _, _, fact in told)
    return Story(facts, f"Where was {person} before the {after}?", before, tuple(support))


def deduction(draw: random.Random) -> Story:
    """15: what an animal is afraid of, from what its kind is afraid of."""
    kinds = list(_ANIMALS)
    fears = {kind: draw.choice([other for other in kinds if other != kind]) for kind in kinds}
    of = {pet: draw.choice(kinds) for pet in _PETS}
    told = [("kind", kind, f"{_ANIMALS[kind].capitalize()} are afraid of {_ANIMALS[fears[kind]]}.") for kind in kinds]
    told += [("pet", pet, f"{pet} is a {of[pet]}.") for pet in _PETS]
    draw.shuffle(told)
    pet = draw.choice(_PETS)
    support = [n for n, (what, name, _) in enumerate(told) if (what, name) in (("pet", pet), ("kind", of[pet]))]
    return Story(tuple(fact for _, _, fact in told), f"What is {pet} afraid of?", fears[of[pet]], tuple(support))


def induction(draw: random.Random) -> Story:
    """16: the colour of an animal, from the colour of others of its kind."""
    asked, *others = draw.sample(_CREATURES, len(_CREATURES))
    colours = dict(zip(draw.sample(_KINDS, 3), draw.sample(_COLOURS, 3), strict=True))
    of = {name: draw.choice(list(colours)) for name in others}
    of[asked] = draw.choice(list(of.values()))
    told = [(name, f"{name} is a {of[name]}.") for name in _CREATURES]
    told += [(name, f"{name} is {colours[of[name]]}.") for name in others]
    draw.shuffle(told)
    same = {name for name in _CREATURES if of[name] == of[asked]}
    support = [number for number, (name, _) in enumerate(told) if name in same]
    return Story(tuple(fact for _, fact in told), f"What color is {asked}?", colours[of[asked]], tuple(support))


def positions(draw: random.Random) -> Story:
    """17: whether a shape is above, below, left or right of another, from their positions relative to a third."""
    one, middle, other = draw.sample(_SHAPES, 3)
    at: dict[str, _Point] = {middle: (0, 0)}
    words = {(0, 1): "above", (0, -1): "below", (-1, 0): "to the left of", (1, 0): "to the right of"}
    facts = []
    for shape in (one, other):
        step = draw.choice(list(words))
        at[shape] = step
        if draw.random() < 0.5:
            facts.append(f"The {shape} is {words[step]} the {middle}.")
        else:
            facts.append(f"The {middle} is {words[(-step[0], -step[1])]} the {shape}.")
    draw.shuffle(facts)
    (dx, dy) = (at[one][0] - at[other][0], at[one][1] - at[other][1])
    side, answer = draw.choice([(words[step], dx * step[0] + dy * step[1] > 0) for step in words])
    return Story(tuple(facts), f"Is the {one} {side} the {other}?", "yes" if answer else "no", (0, 1))


def sizes(draw: random.Random) -> Story:
    """18: whether a thing fits in another, or is bigger, from a chain of comparisons."""
    chain = draw.sample(_CONTAINERS, draw.randint(3, len(_CONTAINERS)))  # from the smallest
    links = []
    for at, (small, large) in enumerate(pairwise(chain)):
        verb = draw.choice(("The {small} fits inside the {large}.", "The {large} is bigger than the {small}."))
        links.append((at, verb.format(small=small, large=large)))
    draw.shuffle(links)
    low, high = sorted(draw.sample(range(len(chain)), 2))
    one, other = draw.choice(((low, high), (high, low)))
    if draw.random() < 0.5:
        question, answer = f"Does the {chain[one]} fit in the {chain[other]}?", one < other
    else:
        question, answer = f"Is the {chain[one]} bigger than the {chain[other]}?", one > other
    support = tuple(number for number, (at, _) in enumerate(links) if low <= at < high)
    return Story(tuple(fact for _, fact in links), question, "yes" if answer else "no", support)


def paths(draw: random.Random) -> Story:
    """19: the two steps from one place to another; the way is unique."""
    places = draw.sample(PLACES, 5)
    at: dict[str, _Point] = {places[0]: (0, 0)}
    links: list[tuple[str, str, str]] = []
    for place in places[1:]:
        while place not in at:
            near, side = draw.choice(list(at)), draw.choice(list(_STEPS))
            spot = (at[near][0] + _STEPS[side][0], at[near][1] + _STEPS[side][1])
            if spot not in at.values():
                at[place] = spot
                links.append((place, side, near))
    joined = {frozenset((one, other)): number for number, (one, _, other) in enumerate(links)}
    routes = [
        (start, via, end)
        for start in places for via in places for end in places
        if start != end and {frozenset((start, via)), frozenset((via, end))} <= set(joined)
        and start != via != end
    ]  # fmt: skip
    start, via, end = draw.choice(routes)
    step = {v: k for k, v in _STEPS.items()}
    answer = ",".join(
        step[(at[b][0] - at[a][0], at[b][1] - at[a][1])][0] for a, b in ((start, via), (via, end))
    )  # fmt: skip
    order = draw.sample(range(len(links)), len(links))
    used = {joined[frozenset((start, via))], joined[frozenset((via, end))]}
    facts = []
    for number in order:
        one, side, other = links[number]
        if draw.random() < 0.5:
            one, side, other = other, _OPPOSITE[side], one
        facts.append(f"The {one} is {side} of the {other}.")
    support = tuple(position for position, number in enumerate(order) if number in used)
    return Story(tuple(facts), f"How do you go from the {start} to the {end}?", answer, support)


def motivations(draw: random.Random) -> Story:
    """20: where somebody will go, why they went there, or why they took something."""
    facts: list[str] = []
    asked: list[tuple[str, str, tuple[int, ...]]] = []
    for person in draw.sample(_ACTORS, draw.randint(1, 4)):
        need = draw.choice(list(_NEEDS))
        facts.append(f"{person} is {need}.")
        felt = len(facts) - 1
        asked.append((f"Where will {person.lower()} go?", _NEEDS[need], (felt,)))
        if draw.random() < 0.6:
            facts.append(f"{person} {draw.choice(('went', 'went back', 'journeyed', 'moved'))} to the {_NEEDS[need]}.")
            asked[-1] = (f"Why did {person.lower()} go to the {_NEEDS[need]}?", need, (felt, felt + 1))
            if draw.random() < 0.6:
                facts.append(f"{person} {draw.choice(('picked up', 'got', 'grabbed', 'took'))} the {_FOR[need]} there.")
                asked.append((f"Why did {person.lower()} get the {_FOR[need]}?", need, (felt, felt + 2)))
    question, answer, support = draw.choice(asked)
    return Story(tuple(facts), question, answer, support)
