"""The steps of a call, and the two ways to take them: blocking in a thread, or on an event loop.

The gateway writes a call down once, as a generator that yields what is to be done next and never waits itself. A model
that computes in this process is driven in the caller's thread; one behind HTTP on the gateway's loop.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Generator
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any, TypeVar

from workbench.llm.limits import Places
from workbench.llm.model import ChatRequest, Model

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Sleep:
    """Wait so many seconds."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Take:
    """Wait for a place among the calls in flight; the step's outcome is the `Place`."""


@dataclass(frozen=True, slots=True)
class Send:
    """Ask the model; the step's outcome is the `Completion`."""

    request: ChatRequest


@dataclass(frozen=True, slots=True)
class Work:
    """Do something that blocks; `heavy` if it takes more than a moment, so that a loop hands it to a thread."""

    run: Callable[[], None]
    heavy: bool


@dataclass(frozen=True, slots=True)
class Wait:
    """Wait for something that another call sets; it never fails."""

    done: Future[None]


Step = Sleep | Take | Send | Work | Wait
Steps = Generator[Step, Any, T]


def drive(steps: Steps[T], step: Step, model: Model, places: Places) -> T:
    """Take `step` and all that follow, blocking; returns what the generator returns."""
    try:
        while True:
            try:
                outcome = _perform(step, model, places)
            except BaseException as error:  # the generator decides, and puts the call's place back
                step = steps.throw(error)
            else:
                step = steps.send(outcome)
    except StopIteration as done:
        result: T = done.value
        return result


def _perform(step: Step, model: Model, places: Places) -> Any:
    match step:
        case Sleep(seconds):
            time.sleep(seconds)
        case Take():
            place = places.take()
            return place.result() if isinstance(place, Future) else place
        case Send(request):
            return model.complete(request)
        case Work(run):
            run()
        case Wait(done):
            done.result()
    return None


async def drive_on_loop(steps: Steps[T], step: Step, model: Model, places: Places) -> T:
    """Like `drive`, on the running event loop."""
    try:
        while True:
            try:
                outcome = await _perform_on_loop(step, model, places)
            except BaseException as error:  # cancellation too: the place must go back
                step = steps.throw(error)
            else:
                step = steps.send(outcome)
    except StopIteration as done:
        result: T = done.value
        return result


async def _perform_on_loop(step: Step, model: Model, places: Places) -> Any:
    match step:
        case Sleep(seconds):
            await asyncio.sleep(seconds)
        case Take():
            place = places.take()
            return await asyncio.wrap_future(place) if isinstance(place, Future) else place
        case Send(request):
            return await model.acomplete(request)
        case Work(run, heavy):
            if heavy:
                await asyncio.get_running_loop().run_in_executor(None, run)
            else:
                run()
        case Wait(done):
            await asyncio.shield(asyncio.wrap_future(done))
    return None
