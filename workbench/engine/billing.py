"""Requests to embedding and reranking servers, logged and priced as calls of their own kind."""

from __future__ import annotations

import time

from workbench.experiment.server_prices import ServerPrices
from workbench.llm.gateway import CallTag
from workbench.records import Call
from workbench.retrieval.spending import Bill
from workbench.text import text_hash


def prompt_of(bill: Bill) -> str:
    """What the log holds instead of the embedded texts, which would repeat the documents."""
    return f"[{bill.texts:,} texts to {bill.model}]"


def call_of(bill: Bill, tag: CallTag, prices: ServerPrices) -> Call:
    """The tokens that the server counted, and what it takes for them; its cost is None where nobody knows. What was
    kept of earlier requests has their tokens, cost and seconds, and counts as replayed."""
    return Call(
        call_id=tag.call_id,
        run_id=tag.run_id,
        question_id=tag.question_id,
        context_id=tag.context_id,
        phase=tag.phase,
        step=tag.step,
        parents=tag.parents,
        model=bill.model,
        prompt_hash=text_hash(prompt_of(bill)),
        reply_hash=None,
        prompt_tokens=bill.tokens,
        cached_tokens=0,
        cache_write_tokens=0,
        completion_tokens=0,
        reasoning_tokens=0,
        token_source="tiktoken:o200k_base" if bill.estimated else "server",
        cost_usd=prices.cost(bill),
        queue_s=0.0,
        first_token_s=None,
        total_s=bill.seconds,
        attempts=1,
        from_cache=bill.reused,
        in_flight=1,
        finish_reason="stop",
        error=None,
        started_at=time.time() - bill.seconds,
        cost_cold_usd=prices.cost(bill),
    )
