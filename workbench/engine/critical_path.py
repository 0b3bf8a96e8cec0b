"""How long an answer takes: the longest chain of its calls, since calls that wait for nothing run side by side."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from workbench.errors import MethodError
from workbench.records import Call


def critical_path(calls: Iterable[Call]) -> float:
    """Seconds of the longest chain of calls through their recorded parents, without our own queueing.

    Raises MethodError when a call waits for itself (a cycle).
    """
    by_id = {call.call_id: call for call in calls}
    finish: dict[str, float] = {}
    for call in by_id.values():
        _finish(call, by_id, finish)
    return max(finish.values(), default=0.0)


def first_token(calls: Sequence[Call]) -> float | None:
    """Seconds until the first token of the answer: the chain before the last call, plus that call's first token."""
    if not calls:
        return None
    last = calls[-1]
    if last.first_token_s is None:
        return None
    return critical_path(calls) - last.total_s + last.first_token_s


def _finish(call: Call, by_id: Mapping[str, Call], finish: dict[str, float]) -> float:
    stack = [call]
    while stack:
        top = stack[-1]
        if top.call_id in finish:
            stack.pop()
            continue
        waiting = [by_id[p] for p in top.parents if p in by_id and p not in finish]
        if len(stack) > len(by_id):
            raise MethodError(f"call {top.call_id} waits for itself")
        if waiting:
            stack.append(waiting[0])
            continue
        finish[top.call_id] = top.total_s + max((finish[p] for p in top.parents if p in by_id), default=0.0)
        stack.pop()
    return finish[call.call_id]
