"""What a call was and what it cost: its tag, the tally of its attempts, and the record that goes to the log."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from workbench.errors import WorkbenchError
from workbench.llm.endings import kind_of_end
from workbench.llm.model import Completion, Model, Waste
from workbench.llm.prices import Price
from workbench.records import Call, Message, Phase
from workbench.text import text_hash

Record = Callable[[Call, str, str | None], None]

_NOTHING = Completion("", 0, 0, finish_reason="error")


@dataclass(frozen=True, slots=True)
class CallTag:
    """Where a call belongs: its run and question, what it waits for, and its stable id."""

    run_id: str
    question_id: str | None
    context_id: str | None
    phase: Phase
    step: str
    parents: tuple[str, ...] = ()
    call_id: str = ""


class Payment(NamedTuple):
    """What one call had used in money and tokens, failed attempts included, by whom it is owed (`session_id`, one run
    of the program) and for which run of the log."""

    session_id: str
    run_id: str
    usd: float
    tokens: int

    @classmethod
    def of(cls, session_id: str, call: Call) -> Payment:
        """The payment for a call that reached its server."""
        tokens = call.prompt_tokens + call.completion_tokens + call.retry_prompt_tokens + call.retry_completion_tokens
        return cls(session_id, call.run_id, (call.cost_usd or 0.0) + call.retry_cost_usd, tokens)


class Spent:
    """The tally of one call: its attempts, when the last one was sent, and what failed ones had used."""

    def __init__(self, queued_at: float) -> None:
        self.attempts = 0
        self.in_flight = 0
        self.waste: list[Waste] = []
        self.started_at = time.time()
        self._queued_at = queued_at
        self._sent_at = queued_at

    def begin(self, in_flight: int) -> None:
        """An attempt is sent now."""
        self.attempts += 1
        self.in_flight = in_flight
        self.started_at = time.time()
        self._sent_at = time.perf_counter()

    @property
    def queue_s(self) -> float:
        """Seconds from the call until its last attempt was sent."""
        return self._sent_at - self._queued_at

    def seconds(self) -> float:
        """Seconds since the last attempt was sent."""
        return time.perf_counter() - self._sent_at

    def wasted(self, completion: Completion | None, busy_s: float) -> None:
        """A failed attempt had used this much; a GPU is paid for the time of failures too."""
        got = completion or _NOTHING
        self.waste.append(
            Waste(
                got.prompt_tokens,
                got.cached_tokens,
                got.cache_write_tokens,
                got.completion_tokens,
                busy_s,
                got.cache_write_hour_tokens,
                got.told_usd,
            )
        )


def cost_of(used: Completion | Waste, price: Price | None) -> float | None:
    """USD of a completion or a failed attempt by its tokens, or by its share of busy GPU time; without a price what the
    server says it takes, if it does."""
    if price is None:
        return used.told_usd
    if price.gpu_hour is not None:
        return price.gpu_hour * used.busy_s / 3600
    return price.cost(
        used.prompt_tokens,
        used.cached_tokens,
        used.cache_write_tokens,
        used.completion_tokens,
        used.cache_write_hour_tokens,
    )


def cold_cost_of(used: Completion, price: Price | None) -> float | None:
    """USD of a completion if nothing had been cached, neither served nor stored. A machine of one's own is paid for its
    time, and what it saved by its cache cannot be told from that."""
    if price is None or price.gpu_hour is not None:
        return cost_of(used, price)
    return price.cost(used.prompt_tokens, completion_tokens=used.completion_tokens)


def render(messages: Sequence[Message]) -> str:
    """Messages as the one text that is stored in the log."""
    return "\n\n".join(f"<{message.role}>\n{message.content}" for message in messages)


def shared_characters(messages: Sequence[Message]) -> int:
    """The characters at the beginning of the rendered messages that other calls share."""
    for number, message in enumerate(messages):
        if message.shared:
            before = messages[:number]
            return len(render([*before, Message(message.role, message.content[: message.shared])]))
    return 0


def call_record(
    model: Model,
    price: Price | None,
    tag: CallTag,
    prompt: str,
    spent: Spent | None,
    *,
    completion: Completion | None = None,
    error: WorkbenchError | None = None,
    shared: int = 0,
) -> Call:
    """The record of a finished call: a reply (`spent` None: replayed from the cache), or an error with no reply.
    `shared`: the characters at the beginning of `prompt` that other calls share."""
    got = completion or _NOTHING
    waste = spent.waste if spent else got.wasted
    if error is not None and completion is None and spent is not None and spent.attempts:
        got = replace(got, total_s=spent.seconds())
    return Call(
        call_id=tag.call_id,
        run_id=tag.run_id,
        question_id=tag.question_id,
        context_id=tag.context_id,
        phase=tag.phase,
        step=tag.step,
        parents=tag.parents,
        model=model.name,
        prompt_hash=text_hash(prompt),
        reply_hash=None if completion is None else text_hash(completion.text),
        prompt_tokens=got.prompt_tokens,
        cached_tokens=got.cached_tokens,
        cache_write_tokens=got.cache_write_tokens,
        completion_tokens=got.completion_tokens,
        reasoning_tokens=got.reasoning_tokens,
        token_source=got.token_source or model.token_source,
        cost_usd=cost_of(got, price) if completion is not None else None if price is None else 0.0,
        queue_s=spent.queue_s if spent else 0.0,
        first_token_s=got.first_token_s,
        total_s=got.total_s,
        attempts=spent.attempts if spent else got.attempts,
        from_cache=spent is None,
        in_flight=spent.in_flight if spent else 0,
        finish_reason=got.finish_reason,
        error=None if error is None else f"{type(error).__name__}: {error}"[:500],
        started_at=spent.started_at if spent else time.time(),
        retry_prompt_tokens=sum(used.prompt_tokens for used in waste),
        retry_completion_tokens=sum(used.completion_tokens for used in waste),
        retry_cost_usd=sum(cost_of(used, price) or 0.0 for used in waste),
        left_out=tuple(got.left_out),
        ended=kind_of_end(got.finish_reason, got.text) if error is None else getattr(error, "ended", "failed"),
        thoughts=got.thoughts,
        reasoning_source=got.reasoning_source,
        cache_write_hour_tokens=got.cache_write_hour_tokens,
        served_model=got.served_model,
        service_tier=got.service_tier,
        told_cost_usd=got.told_usd,
        contradiction=got.contradiction,
        cost_cold_usd=cold_cost_of(got, price) if completion is not None else None if price is None else 0.0,
        shared_characters=shared,
    )
