"""LongProc (Ye et al. 2025, arXiv 2501.05414; princeton-pli/LongProc): long inputs turned into long, exact outputs.

Tasks: `html_to_tsv` (extract the rows that fit from a page), `path_traversal` (the only route between two cities),
`tom_tracking` (where somebody thinks a thing is, step by step), `countdown` (reach a number from four others).
Answer forms and scores are LongProc's. Deviations: pages and stories are generated; a page's length is filled with
items that do not fit; stories are scattered in prose; countdown's puzzle is one of a long list of puzzles. LongProc's
pseudo_to_code needs a compiler and its travel_planning a data set; they are left out.
"""

from __future__ import annotations

import random
from collections.abc import Sequence

from corpora.options import chosen_of
from corpora.synthetic.fictional_world.names import TOWN_ENDS, Names
from corpora.synthetic.haystack import fill, insert, prose
from corpora.synthetic.ruler_tasks.vocabulary import ADJECTIVES, NOUNS
from corpora.synthetic.sheet import Asked, Sheet, Span, corpus_of
from corpora.synthetic.sizing import Count, counter, largest, lengths_of
from workbench.errors import InputError
from workbench.records import Corpus

VERSION = "1"
TASKS = ("html_to_tsv", "path_traversal", "tom_tracking", "countdown")
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


def load(
    *,
    tokens: int | Sequence[int] = 4_000,
    tasks: Sequence[str] | str | None = None,
    samples: int = 2,
    steps: int = 8,
    tokenizer: str = "o200k_base",
    seed: int = 0,
) -> Corpus:
    """LongProc: `samples` texts for each task and length, one question each.

    `steps`: rows of the table, legs of the route, and events of the story (2 to 200; output grows with it, LongProc's
    0.5k, 2k and 8k outputs are about 20, 80 and 300). Raises InputError.
    """
    lengths = lengths_of(tokens, shortest=1_000)
    chosen = chosen_of(tasks, TASKS, "tasks")
    if samples < 1 or not 2 <= steps <= 200:
        raise InputError(f"steps {steps}", field="steps", fix="use 2 to 200, and samples from 1")
    if steps * 60 > min(lengths):
        raise InputError(f"{steps} steps need {steps * 60} tokens", field="steps", fix="use fewer, or more tokens")
    count = counter(tokenizer)
    makers = {"html_to_tsv": _page, "path_traversal": _cities, "tom_tracking": _house, "countdown": _puzzles}
    sheets = []
    for length in lengths:
        for task in chosen:
            for number in range(samples):
                name = f"{task}-{length}-{number}"
                text, asked = makers[task](random.Random(f"{seed}:{name}"), length, steps, count)
                sheets.append(Sheet(name, text, (asked,), length))
    return corpus_of(
        "long_proc", sheets, count, version=VERSION,
        provenance=f"generated: seed {seed}, {steps} steps, {', '.join(map(str, lengths))} tokens ({tokenizer})",
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


def _puzzles(draw: random.Random, length: int, steps: int, count: Count) -> tuple[str, Asked]:
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
    numbers, target, solution = puzzles[number - 1]
    labels = {"numbers": numbers, "target": target, "puzzles": len(spans)}
    answer = f"<Solution>\n{solution}\n</Solution>"
    question = _COUNTDOWN.format(number=number)
    return text, Asked(question, (answer,), [spans[number - 1]], "countdown", ("longproc_countdown",), labels=labels)


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
