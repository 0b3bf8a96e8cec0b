"""Where the names of points go so that none covers another, nor another point."""

from __future__ import annotations

from collections.abc import Iterable

CHARACTER = 6.8  # pixels, of an 11-pixel sans-serif
LINE = 12.0  # pixels
STEP = 4.0
POINT = 5.0  # pixels, a point's radius

Taken = list[tuple[float, float, float]]  # points, and names so far: left, right, baseline


def points(places: Iterable[tuple[float, float]]) -> Taken:
    """The places that points take, given their x and y (pixels from the left and the top)."""
    return [(x - POINT, x + POINT, y + LINE / 3) for x, y in places]


def free_baseline(left: float, name: str, baseline: float, taken: Taken, *, top: float) -> float:
    """The nearest baseline (pixels from the top) upwards where a name that starts at `left` covers no other one; it is
    taken from then on. At `top` it stays, whatever it covers.

    >>> taken = []
    >>> [free_baseline(0, "raptor", 100, taken, top=10) for _ in range(3)]
    [100, 88.0, 76.0]
    """
    right, place = left + CHARACTER * len(name), baseline
    while any(left < end and right > start and abs(place - b) < LINE for start, end, b in taken) and place > top:
        place -= STEP
    taken.append((left, right, place))
    return place
