"""LongProc (Ye et al. 2025, arXiv 2501.05414; princeton-pli/LongProc): long inputs turned into long, exact outputs.

Tasks: `html_to_tsv` (extract the rows that fit from a page), `path_traversal` (the only route between two cities),
`tom_tracking` (where somebody thinks a thing is, step by step), `countdown` (reach a number from four others),
`travel_planning` (a trip over cities that fits stays, dates and flights). Answer forms and scores are LongProc's.
Deviations: pages, stories and trips are generated; a page's length is filled with items that do not fit; stories are
scattered in prose; countdown's puzzle is one of a long list of puzzles, a trip's flights stand in a long timetable;
countdown and travel_planning ask for the search itself, LongProc's long output, with `procedure` alone. LongProc's
sixth task, pseudo_to_code, is left out: its score runs the reply as a program, and no reply is ever run here.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from itertools import pairwise

from corpora.options import chosen_of
from corpora.synthetic.fictional_world.names import TOWN_ENDS, Names
from corpora.synthetic.haystack import fill, insert, prose
from corpora.synthetic.long_proc_search import (
    Stay,
    countdown_reply,
    countdown_search,
    trip_plan,
    trip_reply,
    trip_search,
    trips,
)
from corpora.synthetic.ruler_tasks.vocabulary import ADJECTIVES, NOUNS
from corpora.synthetic.sheet import Asked, Sheet, Span, corpus_of
from corpora.synthetic.sizing import Count, counter, largest, lengths_of
from workbench.errors import InputError
from workbench.records import Corpus

VERSION = "2"
TASKS = ("html_to_tsv", "path_traversal", "tom_tracking", "countdown", "travel_planning")
MOST_CITIES = 8  # of a trip
_KINDS = ("garden", "kitchen", "office", "travel", "workshop")
_MEANS = ("bus", "train", "plane", "ferry")
_HTML = (
    "The text is the HTML of a shop's page. Extract every item of the category '{kind}' as a table of tab-separated "
    "values with the columns name, price and rating, in the order of the page, inside a code fence that begins with "
    "```tsv and ends with ```. The first line holds the column names."
)
_PATH = (
    "The text says from which city one can travel to which. From every city there is one way on. Find the route from "
    "{start} to {end}. Write one line for each leg, as in: From A, take a bus to B. Put the lines between <Route> and "
    "</Route>."
)
_TOM = (
    "The text tells what happens in a house, step by step. People see only what happens in the room where they are, "
    "and a thing that they have not seen moved is for them where they saw it last. After every step, where "
    "does {person} think the {thing} is? Write one line for each step, as in:\n"
    "- Step 0: Ann thinks the key is in the drawer."
)
_COUNTDOWN = (
    "The text is a list of puzzles. Solve puzzle {number}: combine its four numbers, each used once, by + - * / to "
    "reach its target, with three equations, each using two numbers that are left. Write them, one a line as in "
    "40 - 19 = 21, between <Solution> and </Solution>."
)
_COUNTDOWN_SEARCH = (
    "Before them, write down how you search, depth first: at each state take the pairs of numbers in order, the larger "
    "number first, and try + - * / in this order; drop decimals and results of 2000 and above; a result stands before "
    "the numbers that are left. Follow this example in every detail.\n\nNumbers: {numbers}\nTarget: {target}\n\n{reply}"
)
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


def load(
    *,
    tokens: int | Sequence[int] = 4_000,
    tasks: Sequence[str] | str | None = None,
    samples: int = 2,
    steps: int = 8,
    procedure: bool = False,
    tokenizer: str = "o200k_base",
    seed: int = 0,
) -> Corpus:
    """LongProc: `samples` texts for each task and length, one question each.

    `steps`: rows of the table, legs of the route, events of the story (2 to 200; output grows with it, LongProc's 0.5k,
    2k and 8k outputs are about 20, 80 and 300), towns of the trip (3 to 8). `procedure`: countdown and travel_planning
    ask for the search, too, as LongProc does, and score how far a reply follows it; countdown's has up to 10 lines a
    step, where a puzzle of the text has so short a one. Raises InputError.
    """
    lengths = lengths_of(tokens, shortest=1_000)
    chosen = chosen_of(tasks, TASKS, "tasks")
    if samples < 1 or not 2 <= steps <= 200:
        raise InputError(f"steps {steps}", field="steps", fix="use 2 to 200, and samples from 1")
    if steps * 60 > min(lengths):
        raise InputError(f"{steps} steps need {steps * 60} tokens", field="steps", fix="use fewer, or more tokens")
    count = counter(tokenizer)
    makers: dict[str, Callable[[random.Random, int, int, Count], tuple[str, Asked]]] = {
        "html_to_tsv": _page, "path_traversal": _cities, "tom_tracking": _house,
        "countdown": partial(_puzzles, procedure), "travel_planning": partial(_trip, procedure),
    }  # fmt: skip
    sheets = []
    for length in lengths:
        for task in chosen:
            for number in range(samples):
                name = f"{task}-{length}-{number}"
                text, asked = makers[task](random.Random(f"{seed}:{name}"), length, steps, count)
                sheets.append(Sheet(name, text, (asked,), length))
    return corpus_of(
        "long_proc", sheets, count, version=VERSION,
        provenance=f"generated: seed {seed}, {steps} steps{', procedures' if procedure else ''}, "
        f"{', '.join(map(str, lengths))} tokens ({tokenizer})",
    )  # fmt: skip


def _joined(lines: Sequence[str]) -> tuple[str, list[Span]]:
    """Lines as one text, and the span of each."""
    spans, at = list[Span](), 0
    for line in lines:
        spans.append((at, at + len(line)))
        at += len(line) + 1
    return "\n".join(lines), spans


def _page(draw: random.Random, length: int, steps: int, count: Count) -> tuple[str, Asked]:
    """A shop's page with `steps` items of the asked category among items of others."""
    kind = draw.choice(_KINDS)
    others = [other for other in _KINDS if other != kind]
    seen: set[str] = set()

    def item(category: str) -> tuple[str, str]:
        while (name := f"{draw.choice(ADJECTIVES)} {draw.choice(NOUNS)} {draw.randint(100, 9999)}") in seen:
            pass
        seen.add(name)
        price, rating = f"{draw.randint(1, 400)}.{draw.randint(0, 99):02}", f"{draw.randint(10, 50) / 10}"
        html = (
            f'<div class="item" data-id="{len(seen)}"><h3>{name}</h3><span class="category">{category}</span>'
            f'<span class="price">{price}</span><p>Rated <b>{rating}</b> of 5 by {draw.randint(2, 900)} buyers</p>'
            "</div>"
        )
        return html, f"{name}\t{price}\t{rating}"

    wanted = [item(kind) for _ in range(steps)]
    places = sorted(draw.random() for _ in wanted)
    fillers: list[str] = []
    head, foot = '<html><body><nav><a href="/">Home</a> <a href="/cart">Cart</a></nav>', "</body></html>"

    def made(number: int) -> list[str]:
        while len(fillers) < number:
            fillers.append(item(draw.choice(others))[0])
        lines, at = [head], 0
        for place, (html, _) in zip(places, wanted, strict=True):
            stop = int(place * (number + 1))
            lines += [*fillers[at:stop], html]
            at = stop
        return [*lines, *fillers[at:number], foot]

    guess = max(1, (length - 90 * steps) // 85)
    text, spans = _joined(largest(made, lambda lines: count("\n".join(lines)), length, guess=guess, floor=0))
    chosen = {html for html, _ in wanted}
    evidence = [span for span in spans if text[span[0] : span[1]] in chosen]
    gold = "name\tprice\trating\n" + "\n".join(row for _, row in wanted)
    question = _HTML.format(kind=kind)
    metrics = ("longproc_table",)
    return text, Asked(question, (f"```tsv\n{gold}\n```",), evidence, "html_to_tsv", metrics, labels={"steps": steps})


def _cities(draw: random.Random, length: int, steps: int, count: Count) -> tuple[str, Asked]:
    """Cities with one way on each; the route has `steps` legs."""
    names = Names(draw)
    route = [names.word(1, draw.choice(TOWN_ENDS)) for _ in range(steps + 1)]
    means = [draw.choice(_MEANS) for _ in route]
    way = "{0} is a lively city. You can travel from {0} to {1} by {2}."
    legs = [way.format(a, b, by) for a, b, by in zip(route, route[1:], means, strict=False)]
    legs.append(way.format(route[-1], names.word(2), means[-1]))  # on from the end, as everywhere
    others: list[str] = []
    known = list(route)
    places = [draw.random() for _ in legs]

    def made(number: int) -> list[str]:
        while len(others) < number:
            city = names.word(2)
            others.append(way.format(city, draw.choice(known), draw.choice(_MEANS)))
            known.append(city)
        order = sorted(range(len(legs)), key=lambda leg: places[leg])
        lines, at = list[str](), 0
        for leg in order:
            stop = int(places[leg] * (number + 1))
            lines += [*others[at:stop], legs[leg]]
            at = stop
        return [*lines, *others[at:number]]

    guess = max(1, (length - 30 * steps) // 32)
    text, spans = _joined(largest(made, lambda lines: count("\n".join(lines)), length, guess=guess, floor=0))
    evidence = [span for span in spans if text[span[0] : span[1]] in set(legs[:-1])]
    gold = "\n".join(f"From {a}, take a {by} to {b}." for a, b, by in zip(route, route[1:], means, strict=False))
    question = _PATH.format(start=route[0], end=route[-1])
    metrics = ("longproc_route", "longproc_route_partial")
    return text, Asked(
        question, (f"<Route>\n{gold}\n</Route>",), evidence, "path_traversal", metrics,
        labels={"hops": steps, "steps": steps},
    )  # fmt: skip


def _house(draw: random.Random, length: int, steps: int, count: Count) -> tuple[str, Asked]:
    """People and a thing in two rooms; who is away does not see it moved."""
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


def _puzzles(procedure: bool, draw: random.Random, length: int, steps: int, count: Count) -> tuple[str, Asked]:
    """A list of countdown puzzles, one of which is asked for; each was made from a solution."""
    puzzles: list[tuple[list[int], int, str]] = []

    def made(number: int) -> list[str]:
        while len(puzzles) < number:
            puzzles.append(_puzzle(draw))
        return [
            f"Puzzle {at}: the numbers {', '.join(map(str, numbers))}, the target {target}."
            for at, (numbers, target, _) in enumerate(puzzles[:number], 1)
        ]

    guess = max(1, length // 22)
    text, spans = _joined(largest(made, lambda lines: count("\n".join(lines)), length, guess=guess))
    number = draw.randint(1, len(spans))
    metrics: tuple[str, ...] = ("longproc_countdown",)
    if procedure:
        number, answer = _searched(puzzles[: len(spans)], number, 10 * steps)
        metrics = ("longproc_countdown", "longproc_countdown_partial")
    else:
        answer = f"<Solution>\n{puzzles[number - 1][2]}\n</Solution>"
    numbers, target, _ = puzzles[number - 1]
    question = _COUNTDOWN.format(number=number)
    if procedure:
        shown = [40, 19, 23, 7]
        example = countdown_search(shown, 29)
        assert example is not None
        question += " " + _COUNTDOWN_SEARCH.format(numbers=shown, target=29, reply=countdown_reply(*example))
    labels = {"numbers": numbers, "target": target, "puzzles": len(spans)}
    return text, Asked(question, (answer,), [spans[number - 1]], "countdown", metrics, labels=labels)


def _searched(puzzles: Sequence[tuple[list[int], int, str]], first: int, most: int) -> tuple[int, str]:
    """The first puzzle from number `first` on, and around, whose search has at most so many lines, else the shortest of
    the first hundred; with the reply that holds the search."""
    shortest: tuple[int, int, str] | None = None
    for offset in range(min(100, len(puzzles))):
        number = (first - 1 + offset) % len(puzzles) + 1
        found = countdown_search(*puzzles[number - 1][:2])
        assert found is not None, "each puzzle was made from a solution"
        if shortest is None or len(found[0]) < shortest[0]:
            shortest = len(found[0]), number, countdown_reply(*found)
        if shortest[0] <= most:
            break
    assert shortest is not None
    return shortest[1:]


def _puzzle(draw: random.Random) -> tuple[list[int], int, str]:
    """Four numbers, a target, and the three equations that reach it."""
    while True:
        numbers = [draw.randint(1, 50) for _ in range(4)]
        left = list(numbers)
        lines = []
        while len(left) > 1:
            a, b = sorted(draw.sample(range(len(left)), 2))
            one, other = max(left[a], left[b]), min(left[a], left[b])
            signs = ["+", "-", "*"] + (["/"] if other and one % other == 0 else [])
            sign = draw.choice(signs)
            value = {"+": one + other, "-": one - other, "*": one * other, "/": one // max(1, other)}[sign]
            lines.append(f"{one} {sign} {other} = {value}")
            left = [n for at, n in enumerate(left) if at not in (a, b)] + [value]
        if 10 <= left[0] < 2_000 and all(int(line.rpartition(" ")[2]) < 2_000 for line in lines):
            return numbers, left[0], "\n".join(lines)


def _trip(procedure: bool, draw: random.Random, length: int, steps: int, count: Count) -> tuple[str, Asked]:
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
    places = [draw.random() for _ in lines]
    known, fillers = list(order), list[str]()

    def made(number: int) -> list[str]:
        while len(fillers) < number:  # each goes to a town or comes from one that is no part of the trip
            new, old = names.word(2), draw.choice(known)
            fillers.append(_FLIGHT.format(*draw.sample((new, old), 2)))
            known.append(new)
        told, at = list[str](), 0
        for line in sorted(range(len(lines)), key=places.__getitem__):
            stop = int(places[line] * (number + 1))
            told += [*fillers[at:stop], lines[line]]
            at = stop
        return [*told, *fillers[at:number]]

    guess = max(1, length // 13 - len(lines))
    text, spans = _joined(largest(made, lambda told: count("\n".join(told)), length, guess=guess, floor=0))
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


_FORM = trip_plan([Stay("A", 5, 1), Stay("B", 3, 5)])


def _requirements(stays: Sequence[Stay], form: str) -> str:
    """What a trip shall be; with a `form`, as a question."""
    told = " ".join(
        f"You stay {stay.days} days in {stay.city}"
        + ("." if stay.start is None else f", from day {stay.start} to day {stay.end} exactly.")
        for stay in stays
    )
    days = sum(stay.days for stay in stays) - len(stays) + 1
    if form:
        return _TRIP.format(number=len(stays), days=days, stays=told, form=form)
    return f"A trip to {len(stays)} towns in {days} days. {told}"
