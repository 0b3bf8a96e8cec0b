"""Checks of corpora's options, made before anything is read or generated."""

from __future__ import annotations

from collections.abc import Sequence

from workbench.errors import InputError


def chosen_of(wanted: Sequence[str] | str | None, known: Sequence[str], field: str) -> list[str]:
    """The wanted names in the given order; by default all known ones. Raises InputError for an unknown name."""
    names = list(known) if wanted is None else [wanted] if isinstance(wanted, str) else list(wanted)
    wrong = [name for name in names if name not in known]
    if wrong or not names:
        raise InputError(f"{field} {wrong or 'is empty'}", field=field, fix=f"known: {', '.join(known)}")
    return names
