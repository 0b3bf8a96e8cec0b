"""Numbers that an option may have, checked before anything runs."""

from __future__ import annotations

import math

from workbench.errors import InputError


def within(field: str, value: float, lowest: float, highest: float | None = None) -> None:
    """Raises InputError naming the field for a number that is outside of the bounds, or none."""
    if math.isfinite(value) and value >= lowest and (highest is None or value <= highest):
        return
    bounds = f"from {lowest:,} up" if highest is None else f"from {lowest:,} to {highest:,}"
    raise InputError(f"{value:,} is outside of what is possible", field=field, fix=f"write a number {bounds}")
