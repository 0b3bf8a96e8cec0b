"""Records as rows of the run log's tables: columns to values, with lists and mappings as JSON text."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, fields
from typing import Any

from workbench.records import REASK, Call, Context, Hit, Question, Score

_CALL_COLUMNS = tuple(field.name for field in fields(Call) if field.name != "thoughts")


def as_json(value: Any) -> str:
    """A value as JSON text; what JSON does not know is written as its `str`."""
    return json.dumps(value, default=str, ensure_ascii=False)


def context_row(context: Context, text_hashes: Sequence[str], *, corpus: str, tokens: int) -> dict[str, Any]:
    """A context, whose documents' texts are stored under these hashes, in order."""
    documents = [
        {
            "document_id": document.document_id,
            "title": document.title,
            "text_hash": text_hash,
            "characters": len(document.text),
        }
        for document, text_hash in zip(context.documents, text_hashes, strict=True)
    ]
    return {
        "context_id": context.context_id,
        "corpus": corpus,
        "documents": as_json(documents),
        "characters": context.characters,
        "tokens": tokens,
    }


def question_row(question: Question, *, corpus_fingerprint: str, corpus: str) -> dict[str, Any]:
    """A question of a corpus, with its gold."""
    return {
        "corpus_fingerprint": corpus_fingerprint,
        "question_id": question.question_id,
        "corpus": corpus,
        "context_id": question.context_id,
        "text": question.text,
        "answers": as_json(question.answers),
        "options": as_json(question.options),
        "evidence": as_json([asdict(chunk) for chunk in question.evidence]),
        "task": question.task,
        "metrics": as_json(question.metrics),
        "metadata": as_json(dict(question.metadata)),
    }


def call_row(call: Call, thoughts_hash: str | None) -> dict[str, Any]:
    """A call: a column for each of its fields; its thoughts are stored under their hash."""
    row = {name: getattr(call, name) for name in _CALL_COLUMNS}
    row["parents"] = as_json(call.parents)
    row["left_out"] = as_json(call.left_out)
    row["thoughts_hash"] = thoughts_hash
    return row


def hit_row(run_id: str, question_id: str, hit: Hit) -> dict[str, Any]:
    """A chunk that was retrieved for an answer, by its place in the document."""
    return {
        "run_id": run_id,
        "question_id": question_id,
        "rank": hit.rank,
        "document_id": hit.chunk.document_id,
        "start": hit.chunk.start,
        "end": hit.chunk.end,
        "score": hit.score,
    }


def score_row(run_id: str, question_id: str, score: Score, *, version: int | None, position: int) -> dict[str, Any]:
    """A score of an answer: `version` of its metric, and `position` among the answer's scores."""
    return {
        "run_id": run_id,
        "question_id": question_id,
        "metric": score.metric,
        "value": score.value,
        "reason": score.reason,
        "version": version,
        "position": position,
    }


def call_sums(calls: Sequence[Call]) -> dict[str, Any]:
    """Sums over the calls of an answer or an index stage; the cost is unknown when that of one call is."""
    costs = [call.cost_usd for call in calls if call.cost_usd is not None]
    cold = [call.cost_cold_usd for call in calls if call.cost_cold_usd is not None]
    at_once = [call.in_flight for call in calls if call.in_flight]
    retries_usd = sum(call.retry_cost_usd for call in calls)
    return {
        "calls": len(calls),
        "cost_usd": sum(costs) + retries_usd if len(costs) == len(calls) else None,
        "retries": sum(max(0, call.attempts - 1) for call in calls),
        "retry_cost_usd": retries_usd,
        "reasks": sum(call.step.endswith(REASK) for call in calls),
        "prompt_tokens": sum(call.prompt_tokens for call in calls),
        "cached_tokens": sum(call.cached_tokens for call in calls),
        "completion_tokens": sum(call.completion_tokens for call in calls),
        "reasoning_tokens": sum(call.reasoning_tokens for call in calls),
        "in_flight": sum(at_once) / len(at_once) if at_once else None,
        "cost_cold_usd": sum(cold) if len(cold) == len(calls) else None,
    }
