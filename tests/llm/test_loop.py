"""The private event loop: what runs is cancelled when it closes, and nothing begins afterwards."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import CancelledError, Future

import pytest

from workbench.errors import RunStopped
from workbench.llm.loop import LoopThread


async def waiting() -> None:
    await asyncio.sleep(60)


def test_a_closed_loop_begins_nothing() -> None:
    loop = LoopThread("test")
    running = loop.submit(waiting())
    loop.close()
    with pytest.raises(CancelledError):
        running.result(timeout=5)
    with pytest.raises(RunStopped):
        loop.submit(waiting())
    assert not loop.started


def test_no_call_slips_in_while_it_closes() -> None:
    for _ in range(30):
        loop, begun, refused = LoopThread("test"), list[Future[None]](), list[RunStopped]()
        loop.submit(asyncio.sleep(0)).result(timeout=5)

        def submit(
            loop: LoopThread = loop, begun: list[Future[None]] = begun, refused: list[RunStopped] = refused
        ) -> None:
            for _ in range(50):
                try:
                    begun.append(loop.submit(waiting()))
                except RunStopped as stopped:
                    refused.append(stopped)

        threads = [threading.Thread(target=submit) for _ in range(3)]
        for thread in threads:
            thread.start()
        loop.close()
        for thread in threads:
            thread.join()
        assert len(begun) + len(refused) == 150
        for future in begun:
            with pytest.raises(CancelledError):
                future.result(timeout=5)
