"""The mark that makes a function a metric, with the version that goes into the log."""

from __future__ import annotations

from collections.abc import Callable

VERSIONS: dict[str, int] = {}


def metric_function(
    version: int, *, needs_options: bool = False
) -> Callable[[Callable[..., float]], Callable[..., float]]:
    """Mark a function as a metric. A change that moves numbers raises the version (and gets a CHANGELOG line)."""

    def mark(function: Callable[..., float]) -> Callable[..., float]:
        function.version = version  # type: ignore[attr-defined]
        function.needs_options = needs_options  # type: ignore[attr-defined]
        VERSIONS[function.__name__] = version
        return function

    return mark
