"""How much may be asked of a server at once: places in flight, requests and tokens per minute, and a circuit breaker.

Nothing here sleeps: each limit says how long to wait, and the gateway waits in the way of the thread or loop it is on.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass

from workbench.errors import ServerGone

Clock = Callable[[], float]

# Share of a per-minute limit that may be spent at once. The rest is spread evenly, so that no window of 60 s ever
# holds more than the limit: burst + 60 s × rate = limit.
_BURST = 0.1


@dataclass(frozen=True, slots=True)
class Place:
    """A call's place among those in flight: since when, how many there were with it, and the busy clock's reading."""

    taken_at: float
    in_flight: int
    busy_at: float


class Places:
    """The calls in flight, at most `most`, fewer while the server shows that it is overloaded (AIMD).

    Judged by generations, as many outcomes as there are places. Multiplicative decrease: half the places as soon as
    half a generation met overload; a call sent before the last cut says nothing about the limit after it. Additive
    increase: one more place after a generation with less than an eighth. Between the two the limit stands, so that
    a failure now and then, which has nothing to do with load, does not starve a run. First come, first served;
    thread-safe.

    It also keeps the busy clock: a second with n calls in flight adds 1/n, so the shares of all calls sum to the time
    in which the server had any work of ours.
    """

    def __init__(self, most: int, clock: Clock = time.perf_counter) -> None:
        self.most = max(1, most)
        self.limit = self.most
        self.in_flight = 0
        self._clock = clock
        self._cut_at = float("-inf")
        self._outcomes = self._signs = 0
        self._busy = 0.0
        self._moved_at = 0.0
        self._waiting: deque[Future[Place]] = deque()
        self._lock = threading.Lock()

    def take(self) -> Place | Future[Place]:
        """A place at once, or the future of one; a cancelled future gives its turn away."""
        with self._lock:
            if not self._waiting and self.in_flight < self.limit:
                return self._enter()
            future: Future[Place] = Future()
            self._waiting.append(future)
            return future

    def give_back(self, place: Place, *, overloaded: bool | None = None) -> float:
        """Leave; returns the call's share of busy seconds. `overloaded`: True for a sign of overload, False for a good
        reply, None for neither (a failure that says nothing about load)."""
        with self._lock:
            self._tick()
            share = self._busy - place.busy_at
            if overloaded is not None and place.taken_at >= self._cut_at:
                self._judge(overloaded)
            self.in_flight -= 1
            while self._waiting and self.in_flight < self.limit:
                future = self._waiting.popleft()
                if future.set_running_or_notify_cancel():
                    future.set_result(self._enter())
        return share

    def _judge(self, overloaded: bool) -> None:
        self._outcomes += 1
        self._signs += overloaded
        if self._signs * 2 >= self.limit:
            self.limit = max(1, self.limit // 2)
            self._cut_at = self._moved_at
        elif self._outcomes < self.limit:
            return
        elif self._signs * 8 < self._outcomes:
            self.limit = min(self.most, self.limit + 1)
        self._outcomes = self._signs = 0

    def _enter(self) -> Place:
        self._tick()
        self.in_flight += 1
        return Place(self._moved_at, self.in_flight, self._busy)

    def _tick(self) -> None:
        now = self._clock()
        if self.in_flight:
            self._busy += (now - self._moved_at) / self.in_flight
        self._moved_at = now


class RateLimit:
    """Requests and tokens per minute (None: no limit), and pauses that the server asks for. Thread-safe."""

    def __init__(self, rpm: float | None = None, tpm: float | None = None, clock: Clock = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._resume_at = float("-inf")
        self._requests = _Bucket(rpm, clock()) if rpm else None
        self._tokens = _Bucket(tpm, clock()) if tpm else None

    def reserve(self, tokens: int) -> float:
        """Book one request of so many tokens (prompt and reply); returns the seconds to wait before sending it."""
        if self._requests is None and self._tokens is None:
            return 0.0
        now = self._clock()
        with self._lock:
            waits = [0.0]
            if self._requests is not None:
                waits.append(self._requests.take(1, now))
            if self._tokens is not None:
                waits.append(self._tokens.take(tokens, now))
        return max(waits)

    def settle(self, reserved: int, used: int) -> None:
        """Give back what a reply did not use of its booked tokens."""
        if self._tokens is not None and used < reserved:
            with self._lock:
                self._tokens.put_back(reserved - used)

    def pause(self, seconds: float) -> None:
        """Nobody sends for so long: a Retry-After concerns every call of the model."""
        with self._lock:
            self._resume_at = max(self._resume_at, self._clock() + seconds)

    def paused(self) -> float:
        """Seconds until calls may go on."""
        return max(0.0, self._resume_at - self._clock())


class _Bucket:
    """A token bucket that may go into debt; the debt is the waiting time."""

    def __init__(self, per_minute: float, now: float) -> None:
        self._capacity = per_minute * _BURST
        self._rate = per_minute * (1 - _BURST) / 60
        self._level = self._capacity
        self._at = now

    def take(self, amount: float, now: float) -> float:
        self._level = min(self._capacity, self._level + (now - self._at) * self._rate) - amount
        self._at = now
        # a single request above the capacity waits only for what the bucket can hold; more would be for ever
        return max(0.0, -self._level / self._rate)

    def put_back(self, amount: float) -> None:
        self._level = min(self._capacity, self._level + amount)


class Breaker:
    """Opens when nobody listens at the server's address, so that a dead server costs seconds, not hours.

    `threshold` refused connections in a row open it. While it is open one call at a time probes, after `cool_s` and
    then twice as long each time, and the others wait. Once the server has been gone for `patience_s`, calls fail at
    once, but a probe still goes now and then, so that a server that comes back is found. Thread-safe.
    """

    def __init__(
        self, threshold: int = 5, cool_s: float = 0.5, patience_s: float = 30.0, clock: Clock = time.monotonic
    ) -> None:
        self._threshold, self._cool_s, self._patience_s = threshold, cool_s, patience_s
        self._clock = clock
        self._lock = threading.Lock()
        self._failures = 0
        self._gone_since = 0.0
        self._next_probe = 0.0
        self._pause_s = cool_s

    def wait_s(self) -> float:
        """0 when a call may go now, else seconds until it should ask again. Raises ServerGone when it is too late."""
        if self._failures < self._threshold:
            return 0.0
        with self._lock:
            now = self._clock()
            if self._failures < self._threshold:
                return 0.0
            if now >= self._next_probe:
                self._pause_s = min(60.0, self._pause_s * 2)
                self._next_probe = now + self._pause_s
                return 0.0
            if now - self._gone_since >= self._patience_s:
                raise ServerGone(f"nothing has answered for {now - self._gone_since:.0f} s; not asked again")
            return min(self._next_probe - now, self._cool_s)

    def reached(self) -> None:
        """Something listened."""
        if self._failures:
            with self._lock:
                self._failures = 0
                self._pause_s = self._cool_s

    def missed(self) -> None:
        """Nothing listened."""
        with self._lock:
            now = self._clock()
            if self._failures == 0:
                self._gone_since = now
            self._failures += 1
            if self._failures == self._threshold:
                self._next_probe = now + self._cool_s
