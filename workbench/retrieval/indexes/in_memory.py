"""Indexes held in the memory of this process: one for each key, whoever asks for it."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from typing import Any, TypeVar

T = TypeVar("T")
_KEPT = 64  # the least recently used goes first

_MEMORY: OrderedDict[str, Any] = OrderedDict()
_MEMORY_LOCK = threading.Lock()
_BUILDING: dict[str, threading.Lock] = {}


def shared(key: str, make: Callable[[], T]) -> T:
    """The index under `key`: from memory, or made by one thread while the others wait."""
    with _MEMORY_LOCK:
        if key in _MEMORY:
            _MEMORY.move_to_end(key)
            held: T = _MEMORY[key]
            return held
        building = _BUILDING.setdefault(key, threading.Lock())
    with building:
        with _MEMORY_LOCK:
            if key in _MEMORY:
                made_meanwhile: T = _MEMORY[key]
                return made_meanwhile
        index = make()
        with _MEMORY_LOCK:
            _MEMORY[key] = index
            _BUILDING.pop(key, None)
            while len(_MEMORY) > _KEPT:
                _MEMORY.popitem(last=False)
        return index
