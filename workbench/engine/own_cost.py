"""What a run would cost by itself: with nothing cached but what its own earlier calls have left.

What a provider serves from its cache depends on who asked before: the same arms of an experiment change places when
their order changes. So every answer also has a cost that depends on its run alone. The run's calls are walked in a
canonical order (context by context as the corpus has them, the index stage first, then question by question, each call
after those it waits for), through a cache of the size and lifetime that the provider states. A prompt's beginning is
known there if an earlier prompt began with the same blocks. Time is nominal, by the calls' tokens, so that no measured
time decides. Failed attempts are not part of it; they have a column of their own.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol

from workbench.text import combined_hash, text_blocks

# nominal seconds of a call, of a prompt token and of a reply token
_CALL_S, _PROMPT_S, _REPLY_S = 0.6, 0.000_08, 0.012


class CachePolicy(Protocol):
    """How a provider keeps prompts; see `workbench.llm.providers.prompt_caches.PromptCache`."""

    marked: bool
    least: int
    step: int
    lifetime_s: int


class TokenPrice(Protocol):
    """What tokens cost; see `workbench.llm.prices.Price`."""

    def cost(
        self,
        prompt_tokens: int,
        cached_tokens: int = 0,
        cache_write_tokens: int = 0,
        completion_tokens: int = 0,
        cache_write_hour_tokens: int = 0,
    ) -> float:
        """USD of one call."""


class Asked(NamedTuple):
    """A finished call, as far as its cost depends on it: the prompt's text and tokens, the reply's tokens, and how many
    of the prompt's characters other calls share."""

    prompt: str
    prompt_tokens: int
    completion_tokens: int
    shared_characters: int = 0


@dataclass
class OwnCache:
    """A provider's prompt cache as one run alone would find it. `size` in tokens; None is as large as needed.
    `repeated` are the beginnings that several questions share: where keeping costs extra, no other is worth it."""

    policy: CachePolicy | None
    size: int | None = None
    repeated: frozenset[str] = frozenset()
    _now: float = 0.0
    _held: int = 0
    _blocks: OrderedDict[str, tuple[int, float]] = field(default_factory=OrderedDict)  # tokens, last use; oldest first

    def cost(self, call: Asked, price: TokenPrice) -> float:
        """USD of the run's next call."""
        seconds = _CALL_S + call.prompt_tokens * _PROMPT_S + call.completion_tokens * _REPLY_S
        if self.policy is None or not call.prompt:
            usd = price.cost(call.prompt_tokens, completion_tokens=call.completion_tokens)
        elif self.policy.marked:
            usd = self._marked(call, price, self.policy)
        else:
            usd = self._automatic(call, price, self.policy)
        self._now += seconds
        return usd

    def _automatic(self, call: Asked, price: TokenPrice, policy: CachePolicy) -> float:
        """A cache that keeps every prompt's beginning."""
        known, matching, end = 0, True, 0
        chain = ""
        for block in text_blocks(call.prompt):
            chain, end = combined_hash(chain, block), end + len(block)
            matching = matching and self._knows(chain, policy)
            known = end if matching else known
            self._keep(chain, round(call.prompt_tokens * len(block) / len(call.prompt)))
        tokens = min(int(call.prompt_tokens * known / len(call.prompt)), call.prompt_tokens - 1)
        tokens -= tokens % policy.step
        cached = tokens if tokens >= policy.least else 0
        return price.cost(call.prompt_tokens, cached, 0, call.completion_tokens)

    def _marked(self, call: Asked, price: TokenPrice, policy: CachePolicy) -> float:
        """A cache that keeps what is marked, and takes more for writing it."""
        shared = round(call.prompt_tokens * call.shared_characters / len(call.prompt))
        if not call.shared_characters or shared < policy.least:
            return price.cost(call.prompt_tokens, completion_tokens=call.completion_tokens)
        key = beginning(call)
        if key not in self.repeated:
            return price.cost(call.prompt_tokens, completion_tokens=call.completion_tokens)
        known = self._knows(key, policy)
        self._keep(key, shared)
        if known:
            return price.cost(call.prompt_tokens, shared, 0, call.completion_tokens)
        hour = shared if policy.lifetime_s > 600 else 0
        return price.cost(call.prompt_tokens, 0, shared, call.completion_tokens, hour)

    def _knows(self, key: str, policy: CachePolicy) -> bool:
        held = self._blocks.get(key)
        return held is not None and self._now - held[1] <= policy.lifetime_s

    def _keep(self, key: str, tokens: int) -> None:
        before = self._blocks.pop(key, None)
        self._held += tokens - (before[0] if before else 0)
        self._blocks[key] = (tokens, self._now)
        while self.size is not None and self._held > self.size and len(self._blocks) > 1:
            _, (dropped, _) = self._blocks.popitem(last=False)
            self._held -= dropped


def beginning(call: Asked) -> str:
    """What a call shares with others, by its hash."""
    return combined_hash(call.prompt[: call.shared_characters])


def repeated_beginnings(by_owner: Iterable[Iterable[Asked]]) -> frozenset[str]:
    """The beginnings that calls of several questions have."""
    seen: set[str] = set()
    again: set[str] = set()
    for calls in by_owner:
        own = {beginning(call) for call in calls if call.shared_characters}
        again |= own & seen
        seen |= own
    return frozenset(again)


def canonical(calls: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """The calls of one answer or index stage in an order that does not depend on when they were made: each after those
    it waits for, and side by side by their ids, which are stable."""
    depth: dict[str, int] = {}
    by_id = {str(call["call_id"]): call for call in calls}

    def deep(call_id: str) -> int:
        stack = [call_id]
        while stack:
            top = stack[-1]
            parents = [parent for parent in by_id[top]["parents"] if parent in by_id and parent != top]
            open_parents = [parent for parent in parents if parent not in depth and parent not in stack]
            if open_parents:
                stack.append(open_parents[0])
                continue
            depth[top] = 1 + max((depth.get(parent, 0) for parent in parents), default=0)
            stack.pop()
        return depth[call_id]

    return sorted(calls, key=lambda call: (deep(str(call["call_id"])), str(call["call_id"])))


def own_costs(
    owners: Sequence[tuple[str, Sequence[Mapping[str, Any]]]],
    texts: Mapping[str, str],
    price: TokenPrice,
    cache: OwnCache,
    model: str,
) -> dict[str, float | None]:
    """USD by owner (a question or an index stage) of calls in their canonical order. `owners` are pairs of an id and
    the calls of it, rows of the log; `texts` the prompts by hash. Calls to other servers than the `model` cost what
    they cost."""
    asked = {
        owner: [_asked(call, texts) if call["model"] == model and call["prompt_tokens"] else None for call in calls]
        for owner, calls in owners
    }
    if cache.policy is not None and cache.policy.marked:
        cache.repeated |= repeated_beginnings(filter(None, calls) for calls in asked.values())
    found: dict[str, float | None] = {}
    for owner, calls in owners:
        total: float | None = 0.0
        for call, facts in zip(calls, asked[owner], strict=True):
            usd = call["cost_usd"] if facts is None else cache.cost(facts, price)
            total = None if total is None or usd is None else total + float(usd)
        found[owner] = total
    return found


def _asked(call: Mapping[str, Any], texts: Mapping[str, str]) -> Asked:
    return Asked(
        texts.get(str(call["prompt_hash"]), ""),
        int(call["prompt_tokens"]),
        int(call["completion_tokens"]),
        int(call["shared_characters"] or 0),
    )
