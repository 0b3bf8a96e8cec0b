"""What an experiment would call, cost and take: the methods themselves run against a stand-in that calls nothing.

A few questions per context are walked through the real method code with a `DryModel`, which counts the prompts it gets
and replies with filler of an assumed length. So the number of calls and the prompt tokens are the method's own; what
the replies would be is an assumption, and the range shows it: replies of a tenth of their budget to all of it.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workbench.engine.bench import Equipment, ExperimentBench
from workbench.engine.critical_path import critical_path
from workbench.errors import ContextOverflow, InputError
from workbench.experiment.answer_budget import answer_tokens, largest_budget
from workbench.experiment.config import load
from workbench.experiment.schema import Experiment
from workbench.experiment.server_prices import server_prices
from workbench.experiment.setup import PlannedRun, prepare
from workbench.llm.gateway import Gateway
from workbench.llm.model import ChatRequest, Completion
from workbench.records import Call, Context, Question
from workbench.retrieval.spending import dry, watched

if TYPE_CHECKING:
    from workbench.llm.model import Model

# Assumed speeds where nothing was measured: hosted models answer in about this time (per call, per reply token).
CALL_SECONDS = 0.6
SECONDS_PER_REPLY_TOKEN = 0.012
SECONDS_PER_PROMPT_TOKEN = 0.00008
SAMPLED_QUESTIONS = 3
SAMPLED_CONTEXTS = 2
EXPECTED_REPLY = 0.35  # share of max_tokens that a reply is taken to use


class DryModel:
    """Looks like the model, counts like the model, and answers filler without calling anything."""

    is_async = False
    max_parallel = 1

    def __init__(self, model: Model, share: float) -> None:
        self._model = model
        self._share = share
        self.name = model.name
        self.window = model.window
        self.max_output_tokens = model.max_output_tokens
        self.token_source = model.token_source
        self.gives_logprobs = getattr(model, "gives_logprobs", False)
        self.gives_prompt_logprobs = getattr(model, "gives_prompt_logprobs", False)

    def count(self, text: str) -> int:
        return self._model.count(text)

    def complete(self, request: ChatRequest) -> Completion:
        from workbench.llm.model import count_messages

        tokens = max(1, int(request.max_tokens * self._share))
        text = json.dumps(filler(request.schema)) if request.schema else " ".join(["fact"] * tokens)
        prompt = count_messages(self, request.messages)
        seconds = CALL_SECONDS + prompt * SECONDS_PER_PROMPT_TOKEN + tokens * SECONDS_PER_REPLY_TOKEN
        return Completion(
            text=text,
            prompt_tokens=prompt,
            completion_tokens=tokens,
            token_source=self.token_source,
            total_s=seconds,
            first_token_s=CALL_SECONDS + prompt * SECONDS_PER_PROMPT_TOKEN,
            first_token_logprobs={"fact": -0.5, "none": -1.0} if request.top_logprobs else None,
            prompt_logprobs=[-1.0] * request.prompt_logprobs or None,
        )

    async def acomplete(self, request: ChatRequest) -> Completion:
        return self.complete(request)


def filler(schema: Mapping[str, Any] | None, root: Mapping[str, Any] | None = None) -> Any:
    """The smallest plausible instance of a JSON schema."""
    schema = schema or {}
    root = root if root is not None else schema
    if "$ref" in schema:
        return filler(root.get("$defs", {}).get(schema["$ref"].rpartition("/")[2], {}), root)
    if "enum" in schema:
        return schema["enum"][0]
    if "const" in schema:
        return schema["const"]
    for key in ("anyOf", "oneOf", "allOf"):
        if key in schema:
            return filler(schema[key][0], root)
    kind = schema.get("type")
    if kind == "object":
        return {name: filler(part, root) for name, part in schema.get("properties", {}).items()}
    if kind == "array":
        return [filler(schema.get("items"), root)] * max(1, schema.get("minItems", 1))
    if kind == "boolean":
        return True
    if kind in ("integer", "number"):
        return schema.get("minimum", 1)
    return "fact"


@dataclass(frozen=True)
class Estimate:
    """What one run would take. `low` and `high` bound the cost by the replies' length; times assume no cache."""

    pipeline: str
    model: str
    corpus: str
    questions: int
    contexts: int
    calls: float
    prompt_tokens: float
    completion_tokens: float
    usd: float
    usd_low: float
    usd_high: float
    priced: bool
    seconds: float
    overflows: int
    sampled: int


@dataclass(frozen=True)
class Plan:
    """The estimates of all runs of an experiment."""

    experiment: Experiment
    estimates: tuple[Estimate, ...]
    notes: tuple[str, ...] = ()  # of the corpora: what was left out, and why

    @property
    def usd(self) -> float:
        """Expected cost of the whole experiment, USD."""
        return sum(estimate.usd for estimate in self.estimates)

    @property
    def seconds(self) -> float:
        """Expected wall time at the experiment's concurrency, seconds."""
        return sum(estimate.seconds for estimate in self.estimates)

    def rows(self) -> list[dict[str, Any]]:
        """One mapping per run, for tables and JSON."""
        import dataclasses

        return [dataclasses.asdict(estimate) for estimate in self.estimates]


def plan(
    source: str | Path | Mapping[str, Any] | Experiment,
    *,
    limit: int | None = None,
    models: Mapping[str, Any] | None = None,
) -> Plan:
    """Estimate an experiment's calls, tokens, cost and time. Calls no model, needs no key and writes nothing.

    Example: `wb.plan("examples/demo.yaml").usd`
    """
    from workbench.retrieval.embedders.opening import open_embedder

    setup = prepare(load(source), limit=limit, model_objects=models, to_call=False)
    embedder = open_embedder(setup.experiment.embedder)
    estimates = []
    for planned in setup.runs:
        with dry():  # embedding and reranking servers are no more called than models are
            passes = {share: _walk(planned, setup.experiment, embedder, share) for share in (0.1, EXPECTED_REPLY, 1.0)}
        estimates.append(_estimate(planned, setup.experiment, passes))
    notes = tuple(f"{corpus.name}: {note}" for corpus in setup.corpora for note in corpus.notes)
    return Plan(setup.experiment, tuple(estimates), notes + _over_budget(setup.experiment, estimates))


def _over_budget(experiment: Experiment, estimates: Sequence[Estimate]) -> tuple[str, ...]:
    """What of the budget will not do, by the estimates."""
    budget = experiment.budget
    usd, most = sum(estimate.usd for estimate in estimates), sum(estimate.usd_high for estimate in estimates)
    tokens = sum(estimate.prompt_tokens + estimate.completion_tokens for estimate in estimates)
    seconds = sum(estimate.seconds for estimate in estimates)
    notes = []
    for allowed, expected, shown in (
        (budget.usd, usd, "${:,.4g}"),
        (budget.tokens, tokens, "{:,.0f} tokens"),
        (budget.wall, seconds, "{:,.0f} s"),
    ):
        if allowed is not None and expected > allowed:
            left = f"the budget of {shown.format(allowed)} will stop the run: about {shown.format(expected)} are needed"
            notes.append(left)
    if not notes and budget.usd is not None and most > budget.usd:
        notes.append(f"the budget of ${budget.usd:,.4g} may stop the run: long replies would take ${most:,.4g}")
    return tuple(notes)


@dataclass
class _Walked:
    builds: list[list[Call]]
    answers: list[list[Call]]
    overflows: int
    questions_per_context: float


def _walk(planned: PlannedRun, experiment: Experiment, embedder: Any, share: float) -> _Walked:
    held: list[Call] = []
    gateway = Gateway(
        DryModel(planned.opened.model, share),
        price=planned.opened.price,
        concurrency=1,
        record=lambda call, prompt, reply: held.append(call),
    )
    equipment = Equipment(
        run_id="plan",
        gateway=gateway,
        seed=experiment.seed,
        answer_tokens=largest_budget(experiment, planned.corpus.questions),
        temperature=experiment.temperature,
        embedder=embedder,
        index_directory=None,
        prices=server_prices(experiment),
    )
    by_context: dict[str, list[Question]] = defaultdict(list)
    for question in planned.questions:
        by_context[question.context_id].append(question)
    walked = _Walked([], [], 0, len(planned.questions) / len(by_context))
    try:
        for context_id in _spread(list(by_context), SAMPLED_CONTEXTS):
            context, asked = planned.corpus.contexts[context_id], by_context[context_id]
            _walk_context(planned, equipment, context, asked, walked, held, partial(answer_tokens, experiment))
    finally:
        gateway.close()
    return walked


def _walk_context(
    planned: PlannedRun,
    equipment: Equipment,
    context: Context,
    questions: Sequence[Question],
    walked: _Walked,
    held: list[Call],
    budget: Callable[[Question], int],
) -> None:
    pipeline = planned.variant.pipeline
    held.clear()
    bench = ExperimentBench(equipment, context, phase="build")
    try:
        with watched(lambda bill: held.append(bench.paid(bill))):
            state = pipeline.build(context, bench)
    except ContextOverflow:
        walked.overflows += 1
        return
    # each run is estimated as if it were alone: what it would share with others is in it
    walked.builds.append(list(held))
    for question in _spread(list(questions), SAMPLED_QUESTIONS):
        held.clear()
        equipped = replace(equipment, answer_tokens=budget(question))
        bench = ExperimentBench(equipped, context, phase="answer", question_id=question.question_id)
        try:
            with watched(lambda bill, bench=bench: held.append(bench.paid(bill))):  # type: ignore[misc]
                pipeline.answer(question.blind(keep_evidence=pipeline.card.sees_evidence), state, bench)
        except ContextOverflow:
            walked.overflows += 1
        except InputError:  # the method needs what this model cannot do: it will say so, at no cost
            pass
        walked.answers.append([call for call in held if call.error is None])


def _spread(items: list[Any], number: int) -> list[Any]:
    """At most `number` items, evenly from first to last."""
    if len(items) <= number:
        return items
    step = (len(items) - 1) / (number - 1)
    return [items[round(i * step)] for i in range(number)]


def _estimate(planned: PlannedRun, experiment: Experiment, passes: Mapping[float, _Walked]) -> Estimate:
    questions = len(planned.questions)
    contexts = len({question.context_id for question in planned.questions})

    def total(walked: _Walked, value: Any) -> float:
        build = sum(value(calls) for calls in walked.builds) / max(1, len(walked.builds))
        answer = sum(value(calls) for calls in walked.answers) / max(1, len(walked.answers))
        return float(build * contexts + answer * questions)

    def usd(walked: _Walked) -> float:
        return total(walked, lambda calls: sum(call.cost_usd or 0.0 for call in calls))

    middle = passes[EXPECTED_REPLY]
    parallel = min(experiment.concurrency, getattr(planned.opened.model, "max_parallel", experiment.concurrency))
    if hasattr(planned.opened.model, "tokens_per_second"):
        tokens = total(middle, lambda calls: sum(call.prompt_tokens for call in calls))
        seconds = tokens / planned.opened.model.tokens_per_second
    else:
        serial = total(middle, lambda calls: sum(call.total_s for call in calls))
        longest = max((critical_path(calls) for calls in middle.answers), default=0.0)
        seconds = max(serial / parallel, longest)
    return Estimate(
        pipeline=planned.variant.label,
        model=planned.opened.name,
        corpus=planned.corpus.name,
        questions=questions,
        contexts=contexts,
        calls=total(middle, len),
        prompt_tokens=total(middle, lambda calls: sum(call.prompt_tokens for call in calls)),
        completion_tokens=total(middle, lambda calls: sum(call.completion_tokens for call in calls)),
        usd=usd(middle),
        usd_low=usd(passes[0.1]),
        usd_high=usd(passes[1.0]),
        priced=planned.opened.price is not None
        and all(call.cost_usd is not None for calls in (*middle.builds, *middle.answers) for call in calls),
        seconds=seconds,
        overflows=middle.overflows,
        sampled=len(middle.answers),
    )
