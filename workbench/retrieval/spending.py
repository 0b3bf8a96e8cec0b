"""What embedding and reranking servers are paid for, told to whoever watches, and whether they may be asked at all.

Both are properties of the flow of calls, not of an object: an index is shared by methods and experiments, and a method
opens embedders by itself. Threads see them when they run in a copy of the context that began them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Bill:
    """`texts` sent to a server in `seconds`, for which it counted `tokens` (0 where it tells none). `reused`: they were
    sent and paid for before, in as many seconds, and what was kept of it served now."""

    step: Literal["embed", "rerank"]
    model: str
    texts: int
    tokens: int
    seconds: float
    reused: bool = False


_WATCHER: ContextVar[Callable[[Bill], None] | None] = ContextVar("watcher", default=None)
_DRY: ContextVar[bool] = ContextVar("dry", default=False)


@contextmanager
def watched(hear: Callable[[Bill], object] | None = None) -> Iterator[list[Bill]]:
    """The bills of what is done within; an outer watcher does not see them. `hear` gets each at once, in the thread
    that waited for the server."""
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
    """Within, no server is asked: made-up vectors and scores stand in, and bills are estimates. For plans."""
    token = _DRY.set(True)
    try:
        yield
    finally:
        _DRY.reset(token)


def is_dry() -> bool:
    """Whether servers must not be asked."""
    return _DRY.get()
