"""Reports what embedding and reranking servers cost, and turns their calls off for dry runs.

Both are kept in context variables, not in an object: an index is shared by methods and experiments, and a method opens
embedders by itself. A thread sees them only when it runs in a copy of the context that started it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Bill:
    """Number of `texts` sent to a server, the `seconds` that took, and the `tokens` that it reported. `estimated`: it
    reported none, so they are our own count. `search_units`: what Cohere bills reranks by, 0 elsewhere. `reused`: the
    texts were sent and paid for earlier, at that cost, and cached results were used now."""

    step: Literal["embed", "rerank"]
    model: str
    texts: int
    tokens: int
    seconds: float
    reused: bool = False
    estimated: bool = False
    search_units: float = 0.0


_WATCHER: ContextVar[Callable[[Bill], None] | None] = ContextVar("watcher", default=None)
_DRY: ContextVar[bool] = ContextVar("dry", default=False)


@contextmanager
def watched(hear: Callable[[Bill], object] | None = None) -> Iterator[list[Bill]]:
    """Collect the bills of what is done within; an outer watcher does not see them. `hear` gets each at once, in the
    thread that waited for the server."""
    bills: list[Bill] = []

    def heard(bill: Bill) -> None:
        bills.append(bill)
        if hear is not None:
            hear(bill)

    token = _WATCHER.set(heard)
    try:
        yield bills
    finally:
        _WATCHER.reset(token)


def tell(bill: Bill) -> None:
    """Hand a bill to the watcher, if there is one."""
    watcher = _WATCHER.get()
    if watcher is not None:
        watcher(bill)


@contextmanager
def dry() -> Iterator[None]:
    """Within, no server is called: vectors and scores are made up and bills are estimates. Used by `workbench plan`."""
    token = _DRY.set(True)
    try:
        yield
    finally:
        _DRY.reset(token)


def is_dry() -> bool:
    """Whether servers must not be called."""
    return _DRY.get()
