"""LongProc's path traversal: find the only route between two cities."""

from __future__ import annotations

import random

from corpora.synthetic.fictional_world.names import TOWN_ENDS, Names
from corpora.synthetic.long_proc_tasks.lines import joined, spread
from corpora.synthetic.sheet import Asked
from corpora.synthetic.sizing import Count, largest

_MEANS = ("bus", "train", "plane", "ferry")
_PATH = (
    "The text says from which city one can travel to which. From every city there is one way on. Find the route from "
    "{start} to {end}. Write one line for each leg, as in: From A, take a bus to B. Put the lines between <Route> and "
    "</Route>."
)


def cities(draw: random.Random, length: int, steps: int, count: Count) -> tuple[str, Asked]:
    """Cities with one way on each; the route has `steps` legs."""
    names = Names(draw)
    route = [names.word(1, draw.choice(TOWN_ENDS)) for _ in range(steps + 1)]
    means = [draw.choice(_MEANS) for _ in route]
    way = "{0} is a lively city. You can travel from {0} to {1} by {2}."
    legs = [way.format(a, b, by) for a, b, by in zip(route, route[1:], means, strict=False)]
    legs.append(way.format(route[-1], names.word(2), means[-1]))  # on from the end, as everywhere
    others: list[str] = []
    known = list(route)
    placed = sorted([(draw.random(), leg) for leg in legs], key=lambda item: item[0])

    def made(number: int) -> list[str]:
        while len(others) < number:
            city = names.word(2)
            others.append(way.format(city, draw.choice(known), draw.choice(_MEANS)))
            known.append(city)
        return spread(placed, others[:number])

    guess = max(1, (length - 30 * steps) // 32)
    text, spans = joined(largest(made, lambda lines: count("\n".join(lines)), length, guess=guess, floor=0))
    evidence = [span for span in spans if text[span[0] : span[1]] in set(legs[:-1])]
    gold = "\n".join(f"From {a}, take a {by} to {b}." for a, b, by in zip(route, route[1:], means, strict=False))
    question = _PATH.format(start=route[0], end=route[-1])
    metrics = ("longproc_route", "longproc_route_partial")
    return text, Asked(
        question, (f"<Route>\n{gold}\n</Route>",), evidence, "path_traversal", metrics,
        labels={"hops": steps, "steps": steps},
    )  # fmt: skip
