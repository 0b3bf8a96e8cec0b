"""LongProc's theory-of-mind tracking: where somebody thinks that a thing is, step by step."""

from __future__ import annotations

import random

from corpora.synthetic.haystack import fill, insert, prose
from corpora.synthetic.sheet import Asked
from corpora.synthetic.sizing import Count

_TOM = (
    "The text tells what happens in a house, step by step. People see only what happens in the room where they are, "
    "and a thing that they have not seen moved is for them where they saw it last. After every step, where "
    "does {person} think the {thing} is? Write one line for each step, as in:\n"
    "- Step 0: Ann thinks the key is in the drawer."
)


def house(draw: random.Random, length: int, steps: int, count: Count) -> tuple[str, Asked]:
    """People and a thing in two rooms; whoever is in the other room does not see it moved."""
    people = draw.sample(("Ann", "Bo", "Cleo", "Dan", "Eve"), 3)
    thing = draw.choice(("key", "letter", "ring", "coin"))
    places = {"kitchen": ("drawer", "basket", "jar"), "study": ("desk", "chest", "vase")}
    room = dict.fromkeys(people, "kitchen")
    spot = draw.choice(places["kitchen"])
    person = draw.choice(people)
    told = [
        f"Step 0: {', '.join(people[:-1])} and {people[-1]} are in the kitchen, where the {thing} is in the {spot}."
    ]
    belief = spot
    gold = [f"- Step 0: {person} thinks the {thing} is in the {belief}."]
    thing_room = "kitchen"
    for step in range(1, steps):
        there = [name for name in people if room[name] == thing_room]
        if there and draw.random() < 0.5:
            mover = draw.choice(there)
            spot = draw.choice([place for place in places[thing_room] if place != spot])
            told.append(f"Step {step}: {mover} moves the {thing} to the {spot}.")
            if room[person] == thing_room:
                belief = spot
        else:
            mover = draw.choice(people)
            goal = "study" if room[mover] == "kitchen" else "kitchen"
            carried = room[mover] == thing_room and draw.random() < 0.3
            if carried:
                spot = draw.choice(places[goal])
                told.append(f"Step {step}: {mover} takes the {thing} along to the {goal} and puts it in the {spot}.")
                thing_room = goal
            else:
                told.append(f"Step {step}: {mover} goes to the {goal}, without looking around.")
            # who is in the room that it leaves sees it taken, but not where it goes
            if carried and (mover == person or room[person] == goal):
                belief = spot
            room[mover] = goal
        gold.append(f"- Step {step}: {person} thinks the {thing} is in the {belief}.")
    free = length - sum(count(f" {sentence} ") for sentence in told)
    depths = sorted(draw.random() for _ in told)
    text, spans = insert(fill(prose(f"{draw.random()}"), free, count), list(zip(depths, told, strict=True)))
    question = _TOM.format(person=person, thing=thing)
    metrics = ("longproc_steps", "longproc_steps_partial")
    labels = {"hops": steps, "steps": steps}
    return text, Asked(question, ("\n".join(gold),), spans, "tom_tracking", metrics, labels=labels)
