"""Countdown's depth-first search for a number, told line by line.

The procedure is LongProc's, in its canonical form (princeton-pli/LongProc at 78e873a). A reply that follows it gets a
partial score for the lines that agree with it, so they are written exactly as LongProc writes them: same order of
options, same words, same indents.
"""

from __future__ import annotations

from collections.abc import Sequence

from corpora.synthetic.long_proc_tasks.lines import indent

LARGEST = 2_000  # results of countdown's operations stay below


def countdown_search(numbers: Sequence[int], target: int) -> tuple[list[str], list[str]] | None:
    """The lines of the depth-first search for the target, and the equations that reach it; None when none do.

    Pairs are tried in the order of their places, the larger number first, by + - * /. Fractions, results of 2,000 and
    above and divisions by zero are dropped. A result stands before the numbers that are left.
    """
    lines = [
        f"Initial number set: {list(numbers)}, target: {target}. "
        f"Options for choosing two numbers: {_pairs(list(numbers))}."
    ]
    found = _reach(list(numbers), target, 1, lines)
    return None if found is None else (lines, found)


def _pairs(numbers: list[int]) -> list[tuple[int, int]]:
    return [(a, b) for at, a in enumerate(numbers) for b in numbers[at + 1 :]]


def _reach(numbers: list[int], target: int, level: int, lines: list[str]) -> list[str] | None:
    """The equations from these numbers to the target; what is tried on the way goes to `lines`."""
    for i in range(len(numbers)):
        for j in range(i + 1, len(numbers)):
            left = [number for at, number in enumerate(numbers) if at not in (i, j)]
            if left:
                told = f"Pick two numbers ({numbers[i]}, {numbers[j]}) (numbers left: {left}). Try possible operations."
                lines.append(indent(level) + told)
            large, small = max(numbers[i], numbers[j]), min(numbers[i], numbers[j])
            for sign in "+-*/":
                found = _tried(large, sign, small, left, target, level + 1 if left else level, lines)
                if found is not None:
                    return found
    return None


def _tried(
    large: int, sign: str, small: int, left: list[int], target: int, level: int, lines: list[str]
) -> list[str] | None:
    """One operation and what follows from it."""
    start = f"{indent(level)}Try {large} {sign} {small}"
    if sign == "/" and small == 0:
        lines.append(f"{start} (invalid operation). drop this branch.")
        return None
    if sign == "/" and large % small:
        lines.append(f"{start} = {large / small:.1f}. {large / small:.1f} is a decimal, drop this branch.")
        return None
    value = {"+": large + small, "-": large - small, "*": large * small, "/": large // max(1, small)}[sign]
    equation = f"{large} {sign} {small} = {value}"
    if value >= LARGEST:
        lines.append(f"{start} = {value}. {value} exceeds the maximum intermediate result, drop this branch.")
        return None
    if not left:
        hit = value == target
        end = "target found!" if hit else "drop this branch."
        lines.append(f"{start} = {value}. Evaluate {value} {'==' if hit else '!='} {target}, {end}")
        return [equation] if hit else None
    now = [value, *left]
    told = f"{start} = {value}. Add {value} to the number set. Current number set: {now}, target: {target}"
    if len(now) == 2:
        lines.append(f"{told}, just two numbers left.")
    else:
        lines.append(f"{told}. Options for choosing two numbers: {_pairs(now)}.")
    rest = _reach(now, target, level + 1, lines)
    return None if rest is None else [equation, *rest]


def countdown_reply(lines: Sequence[str], solution: Sequence[str]) -> str:
    """A whole reply: the search, and the solution as LongProc wants it."""
    first, second, last = solution
    return (
        "# Search Procedure\n" + "\n".join(lines) + "\n\nNow we have found the target, let's trace back the solution:\n"
        f"Final step: {last}\nThe step before: {second}\nThe first step: {first}\n\n"
        f"Output the solution in the required format:\n<Solution>\n{first}\n{second}\n{last}\n</Solution>"
    )
