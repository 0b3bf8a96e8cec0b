"""Which process writes a run, so that a reader can tell a killed run from a running one."""

from __future__ import annotations

import os
import platform
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

START_TOLERANCE_S = 2.0  # start times are rounded differently from system to system


def this_process() -> dict[str, Any]:
    """Host, process id and start (seconds since 1970) of this process, as plain data for the log."""
    return dict(_described(os.getpid()))  # by id, because a forked child inherits what is remembered


@lru_cache(maxsize=1)
def _described(pid: int) -> dict[str, Any]:
    import psutil

    return {"host": platform.node(), "pid": pid, "started": psutil.Process(pid).create_time()}


def is_gone(process: Mapping[str, Any] | None) -> bool:
    """Whether a recorded process has ended. False where that cannot be known: another host, or nothing recorded."""
    import psutil

    if not process or process.get("host") != platform.node():
        return False
    try:
        started = psutil.Process(int(process["pid"])).create_time()
    except psutil.NoSuchProcess:
        return True
    except psutil.Error:
        return False
    return abs(started - float(process["started"])) > START_TOLERANCE_S  # the id belongs to another one now
