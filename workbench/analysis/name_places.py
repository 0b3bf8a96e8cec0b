"""Places the names of a chart's points so that they cover neither each other nor the points."""

from __future__ import annotations

from collections.abc import Iterable

CHARACTER = 6.8  # pixels, the width of a character in an 11-pixel sans-serif font
LINE = 12.0  # pixels, the height of a line
STEP = 4.0  # pixels
POINT = 5.0  # pixels, a point's radius

Taken = list[tuple[float, float, float]]  # left, right and baseline of points and of names placed so far


def points(places: Iterable[tuple[float, float]]) -> Taken:
    """The space that points take, given their x and y (pixels from the left and the top)."""
    return [(x - POINT, x + POINT, y + LINE / 3) for x, y in places]


def free_baseline(left: float, name: str, baseline: float, taken: Taken, *, top: float) -> float:
    """The first baseline (pixels from the top) from `baseline` upwards where a name that starts at `left` covers
    nothing in `taken`, to which it is added. At `top` the search ends, even if the name covers something there.

    >>> taken = []
    >>> [free_baseline(0, "raptor", 100, taken, top=10) for _ in range(3)]
    [100, 88.0, 76.0]
    """
    right, place = left + CHARACTER * len(name), baseline
    while any(left < end and right > start and abs(place - b) < LINE for start, end, b in taken) and place > top:
        place -= STEP
    taken.append((left, right, place))
    return place
