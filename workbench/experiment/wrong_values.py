"""Wrong names and values of an experiment file, told as one error that names the file, the field and the fix."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from workbench.errors import UnknownName
from workbench.experiment.schema import Experiment

T = TypeVar("T")


def known(lookup: Callable[[str], T], name: str, experiment: Experiment, field: str) -> T:
    """What `lookup` has under a name. Raises its UnknownName with the experiment's file and field."""
    try:
        return lookup(name)
    except UnknownName as error:
        raise UnknownName(error.kind, error.name, _known_names(error), file=experiment.source, field=field) from error


def _known_names(error: UnknownName) -> list[str]:
    return (error.fix or "").rpartition("known: ")[2].split(", ")


def shown(value: object) -> str:
    """A wrong value as an error quotes it."""
    text = repr(value)
    return f"it says {text if len(text) < 60 else text[:57] + '...'}"
