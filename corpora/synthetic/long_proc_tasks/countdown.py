"""LongProc's countdown: reach a number from four others."""

from __future__ import annotations

import random
from collections.abc import Sequence

from corpora.synthetic.long_proc_tasks.countdown_search import (
    countdown_reply,
    countdown_search,
)
from corpora.synthetic.long_proc_tasks.lines import joined
from corpora.synthetic.sheet import Asked
from corpora.synthetic.sizing import Count, largest

Puzzle = tuple[list[int], int, str]  # four numbers, a target, and the three equations that reach it
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


def puzzles(procedure: bool, draw: random.Random, length: int, steps: int, count: Count) -> tuple[str, Asked]:
    """A list of countdown puzzles, one of which is asked for; each was made from a solution."""
    listed: list[Puzzle] = []

    def made(number: int) -> list[str]:
        while len(listed) < number:
            listed.append(_puzzle(draw))
        return [
            f"Puzzle {at}: the numbers {', '.join(map(str, numbers))}, the target {target}."
            for at, (numbers, target, _) in enumerate(listed[:number], 1)
        ]

    guess = max(1, length // 22)
    text, spans = joined(largest(made, lambda lines: count("\n".join(lines)), length, guess=guess))
    number = draw.randint(1, len(spans))
    metrics: tuple[str, ...] = ("longproc_countdown",)
    if procedure:
        number, answer = _searched(listed[: len(spans)], number, 10 * steps)
        metrics = ("longproc_countdown", "longproc_countdown_partial")
    else:
        answer = f"<Solution>\n{listed[number - 1][2]}\n</Solution>"
    numbers, target, _ = listed[number - 1]
    question = _COUNTDOWN.format(number=number)
    if procedure:
        shown = [40, 19, 23, 7]
        example = countdown_search(shown, 29)
        assert example is not None
        question += " " + _COUNTDOWN_SEARCH.format(numbers=shown, target=29, reply=countdown_reply(*example))
    labels = {"numbers": numbers, "target": target, "puzzles": len(spans)}
    return text, Asked(question, (answer,), [spans[number - 1]], "countdown", metrics, labels=labels)


def _searched(puzzles: Sequence[Puzzle], first: int, most: int) -> tuple[int, str]:
    """A puzzle's number (from 1), and the reply that holds its search: the first puzzle from number `first` on whose
    search has at most `most` lines, or the one with the shortest search where none of a hundred has. After the last
    puzzle comes number 1."""
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


def _puzzle(draw: random.Random) -> Puzzle:
    """A puzzle made from a solution."""
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
