"""Which question is asked when: calls that share a context run together, so that a server's prefix cache is used.

A context's first question goes alone, so that the others find its prefix warm; then the others go at once. As many
contexts are asked at a time as the server's KV cache holds (or as the calls in flight need, where that is not known),
and while they are, the next context's index is built. Where several runs are walked together, those whose prompts share
the context go first and all at once, so that it may leave the cache when they are through; of the others, all that asks
the same question follows each other, since their prompts may begin with the same chunks.
"""

from __future__ import annotations

import os
import random
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, Future
from dataclasses import dataclass, field
from queue import SimpleQueue
from typing import Any, Literal

Task = Callable[[], None]
Order = Literal["prefix", "context", "random"]
KV_SHARE = 0.9  # of the KV cache that contexts may fill; replies and other prompts need the rest
QUICK_S = 0.002  # an index stage shorter than that is not handed to a thread: the way there and back takes as long
SHARED_FROM = 0.25  # of the longest prompt: from here on two questions count as sharing their context


@dataclass(frozen=True)
class ContextJob:
    """A context to be asked: `build` runs its index stage and returns its questions' tasks, which `arrange` puts in
    order when they are begun. Jobs of the same `context` share its prefix in the server's cache; a job may bring the
    watches of its own runs."""

    build: Callable[[], list[Task]]
    tokens: int
    context: str = ""
    watches: tuple[PrefixWatch, ...] = ()
    arrange: Callable[[list[Task]], list[Task]] = list


@dataclass
class PrefixWatch:
    """Learns from the first two questions of a context whether a method's prompts share it at all."""

    shared: bool | None = None
    _first: dict[str, str] = field(default_factory=dict)

    def see(self, context_id: str, prompts: Sequence[str]) -> None:
        """The prompts of one answered question."""
        if self.shared is not None or not prompts:
            return
        longest = max(prompts, key=len)
        first = self._first.setdefault(context_id, longest)
        if first is not longest:
            common = len(os.path.commonprefix([first, longest]))  # noqa: RUF071 - character by character is meant
            self.shared = common >= SHARED_FROM * len(longest)


@dataclass(eq=False)
class _Active:
    """A context being asked: tasks that wait for the lead, how many have not ended, and how many of these may share the
    context's prefix."""

    job: ContextJob
    held: deque[Task]
    left: int
    sharing: int


class Schedule:
    """Walks contexts over a pool of `workers` threads. `kv_tokens`: the server's KV cache in tokens, if known."""

    def __init__(
        self,
        pool: Executor,
        *,
        workers: int,
        watch: PrefixWatch,
        kv_tokens: int | None = None,
        order: Order = "prefix",
        seed: int = 0,
    ) -> None:
        self._pool = pool
        self._workers = workers
        self._watch = watch
        self._kv_tokens = kv_tokens
        self._order = order
        self._seed = seed
        self._ended: SimpleQueue[Future[Any]] = SimpleQueue()  # as they end; wait() would look at all of them each time
        self._running: dict[Future[None], tuple[_Active, Task]] = {}  # the tasks in the pool
        self._active: dict[_Active, None] = {}  # the contexts being asked, in order
        # behind their leads: what shares a context goes before what does not, while the cache still holds it
        self._sharing: deque[tuple[_Active, Task]] = deque()
        self._others: deque[tuple[_Active, Task]] = deque()
        self._quick = False  # whether the last index stage took no time: most methods have none
        self._held = 0  # tasks that wait for their lead

    def run(self, jobs: Sequence[ContextJob]) -> None:
        """Ask everything; an exception of a task cancels what has not begun and is raised."""
        shuffled: list[Future[None]] = []
        try:
            if self._order == "random":
                self._shuffled(jobs, shuffled)
            else:
                self._by_context(jobs)
        except BaseException:
            for future in (*shuffled, *self._running):
                future.cancel()
            raise

    def _shuffled(self, jobs: Sequence[ContextJob], futures: list[Future[None]]) -> None:
        tasks = [task for job in jobs for task in job.build()]
        random.Random(self._seed).shuffle(tasks)
        futures += [self._pool.submit(task) for task in tasks]
        for future in futures:
            future.result()

    def _by_context(self, jobs: Sequence[ContextJob]) -> None:
        waiting = deque(jobs)
        ready: deque[tuple[ContextJob, list[Task]]] = deque()
        building: tuple[ContextJob, Future[list[Task]]] | None = None
        while waiting or ready or building or self._active:
            while ready and self._room_for(ready[0][0]):
                self._start(*ready.popleft())
            if building is None and waiting and not ready:
                job = waiting.popleft()
                if self._quick:
                    if tasks := self._built(job):
                        ready.append((job, tasks))
                    continue
                building = (job, self._pool.submit(self._built, job))
                building[1].add_done_callback(self._ended.put)
            for future in self._ended_by_now():
                if building is not None and future is building[1]:
                    job, tasks = building[0], building[1].result()
                    building = None
                    if tasks:
                        ready.append((job, tasks))
                else:
                    self._collect(future)

    def _built(self, job: ContextJob) -> list[Task]:
        """Run an index stage, and learn whether the next is worth a hand-over to a thread."""
        started = time.perf_counter()
        tasks = job.build()
        self._quick = time.perf_counter() - started < QUICK_S
        return tasks

    def _ended_by_now(self) -> Iterator[Future[Any]]:
        """Wait until a build or a task has ended, then all that have."""
        yield self._ended.get()
        while not self._ended.empty():
            yield self._ended.get()

    def _start(self, job: ContextJob, tasks: list[Task]) -> None:
        """The lead alone when prefixes are shared (or may be), else all at once."""
        tasks = job.arrange(tasks)
        context = _Active(job, deque(tasks), len(tasks), sum(map(_may_share, tasks)))
        self._active[context] = None
        self._held += len(context.held)
        if self._shares(job):
            self._submit(context, context.held.popleft())
            self._held -= 1
        else:
            self._release(context)

    def _shares(self, job: ContextJob) -> bool:
        """Whether prompts of the job share their context, as far as is known."""
        return any(watch.shared is not False for watch in job.watches or (self._watch,))

    def _release(self, context: _Active) -> None:
        """The lead is through, or there is none: the others may go as soon as there is a place for them."""
        self._held -= len(context.held)
        while context.held:
            task = context.held.popleft()
            (self._sharing if _may_share(task) else self._others).append((context, task))
        self._fill()

    def _fill(self) -> None:
        while len(self._running) < self._workers and (ready := self._sharing or self._others):
            self._submit(*ready.popleft())

    def _submit(self, context: _Active, task: Task) -> None:
        future = self._pool.submit(task)
        self._running[future] = context, task
        future.add_done_callback(self._ended.put)

    def _collect(self, future: Future[None]) -> None:
        """A task has ended: behind the lead, let the others go; a context may be through."""
        context, task = self._running.pop(future)
        future.result()
        context.left -= 1
        context.sharing -= _may_share(task)
        if not context.left:
            del self._active[context]
        self._release(context)

    def _room_for(self, job: ContextJob) -> bool:
        """Whether another context may begin beside those being asked."""
        if not self._active:
            return True
        if self._kv_tokens is not None and self._shares(job):
            held = {a.job.context or id(a.job): a.job.tokens for a in self._active if a.sharing}
            held.setdefault(job.context or id(job), job.tokens)
            if len(held) > 1 and sum(held.values()) > KV_SHARE * self._kv_tokens:
                return False
        asked = len(self._running) + len(self._sharing) + len(self._others)
        if asked + self._held < self._workers:
            return True
        # leads may run side by side, but not before it is known which of several runs go first
        known = len(job.watches) < 2 or all(watch.shared is not None for watch in job.watches)
        return known and asked < len(self._active) + 1


@dataclass(frozen=True)
class _Asked:
    """A task of one of several runs: which question it asks, and what is known of the run's prompts."""

    task: Task
    question: str
    watch: PrefixWatch

    def __call__(self) -> None:
        self.task()


def joined(jobs: Sequence[tuple[ContextJob, Sequence[str]]]) -> ContextJob:
    """Jobs of one context, each of one run and with the ids of its questions, as one."""
    first, _ = jobs[0]

    def build() -> list[Task]:
        return [
            _Asked(task, question, job.watches[0])
            for job, questions in jobs
            for question, task in zip(questions, job.build(), strict=False)  # no tasks when the index stage failed
        ]

    watches = tuple(watch for job, _ in jobs for watch in job.watches)
    return ContextJob(build, first.tokens, first.context, watches, _arranged)


def _arranged(tasks: Sequence[Any]) -> list[Task]:
    """Runs known to share the context first, run by run; then the others, each question's tasks as one chain. Where
    none is known to share it, the first chain's first task may: it stands alone."""
    sharing: list[Task] = [asked for asked in tasks if asked.watch.shared]
    by_question: dict[str, list[Task]] = {}
    for asked in tasks:
        if not asked.watch.shared:
            by_question.setdefault(asked.question, []).append(asked)
    chains = list(by_question.values())
    if not sharing and chains:
        (lead, *rest), *chains = chains
        sharing, chains = [lead], [rest, *chains]
    return [*sharing, *(_Chain(chain) for chain in chains if chain)]


@dataclass(frozen=True)
class _Chain:
    """Tasks one after the other, whose prompts do not share their context as far as is known."""

    tasks: Sequence[Task]

    def __call__(self) -> None:
        for task in self.tasks:
            task()


def _may_share(task: Task) -> bool:
    return not isinstance(task, _Chain)


def covered(intervals: Sequence[tuple[float, float]]) -> float:
    """Seconds that the intervals cover together."""
    seconds, reached = 0.0, float("-inf")
    for start, end in sorted(intervals):
        seconds += max(0.0, end - max(start, reached))
        reached = max(reached, end)
    return seconds
