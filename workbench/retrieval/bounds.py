"""Range checks of numeric options, made before anything runs."""

from __future__ import annotations

import math

from workbench.errors import InputError


def within(field: str, value: float, lowest: float, highest: float | None = None) -> None:
    """Raises InputError naming the field when a number is outside the bounds, infinite or NaN."""
    if math.isfinite(value) and value >= lowest and (highest is None or value <= highest):
        return
    bounds = f"from {lowest:,} up" if highest is None else f"from {lowest:,} to {highest:,}"
    raise InputError(f"{value:,} is outside of what is possible", field=field, fix=f"write a number {bounds}")
