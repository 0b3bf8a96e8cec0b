"""What is left to do when a run has no more to ask: the cost that it would have had by itself."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from workbench.engine.own_cost import OwnCache, canonical, own_costs
from workbench.experiment.setup import PlannedRun
from workbench.runlog.reader import RunLogReader

if TYPE_CHECKING:
    from workbench.llm.prices import Price
    from workbench.runlog.store import RunLog

_COLUMNS = (
    *("call_id", "question_id", "context_id", "phase", "parents", "model", "prompt_hash", "prompt_tokens"),
    *("completion_tokens", "cost_usd", "shared_characters"),
)
Rows = Sequence[Mapping[str, Any]]


def write_own_costs(log: RunLog, planned: PlannedRun) -> None:
    """Compute and write `cost_own_usd` of every answer and index stage of a run, from its calls in the log."""
    log.flush()
    reader = RunLogReader(log.path)
    calls = reader.calls(run=planned.run_id)
    calls = calls[calls["phase"].isin(["build", "answer"])]
    if calls.empty:
        return
    by_owner: dict[str, list[Mapping[str, Any]]] = defaultdict(list)
    for row in calls[list(_COLUMNS)].to_dict("records"):
        plain: dict[str, Any] = {str(name): None if _is_missing(value) else value for name, value in row.items()}
        by_owner[_owner(str(plain["phase"]), plain["context_id"], plain["question_id"])].append(plain)
    price, model = planned.opened.price, planned.opened.model
    costs: dict[str, float | None] = {}
    if price is None or price.gpu_hour is not None:
        # unknown, or paid by the hour: what a cache has saved of that cannot be told from the time it took
        for owner, rows in by_owner.items():
            paid = [row["cost_usd"] for row in rows]
            costs[owner] = None if None in paid else sum(paid)
    else:
        policy = getattr(model, "prompt_cache", None) if _caching_matters(price) else None
        cache = OwnCache(policy, getattr(model, "kv_tokens", None))
        for owners in _by_context(planned, by_owner):
            texts = reader.texts(_prompts(owners)) if policy is not None else {}
            costs |= own_costs(owners, texts, price, cache, model.name)
    log.set_own_costs(
        planned.run_id,
        answers={owner[2:]: usd for owner, usd in costs.items() if owner.startswith("q:")},
        builds={owner[2:]: usd for owner, usd in costs.items() if owner.startswith("b:")},
    )


def _is_missing(value: Any) -> bool:
    return isinstance(value, float) and value != value


def _owner(phase: str, context_id: str | None, question_id: str | None) -> str:
    return f"b:{context_id}" if phase == "build" else f"q:{question_id}"


def _caching_matters(price: Price) -> bool:
    return price.cached_input not in (None, price.input) or price.cache_write not in (None, price.input)


def _by_context(planned: PlannedRun, by_owner: Mapping[str, Rows]) -> Iterator[list[tuple[str, Rows]]]:
    """The owners of calls, context by context as the corpus has them: the index stage, then the questions in order."""
    questions: dict[str, list[str]] = defaultdict(list)
    for question in planned.corpus.questions:
        questions[question.context_id].append(question.question_id)
    for context_id in planned.corpus.contexts:
        owners = [f"b:{context_id}", *(f"q:{question_id}" for question_id in questions[context_id])]
        yield [(owner, canonical(by_owner[owner])) for owner in owners if owner in by_owner]


def _prompts(owners: Sequence[tuple[str, Rows]]) -> list[str]:
    return [str(call["prompt_hash"]) for _, calls in owners for call in calls]
