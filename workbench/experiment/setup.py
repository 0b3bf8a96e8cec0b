"""From a checked experiment to what will run: corpora loaded, models opened, questions chosen. Nothing is written."""

from __future__ import annotations

import dataclasses
import inspect
import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_type_hints

from corpora.benchmarks.raw import broken_rows
from corpora.files import with_questions
from workbench import catalogue
from workbench.errors import InputError, UnknownName
from workbench.experiment.answer_budget import answer_tokens, budgets_hash, check_budgets
from workbench.experiment.budget import check_priced
from workbench.experiment.hygiene import clean, label_errors
from workbench.experiment.schema import Entry, Experiment
from workbench.experiment.server_prices import check_server_prices
from workbench.experiment.sweeps import Variant, swept_models, variants
from workbench.records import Corpus, Question
from workbench.text import combined_hash

if TYPE_CHECKING:
    from workbench.llm.model import Model
    from workbench.llm.prices import Price


@dataclass(frozen=True)
class OpenedModel:
    """A model of the experiment with its price (None: no price is known, cost counts as 0 and the report says so).
    `spec` is its provider string; `name` is that, with the options that the file sweeps."""

    name: str
    model: Model
    price: Price | None
    options: Mapping[str, Any]
    spec: str = ""


@dataclass(frozen=True)
class PlannedRun:
    """One pipeline × model × corpus × seed, with the questions it is asked."""

    run_id: str
    variant: Variant
    opened: OpenedModel
    corpus: Corpus
    questions: tuple[Question, ...]


@dataclass(frozen=True)
class Setup:
    """An experiment ready to be planned or run."""

    experiment: Experiment
    runs: tuple[PlannedRun, ...]
    corpora: tuple[Corpus, ...]
    models: tuple[OpenedModel, ...]


def prepare(
    experiment: Experiment, *, limit: int | None = None, model_objects: Mapping[str, Model] | None = None,
    to_call: bool = True,
) -> Setup:  # fmt: skip
    """Load the corpora and open the models of an experiment.

    `limit` asks at most that many questions per corpus; `model_objects` are `Model`s or llama-index LLMs from Python,
    by the name that the experiment gives them; models that are not `to_call` need no key. Raises InputError for
    anything that cannot be opened.
    """
    for variant in variants(experiment):
        _check_runnable(variant, experiment)
    _check_embedder(experiment)
    check_server_prices(experiment, variants(experiment))
    corpora = [load_corpus(entry, experiment, f"corpora.{i}") for i, entry in enumerate(experiment.corpora)]
    models = [
        _open_model(chosen, name, experiment, f"models.{i}", model_objects or {}, to_call)
        for i, entry in enumerate(experiment.models)
        for name, chosen in swept_models(entry, experiment.source, f"models.{i}")
    ]
    priced = [(opened.model, opened.price) for opened in models]
    check_priced(experiment.budget.usd, priced, field="budget.usd", file=experiment.source)
    for number, corpus in enumerate(corpora):
        if corpus.fingerprint in {earlier.fingerprint for earlier in corpora[:number]}:
            problem = f"{corpus.name} has the same questions and documents as one before it"
            raise InputError(problem, file=experiment.source, field=f"corpora.{number}", fix="keep one")
    check_budgets(experiment, corpora)
    if experiment.hygiene is not None:
        opened_models = [opened.model for opened in models]
        errors = label_errors(experiment.corpora, corpora, experiment.hygiene, experiment.source)
        corpora = [
            clean(
                corpus, experiment.hygiene, opened_models, answer_tokens=partial(answer_tokens, experiment),
                source=experiment.source, errors=wrong,
            )
            for corpus, wrong in zip(corpora, errors, strict=True)
        ]  # fmt: skip
    chosen = {corpus.fingerprint: choose(corpus, _smaller(experiment.sample, limit), experiment) for corpus in corpora}
    runs = tuple(
        PlannedRun(run_id(variant, opened, corpus, experiment), variant, opened, corpus, chosen[corpus.fingerprint])
        for opened in models
        for corpus in corpora
        for variant in variants(experiment)
    )
    for planned in runs:
        _check_thinking(planned, experiment)
    return Setup(experiment, runs, tuple(corpora), tuple(models))


def _check_thinking(planned: PlannedRun, experiment: Experiment) -> None:
    """Raise InputError for a method that reads probabilities of tokens from a model that is told to think and cannot be
    told not to: thoughts before the reply would make them meaningless."""
    needs = any("logprobs" in need for need in planned.variant.pipeline.card.requires)
    model: Any = planned.opened.model
    if needs and int(getattr(model, "reserve", 0)) and not bool(getattr(model, "can_not_think", True)):
        raise InputError(
            f"{planned.variant.label} reads probabilities of tokens, which {planned.opened.name} hides behind thoughts",
            file=experiment.source,
            field="pipelines",
            fix="leave it out, or give the model no reasoning",
        )


def _check_runnable(variant: Variant, experiment: Experiment) -> None:
    """Call the method's `check`, if it has one: better to hear now that it cannot run than after others were paid."""
    check = getattr(variant.pipeline, "check", None)
    if check is None:
        return
    try:
        check()
    except InputError as error:
        raise InputError(error.problem, file=experiment.source, field=error.field, fix=error.fix) from error


def _check_embedder(experiment: Experiment) -> None:
    from workbench.retrieval.embedders.opening import open_embedder

    try:
        open_embedder(experiment.embedder)
    except InputError as error:
        raise InputError(error.problem, file=experiment.source, field="embedder", fix=error.fix) from error


def _smaller(a: int | None, b: int | None) -> int | None:
    return min((x for x in (a, b) if x is not None), default=None)


def run_id(variant: Variant, opened: OpenedModel, corpus: Corpus, experiment: Experiment) -> str:
    """Hash of all that the outcome of a run depends on; the same run is resumed, a changed one is new."""
    return combined_hash(
        variant.identity,
        opened.spec or opened.name,
        json.dumps({k: v for k, v in opened.options.items() if k not in _NOT_IDENTITY}, sort_keys=True, default=str),
        corpus.fingerprint,
        str(experiment.seed),
        str(experiment.answer_tokens),
        str(experiment.temperature),
        experiment.embedder,
        *budgets_hash(experiment, corpus),
        *(["on_overflow: fail"] if experiment.on_overflow == "fail" else []),
        *([f"prices: {json.dumps(_prices(experiment), sort_keys=True)}"] if experiment.prices else []),
    )[:20]


def temperature_of(opened: OpenedModel, experiment: Experiment) -> float:
    """The temperature of a model's calls: its own, where its entry names one, else the experiment's."""
    from workbench.llm.model import temperature_of as of_model

    return of_model(opened.model, experiment.temperature)


def _prices(experiment: Experiment) -> Any:
    return experiment.model_dump(mode="json", include={"prices"})["prices"]


_NOT_IDENTITY = frozenset({"rpm", "tpm", "timeout", "concurrency", "kv_tokens", "key_env", "max_retries"})


def load_corpus(entry: Entry, experiment: Experiment | None = None, field: str = "corpora") -> Corpus:
    """The corpus of a `corpora:` entry. Raises InputError naming the option."""
    name, _, path = entry.name.partition("@")
    options = dict(entry.options)
    if path:
        options["path"] = path
    source = experiment.source if experiment else None
    loader = catalogue.corpus(name)
    asked = options.pop("questions") if name != "files" and isinstance(options.get("questions"), str) else None
    _check_options(loader, options, f"corpus {name}", source, field)
    with broken_rows(name):
        corpus: Corpus = loader(**options)
        corpus = with_questions(corpus, Path(asked).expanduser()) if asked else corpus
        _check_texts(corpus)
    if not corpus.questions:
        raise InputError(f"corpus {name} has no questions", file=source, field=field, fix="loosen its limit or tasks")
    _check_metrics(corpus)
    return _with_empty_counted(_without_blank_answers(corpus))


def _check_texts(corpus: Corpus) -> None:
    """Raise for texts that are not text (the file holds a number or a list there): they would break much later."""
    for context in corpus.contexts.values():
        for document in context.documents:
            if not isinstance(document.text, str):
                raise InputError("is no text", file=f"corpus {corpus.name}", field=f"document {document.document_id}")
    for question in corpus.questions:
        where = f"question {question.question_id}"
        if not isinstance(question.text, str) or not question.text.strip():
            raise InputError("has no text", file=f"corpus {corpus.name}", field=where, fix="get the files again")
        if not all(isinstance(answer, str) for answer in question.answers):
            raise InputError("has an answer that is no text", file=f"corpus {corpus.name}", field=where)


def _without_blank_answers(corpus: Corpus) -> Corpus:
    """Blank gold would be in every reply, or in none; hidden gold (no answer at all) is not blank."""
    blank = [q for q in corpus.questions if q.answers and not any(answer.strip() for answer in q.answers)]
    if not blank or len(blank) == len(corpus.questions):
        return corpus
    kept = tuple(question for question in corpus.questions if question not in blank)
    note = f"{len(blank)} questions left out: the gold answer is blank"
    return dataclasses.replace(corpus, questions=kept, notes=(*corpus.notes, note))


def _with_empty_counted(corpus: Corpus) -> Corpus:
    documents = [document for context in corpus.contexts.values() for document in context.documents]
    empty = sum(not document.text.strip() for document in documents)
    without = sum(not context.documents for context in corpus.contexts.values())
    notes = []
    if empty:
        notes.append(f"{empty} of {len(documents)} documents are empty")
    if without:
        notes.append(f"{without} of {len(corpus.contexts)} contexts have no document")
    return dataclasses.replace(corpus, notes=(*corpus.notes, *notes)) if notes else corpus


def _check_metrics(corpus: Corpus) -> None:
    """Raise for a metric that does not exist: without this check it would be noticed after the answer was paid for."""
    from workbench.evaluation.metrics import metric

    named = {name: question.question_id for question in corpus.questions for name in question.metrics}
    for name, question_id in named.items():
        try:
            metric(name)
        except UnknownName as error:
            where = f"question {question_id}, metrics"
            raise InputError(error.problem, file=f"corpus {corpus.name}", field=where, fix=error.fix) from error


def _check_options(loader: Callable[..., Any], options: Mapping[str, Any], what: str, source: Any, field: str) -> None:
    """Names and types of a corpus's options against its loader's signature."""
    from pydantic import ConfigDict, PydanticSchemaGenerationError, TypeAdapter, ValidationError

    parameters = inspect.signature(loader).parameters
    takes_any = any(p.kind is p.VAR_KEYWORD for p in parameters.values())
    types = get_type_hints(loader)
    strict = ConfigDict(strict=True, arbitrary_types_allowed=True)
    for name, value in options.items():
        if name not in parameters and not takes_any:
            known = ", ".join(parameters)
            raise InputError(f"{what} has no option {name!r}", file=source, field=field, fix=f"known: {known}")
        at = f"{field}.{name}"
        if isinstance(value, int) and value < 0 and name != "seed":
            raise InputError(f"{name} of {what} is negative", file=source, field=at, fix=f"it says {value}")
        if name not in types:
            continue
        given = os.fspath(value) if isinstance(value, os.PathLike) else value
        try:  # strict, because the loader gets the value as it stands: "3" is no number
            TypeAdapter(types[name], config=strict).validate_python(given)
        except ValidationError as error:
            reason = error.errors()[0]["msg"].removeprefix("Input should be ")
            problem = f"{name} of {what} must be {reason}" if reason else f"{name} of {what} is wrong"
            raise InputError(problem, file=source, field=at, fix=f"it says {value!r:.60}") from error
        except PydanticSchemaGenerationError:  # a type that cannot be checked from outside
            continue
    for name, parameter in parameters.items():
        if name not in options and parameter.default is parameter.empty and parameter.kind is not parameter.VAR_KEYWORD:
            raise InputError(f"{what} needs {name}", file=source, field=field, fix=f"add {name}: to its options")


def _open_model(
    entry: Entry, name: str, experiment: Experiment, field: str, objects: Mapping[str, Model], to_call: bool
) -> OpenedModel:
    from workbench.llm.prices import FREE, price_for
    from workbench.llm.providers.opening import open_model

    options = dict(entry.options)
    try:
        if entry.name in objects:
            model = open_model(objects[entry.name], to_call=to_call, **options)
        else:
            model = open_model(entry.name, to_call=to_call, name=name, **options)
        listed = entry.name if name != entry.name else model.name
        price = price_for(listed, options) or (FREE if getattr(model, "free", False) else None)
    except InputError as error:
        raise InputError(error.problem, file=experiment.source, field=error.field or field, fix=error.fix) from error
    except (TypeError, ValueError) as error:
        raise InputError(f"model {entry.name}: {error}", file=experiment.source, field=field) from error
    return OpenedModel(name, model, price, options, entry.name)


def choose(corpus: Corpus, number: int | None, experiment: Experiment) -> tuple[Question, ...]:
    """At most `number` questions, drawn evenly over tasks in an order that depends on the seed alone.

    A smaller number is a subset of a larger one, so raising `--limit` pays for new questions only.
    """
    if number is None or number >= len(corpus.questions):
        return corpus.questions
    by_task: dict[str, list[Question]] = {}
    for question in corpus.questions:
        by_task.setdefault(question.task, []).append(question)
    for members in by_task.values():
        members.sort(key=lambda q: combined_hash(str(experiment.seed), q.question_id))
    order: list[Question] = []
    for depth in range(max(map(len, by_task.values()))):
        order.extend(members[depth] for _, members in sorted(by_task.items()) if depth < len(members))
    kept = {question.question_id for question in order[:number]}
    return tuple(question for question in corpus.questions if question.question_id in kept)


def describe(variant: Variant) -> dict[str, Any]:
    """A variant's full configuration as plain data, for the log."""
    return {name: _plain(value) for name, value in variant.config.items()}


def _plain(value: Any) -> Any:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return dataclasses.asdict(value)
    if isinstance(value, tuple | list):
        return [_plain(item) for item in value]
    return value if isinstance(value, str | int | float | bool | type(None)) else str(value)
