"""Python's cycle collector during a run."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager

_OFTEN = 20_000  # new objects between collections, instead of 700


@contextmanager
def rarer_collections() -> Iterator[None]:
    """Collect cycles more rarely and leave out of it what is there already: corpora and imported packages, some
    million objects that live as long as the run. A tenth of our own time a call. What was set before is set again."""
    before, ours = gc.get_threshold(), gc.get_freeze_count() == 0
    if before[0] == 0:  # the caller wants no collection at all
        yield
        return
    if ours:
        gc.freeze()
    gc.set_threshold(max(_OFTEN, before[0]), *before[1:])
    try:
        yield
    finally:
        gc.set_threshold(*before)
        if ours:
            gc.unfreeze()
