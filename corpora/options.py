"""Checking the options of corpora before anything is read or made."""

from __future__ import annotations

from collections.abc import Sequence

from workbench.errors import InputError


def chosen_of(wanted: Sequence[str] | str | None, known: Sequence[str], field: str) -> list[str]:
    """The wanted names, all known ones by default, in the order given. Raises InputError for an unknown one."""
    names = list(known) if wanted is None else [wanted] if isinstance(wanted, str) else list(wanted)
    wrong = [name for name in names if name not in known]
    if wrong or not names:
        raise InputError(f"{field} {wrong or 'is empty'}", field=field, fix=f"known: {', '.join(known)}")
    return names
