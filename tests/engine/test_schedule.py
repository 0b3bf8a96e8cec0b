"""Contexts one after the other, the first question alone, as many contexts at a time as the KV cache holds."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workbench.engine.schedule import ContextJob, PrefixWatch, Schedule, covered, joined


class Record:
    """What happened, in order: ("build" | "begin" | "end", context, question)."""

    def __init__(self, *, seconds: float = 0.004) -> None:
        self.events: list[tuple[str, int, int]] = []
        self._lock = threading.Lock()
        self._seconds = seconds

    def add(self, what: str, context: int, question: int = -1) -> None:
        with self._lock:
            self.events.append((what, context, question))

    def job(self, context: int, questions: int, tokens: int = 100) -> ContextJob:
        def ask(question: int) -> Callable[[], None]:
            def task() -> None:
                self.add("begin", context, question)
                time.sleep(self._seconds)
                self.add("end", context, question)

            return task

        def build() -> list[Callable[[], None]]:
            self.add("build", context)
            return [ask(question) for question in range(questions)]

        return ContextJob(build, tokens)

    def most_contexts_at_once(self) -> int:
        """Contexts that had begun and not ended, at most."""
        first = {c: next(i for i, e in enumerate(self.events) if e[:2] == ("begin", c)) for c in self.contexts()}
        last = {c: max(i for i, e in enumerate(self.events) if e[:2] == ("end", c)) for c in self.contexts()}
        return max(sum(first[c] <= i <= last[c] for c in first) for i in range(len(self.events)))

    def contexts(self) -> set[int]:
        return {context for what, context, _ in self.events if what == "begin"}


def walk(record: Record, jobs: list[ContextJob], *, workers: int = 4, **options: object) -> None:
    watch = options.pop("watch", PrefixWatch(shared=True))
    with ThreadPoolExecutor(workers + 1) as pool:
        Schedule(pool, workers=workers, watch=watch, **options).run(jobs)  # type: ignore[arg-type]


def test_the_first_question_of_a_context_goes_alone() -> None:
    record = Record()
    walk(record, [record.job(context, 5) for context in range(3)])
    for context in range(3):
        own = [event for event in record.events if event[1] == context and event[0] != "build"]
        assert own[:2] == [("begin", context, 0), ("end", context, 0)]
        assert len(own) == 10


def test_contexts_in_flight_follow_the_kv_cache() -> None:
    record = Record()
    walk(record, [record.job(context, 4, tokens=100) for context in range(6)], workers=16, kv_tokens=230)
    assert record.most_contexts_at_once() == 2  # 0.9 × 230 holds two of 100
    record = Record()
    walk(record, [record.job(context, 4, tokens=500) for context in range(3)], workers=16, kv_tokens=230)
    assert record.most_contexts_at_once() == 1  # one that does not fit is asked all the same


def test_without_a_known_cache_the_calls_in_flight_decide() -> None:
    record = Record(seconds=0.02)
    walk(record, [record.job(context, 3) for context in range(8)], workers=6)
    assert record.most_contexts_at_once() >= 2


@pytest.mark.parametrize("shared", [None, True, False])
def test_contexts_of_one_question_fill_the_calls_in_flight(shared: bool | None) -> None:
    record = Record(seconds=0.05)
    walk(record, [record.job(context, 1) for context in range(32)], workers=8, watch=PrefixWatch(shared=shared))
    assert record.most_contexts_at_once() in (8, 9)  # the ninth thread is the builder's


def test_methods_that_share_no_prefix_are_not_held_back() -> None:
    record = Record(seconds=0.02)
    walk(record, [record.job(0, 4)], watch=PrefixWatch(shared=False))
    assert [event[0] for event in record.events[1:5]] == ["begin"] * 4


def test_the_next_index_is_built_while_questions_are_asked() -> None:
    record = Record(seconds=0.02)
    walk(record, [record.job(context, 6, tokens=100) for context in range(3)], workers=2, kv_tokens=100)
    built = record.events.index(("build", 1, -1))
    assert built < record.events.index(("end", 0, 5))


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 5), st.integers(1, 300)), max_size=6),
    st.sampled_from(["prefix", "random"]),
    st.sampled_from([None, 50, 250, 1000]),
    st.sampled_from([None, True, False]),
)
def test_every_question_is_asked_once(
    sizes: list[tuple[int, int]], order: str, kv_tokens: int | None, shared: bool | None
) -> None:
    record = Record(seconds=0)
    jobs = [record.job(context, questions, tokens) for context, (questions, tokens) in enumerate(sizes)]
    walk(record, jobs, order=order, kv_tokens=kv_tokens, watch=PrefixWatch(shared=shared))
    asked = Counter((c, q) for what, c, q in record.events if what == "end")
    assert asked == Counter({(c, q): 1 for c, (questions, _) in enumerate(sizes) for q in range(questions)})


def test_a_failing_task_stops_the_walk() -> None:
    def broken() -> None:
        raise RuntimeError("broken")

    with pytest.raises(RuntimeError, match="broken"):
        walk(Record(), [ContextJob(lambda: [broken], 1)])
    with pytest.raises(RuntimeError, match="broken"):
        walk(Record(), [ContextJob(lambda: [broken], 1)], order="random")


def test_the_watch_learns_from_two_questions_of_a_context() -> None:
    watch = PrefixWatch()
    watch.see("a", ["x" * 100 + "1"])
    assert watch.shared is None
    watch.see("b", ["y" * 100])  # another context tells nothing
    assert watch.shared is None
    watch.see("a", ["short", "x" * 100 + "2"])
    assert watch.shared is True
    apart = PrefixWatch()
    apart.see("a", ["chunk one and the question"])
    apart.see("a", ["another chunk and the question"])
    assert apart.shared is False


def test_runs_of_one_context_share_its_room_in_the_cache() -> None:
    record = Record()
    # two runs of each of two contexts; the cache holds one context, and both runs of it together
    jobs = [
        ContextJob(record.job(number, 3).build, 100, context=f"c{number // 2}", watches=(PrefixWatch(shared=True),))
        for number in range(4)
    ]
    walk(record, jobs, kv_tokens=150)
    begun = [context // 2 for what, context, _ in record.events if what == "begin"]
    assert begun == sorted(begun)


def test_time_that_intervals_cover_together() -> None:
    assert covered([]) == 0.0
    assert covered([(0.0, 2.0), (1.0, 3.0), (5.0, 6.0), (5.2, 5.4)]) == 4.0


def joined_runs(record: Record, known: list[bool | None], names: list[str]) -> ContextJob:
    """One run for each of `known`, all of one context, whose prompts are known to share it, not to, or neither."""
    return joined(
        [
            (replace(record.job(run, len(names)), watches=(PrefixWatch(shared=shared),)), names)
            for run, shared in enumerate(known)
        ]
    )


def test_jobs_of_one_context_joined_ask_a_question_of_all_runs_in_turn() -> None:
    record = Record()
    names = [str(number) for number in range(4)]
    walk(record, [joined_runs(record, [None] * 3, names)], workers=2)
    begun = [(question, run) for what, run, question in record.events if what == "begin"]
    assert begun[0] == (0, 0) and len(begun) == 12
    ended = record.events.index(("end", 0, 0))
    assert all(record.events.index(("begin", run, q)) > ended for q, run in begun[1:])  # the lead goes alone
    for question in range(4):
        assert [run for q, run in begun if q == question] == [0, 1, 2]
    nothing = replace(record.job(0, 0), watches=(PrefixWatch(),))
    assert joined([(nothing, names)]).build() == []


def test_runs_that_share_the_context_are_through_before_those_that_do_not() -> None:
    record = Record()
    names = [str(number) for number in range(4)]
    walk(record, [joined_runs(record, [False, True, False, True], names)], workers=2)
    begun = [(run, question) for what, run, question in record.events if what == "begin"]
    assert [run for run, _ in begun[:8]] == [1, 1, 1, 1, 3, 3, 3, 3]
    lead_ended = record.events.index(("end", 1, 0))
    assert all(record.events.index(("begin", *other)) > lead_ended for other in begun[1:])
    for question in range(4):
        assert [run for run, q in begun if q == question and run in (0, 2)] == [0, 2]


def test_what_the_first_context_has_shown_arranges_the_next_although_that_is_built_already() -> None:
    record = Record(seconds=0)
    job = joined_runs(record, [False, None], ["a", "b"])
    tasks = job.build()
    job.watches[1].shared = True
    for task in job.arrange(tasks):
        task()
    begun = [(run, question) for what, run, question in record.events if what == "begin"]
    assert begun == [(1, 0), (1, 1), (0, 0), (0, 1)]


def test_the_next_context_begins_when_what_shares_the_last_one_is_through() -> None:
    """The cache holds one context; chains of calls that do not share it need not keep the next one out."""
    next_begun = threading.Event()

    def context(name: str, sharing: Callable[[], None], chain: Callable[[], None]) -> ContextJob:
        runs = [
            (ContextJob(lambda task=task: [task], 100, name, (PrefixWatch(shared=shared),)), ["a question"])
            for shared, task in ((True, sharing), (False, chain))
        ]
        return joined(runs)

    def chain() -> None:
        assert next_begun.wait(30)

    jobs = [context("first", lambda: None, chain), context("second", next_begun.set, lambda: None)]
    walk(Record(), jobs, workers=2, kv_tokens=150)
    assert next_begun.is_set()
