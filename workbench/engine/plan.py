"""What an experiment would call, cost and take: the methods themselves run against a stand-in that calls nothing.

A few questions per context are walked through the real method code with a `DryModel`, which counts the prompts it gets
and replies with filler of an assumed length. So the number of calls and the prompt tokens are the method's own; what
the replies would be is an assumption, and the range shows it: replies of a tenth of their budget to all of it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workbench.analysis.endings import assumed_window
from workbench.engine.bench import Equipment, ExperimentBench
from workbench.engine.critical_path import critical_path
from workbench.engine.dry_model import DryModel
from workbench.engine.own_cost import Asked, OwnCache, repeated_beginnings
from workbench.errors import ContextOverflow, InputError
from workbench.experiment.answer_budget import answer_tokens, largest_budget
from workbench.experiment.config import load
from workbench.experiment.schema import Experiment
from workbench.experiment.server_prices import server_prices
from workbench.experiment.setup import OpenedModel, PlannedRun, prepare, temperature_of
from workbench.llm.gateway import Gateway
from workbench.records import Call, Context, Question
from workbench.retrieval.spending import dry, watched

if TYPE_CHECKING:
    from workbench.llm.prices import Price

SAMPLED_QUESTIONS = 3
SAMPLED_CONTEXTS = 2
EXPECTED_REPLY = 0.35  # share of max_tokens that a reply is taken to use


@dataclass(frozen=True)
class Estimate:
    """What one run would take. `low` and `high` bound the cost by the length of replies and thoughts; `usd` is the
    run's own cost, with what its earlier calls leave in the provider's cache; times assume no cache. Of the `sampled`
    questions `overflows` would not fit the window, and `truncated` would be asked of a cut context. `window_source`
    says where the window comes from: file, server, listed or assumed."""

    pipeline: str
    model: str
    corpus: str
    questions: int
    contexts: int
    calls: float
    prompt_tokens: float
    completion_tokens: float
    reasoning_tokens: float
    usd: float
    usd_low: float
    usd_high: float
    priced: bool
    seconds: float
    overflows: int
    sampled: int
    truncated: int
    window: int
    window_source: str


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
    notes += tuple(_of_models(setup.models))
    return Plan(setup.experiment, tuple(estimates), notes + _over_budget(setup.experiment, estimates))


def _of_models(models: Sequence[OpenedModel]) -> Iterator[str]:
    """What is to be said of the models before they are asked: assumed windows, and room for thoughts."""
    for opened in models:
        if getattr(opened.model, "window_source", None) == "assumed":
            yield assumed_window(opened.name, opened.model.window)
        if reserve := getattr(opened.model, "reserve", 0):
            kept = f"up to {reserve:,} tokens a call are kept for thoughts"
            yield f"{opened.name}: {kept}; its range of cost has a tenth of them to all"


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
    """What a pass over sampled questions would call: the calls of each index stage and answer, what each answer would
    cost by itself, whether it is its context's first, and how many prompts overflow or are cut."""

    cache: OwnCache
    builds: list[list[Call]] = field(default_factory=list)
    answers: list[list[Call]] = field(default_factory=list)
    build_usd: list[float] = field(default_factory=list)
    answer_usd: list[tuple[bool, float]] = field(default_factory=list)
    overflows: int = 0
    truncated: int = 0


def _walk(planned: PlannedRun, experiment: Experiment, embedder: Any, share: float) -> _Walked:
    held: list[tuple[Call, str]] = []
    model = planned.opened.model
    gateway = Gateway(
        DryModel(model, share),
        price=planned.opened.price,
        concurrency=1,
        record=lambda call, prompt, reply: held.append((call, prompt)),
    )
    equipment = Equipment(
        run_id="plan",
        gateway=gateway,
        seed=experiment.seed,
        answer_tokens=largest_budget(experiment, planned.corpus.questions),
        temperature=temperature_of(planned.opened, experiment),
        embedder=embedder,
        index_directory=None,
        prices=server_prices(experiment),
    )
    by_context: dict[str, list[Question]] = defaultdict(list)
    for question in planned.questions:
        by_context[question.context_id].append(question)
    walked = _Walked(OwnCache(getattr(model, "prompt_cache", None), getattr(model, "kv_tokens", None)))
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
    held: list[tuple[Call, str]],
    budget: Callable[[Question], int],
) -> None:
    pipeline = planned.variant.pipeline
    held.clear()
    bench = ExperimentBench(equipment, context, phase="build")
    try:
        with watched(lambda bill: held.append((bench.paid(bill), ""))):
            state = pipeline.build(context, bench)
    except ContextOverflow:
        walked.overflows += 1
        return
    # each run is estimated as if it were alone: what it would share with others is in it
    walked.builds.append([call for call, _ in held])
    walked.build_usd.append(_by_itself(held, planned.opened.price, walked.cache))
    sampled: list[list[tuple[Call, str]]] = []
    for question in _spread(list(questions), SAMPLED_QUESTIONS):
        held.clear()
        equipped = replace(equipment, answer_tokens=budget(question), sharing=len(questions) > 1)
        bench = ExperimentBench(equipped, context, phase="answer", question_id=question.question_id)
        try:
            with watched(lambda bill, bench=bench: held.append((bench.paid(bill), ""))):  # type: ignore[misc]
                answer = pipeline.answer(question.blind(keep_evidence=pipeline.card.sees_evidence), state, bench)
            walked.truncated += answer.dropped_tokens > 0
        except ContextOverflow:
            walked.overflows += 1
        except InputError:  # the method needs what this model cannot do: it will say so, at no cost
            pass
        sampled.append([(call, prompt) for call, prompt in held if call.error is None])
    walked.cache.repeated |= repeated_beginnings([_asked(call, prompt) for call, prompt in made] for made in sampled)
    for number, made in enumerate(sampled):
        walked.answers.append([call for call, _ in made])
        walked.answer_usd.append((number == 0, _by_itself(made, planned.opened.price, walked.cache)))


def _asked(call: Call, prompt: str) -> Asked:
    return Asked(prompt, call.prompt_tokens, call.completion_tokens, call.shared_characters)


def _by_itself(made: Sequence[tuple[Call, str]], price: Price | None, cache: OwnCache) -> float:
    """USD of calls with what the run's own earlier ones have left in the provider's cache."""
    if price is None or price.gpu_hour is not None:
        return sum(call.cost_usd or 0.0 for call, _ in made)
    return sum(cache.cost(_asked(call, prompt), price) if prompt else call.cost_usd or 0.0 for call, prompt in made)


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
        """The first question of a context finds nothing cached, the others what it has left."""
        first = [cost for is_first, cost in walked.answer_usd if is_first]
        later = [cost for is_first, cost in walked.answer_usd if not is_first] or first
        each, rest, build = _mean(first), _mean(later), _mean(walked.build_usd)
        return contexts * (build + each) + (questions - contexts) * rest

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
        reasoning_tokens=total(middle, lambda calls: sum(call.reasoning_tokens for call in calls)),
        usd=usd(middle),
        usd_low=usd(passes[0.1]),
        usd_high=usd(passes[1.0]),
        priced=planned.opened.price is not None
        and all(call.cost_usd is not None for calls in (*middle.builds, *middle.answers) for call in calls),
        seconds=seconds,
        overflows=middle.overflows,
        sampled=len(middle.answers),
        truncated=middle.truncated,
        window=planned.opened.model.window,
        window_source=getattr(planned.opened.model, "window_source", "") or "",
    )


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values) if values else 0.0
