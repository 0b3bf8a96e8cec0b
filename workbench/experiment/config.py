"""The experiment file: YAML or a mapping, checked whole before anything is opened, called or written.

Every mistake is one `InputError` naming the file, the field and the fix.
"""

from __future__ import annotations

import dataclasses
import itertools
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, get_type_hints

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    TypeAdapter,
    ValidationError,
    ValidationInfo,
    field_validator,
)

from corpora.benchmarks import exclusions
from workbench import catalogue
from workbench.errors import InputError, UnknownName
from workbench.experiment.identity import code_hash, prompts_hash
from workbench.experiment.number_fields import bytes_of, refuse_booleans
from workbench.text import combined_hash

ANSWER_TOKENS = 256  # how long an answer may be, where nothing else is said


class Entry(BaseModel):
    """A name with options: `name`, `name@path` or a one-key mapping in the file."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    name: str
    options: dict[str, Any] = Field(default_factory=dict)


class Numbers(BaseModel):
    """Fields of which those of numbers take no boolean."""

    @field_validator("*", mode="before")
    @classmethod
    def _no_boolean(cls, value: Any, info: ValidationInfo) -> Any:
        return refuse_booleans(value, cls.model_fields[str(info.field_name)].annotation)


class Budget(Numbers):
    """What an experiment may spend: USD, tokens (prompt and completion) and wall seconds; None is no limit."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    usd: float | None = Field(default=None, gt=0)
    tokens: int | None = Field(default=None, gt=0)
    wall: float | None = Field(default=None, gt=0)


def _entry(value: Any) -> Any:
    if isinstance(value, str):
        return {"name": value}
    if isinstance(value, Mapping) and len(value) == 1 and "name" not in value:
        ((name, options),) = value.items()
        if options is not None and not isinstance(options, Mapping):
            raise ValueError(f"the options of {name!r} must be a mapping such as {{{name}: {{limit: 10}}}}")
        return {"name": name, "options": dict(options or {})}
    if isinstance(value, Entry):
        return value
    raise ValueError("write a name, or a mapping of one name to its options")


EntryField = Annotated[Entry, BeforeValidator(_entry)]


def _size(value: Any) -> Any:
    return bytes_of(value, field="cache_limit") if isinstance(value, str) else value


def _length(value: Any) -> Any:
    if value == "official" or TypeAdapter(Annotated[int, Field(ge=1)]).validator.isinstance_python(value):
        return value
    raise ValueError("use a whole number of tokens from 1, or official")


def _exclusions(value: Any) -> Any:
    """One rule, or one for each corpus; a rule is a word, a file, a mapping of ids to reasons, or a list of these."""
    if isinstance(value, str | list | tuple):
        value = {EVERY_CORPUS: value}
    if not isinstance(value, Mapping):
        raise ValueError("write detected, known, a file, or a mapping of corpora to these or to {question_id: reason}")
    rules: dict[Any, Any] = {}
    for corpus, rule in value.items():
        rules[corpus] = tuple(rule) if isinstance(rule, list | tuple) else (rule,)
        if any(isinstance(part, Mapping) and not part for part in rules[corpus]) or not rules[corpus]:
            raise ValueError(f"names no question of {corpus}")
    return rules


EVERY_CORPUS = "*"
_EXCLUDING = frozenset({"locomo", "longmemeval"})  # the corpora with an option `exclude` of their own


class Hygiene(BaseModel):
    """Questions to leave out before anything is asked; see `workbench.experiment.hygiene`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    truncation: bool = Field(default=False, description="those whose context does not fit the smallest window")
    closed_book: Path | None = Field(default=None, description="run log whose closed_book answers were right")
    exclude: Annotated[dict[str, tuple[str | dict[str, str], ...]], BeforeValidator(_exclusions)] = Field(
        default={}, description="label errors, by corpus: detected, known, a file of ids and reasons, or the ids"
    )


class GpuHour(Numbers):
    """The price of a machine of one's own: USD an hour."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    gpu_hour: float = Field(ge=0, allow_inf_nan=False)


class Experiment(Numbers):
    """An experiment: pipelines × models × corpora. See `examples/demo.yaml`.

    >>> Experiment(name="demo", corpora=["world"], models=["extractive"], pipelines=["full_context"]).seed
    0
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field(min_length=1)
    database: Path = Path("runs/workbench.duckdb")
    corpora: list[EntryField] = Field(min_length=1)
    models: list[EntryField] = Field(min_length=1)
    pipelines: list[EntryField] = Field(min_length=1)
    metrics: list[str] | None = None
    baseline: str | None = None
    sample: int | None = Field(default=None, gt=0, description="questions per corpus, drawn evenly over tasks")
    concurrency: int = Field(default=16, ge=1, le=1024)
    answer_tokens: Annotated[int | Literal["official"], BeforeValidator(_length)] = Field(
        default=ANSWER_TOKENS,
        description="answer budget of every pipeline's last call, tokens; official: each question's label max_gen",
    )
    temperature: float = Field(default=0.0, ge=0.0, le=2.0)
    embedder: str = "lsa"
    prices: dict[str, Annotated[float, Field(ge=0, strict=True, allow_inf_nan=False)] | GpuHour] = Field(
        default={}, description="of embedding and reranking servers by name: USD per million tokens, or {gpu_hour: USD}"
    )
    budget: Budget = Budget()
    hygiene: Hygiene | None = None
    order: Literal["prefix", "context", "random"] = Field(
        default="prefix", description="run by run and in each by context; by context over all runs; or shuffled"
    )
    on_overflow: Literal["truncate", "fail"] = Field(
        default="truncate",
        description="when only the server finds that a prompt is too long: once more with its window, or fail",
    )
    seed: int = Field(default=0, ge=0, lt=2**32, description="numpy takes no other")
    cache: Path | None = Field(default=None, description="response cache; beside the database by default")
    cache_limit: Annotated[int | None, BeforeValidator(_size)] = Field(
        default=None, ge=0, description="bytes (or 500M, 2G) of the response cache; what is unused for longest goes"
    )
    source: Path | None = Field(default=None, exclude=True)

    @property
    def experiment_id(self) -> str:
        """Hash of the configuration: the same file is the same experiment, so that a rerun resumes it."""
        # what is not set stays out, so that a new field changes no old experiment
        unset: dict[str, Any] = {"cache_limit": True}  # and what has no part in any outcome
        if self.hygiene is None:
            unset["hygiene"] = True
        elif not self.hygiene.exclude:
            unset["hygiene"] = {"exclude"}
        if self.on_overflow == "truncate":
            unset["on_overflow"] = True
        if not self.prices:
            unset["prices"] = True
        return combined_hash(self.model_dump_json(exclude=unset or None))[:16]

    @property
    def cache_path(self) -> Path:
        """Where replies are kept."""
        return self.cache or self.database.with_name("responses.sqlite")


@dataclasses.dataclass(frozen=True)
class Variant:
    """One configured pipeline of an experiment: `label` is its name plus the fields that the file sets."""

    method: str
    label: str
    pipeline: Any
    config: Mapping[str, Any]

    @property
    def identity(self) -> str:
        """Hash of the method, its full configuration, its prompts and its code."""
        return combined_hash(
            self.method,
            json.dumps(self.config, sort_keys=True, default=str),
            prompts_hash(self.method),
            code_hash(self.method),
        )


def load(source: str | Path | Mapping[str, Any] | Experiment) -> Experiment:
    """Read and check an experiment; relative paths are relative to the file.

    Raises InputError for a missing file, bad YAML, a wrong field, an unknown pipeline, corpus or metric.
    """
    if isinstance(source, Experiment):
        return _checked(_with_exclusions_read(source, Path()))
    if isinstance(source, Mapping):
        return _checked(_with_exclusions_read(_validate(dict(source), None), Path()))
    from workbench.experiment.yaml_file import read_mapping

    path = Path(source).expanduser()
    experiment = _validate(read_mapping(path), path)
    base = path.resolve().parent
    moved: dict[str, Any] = {"database": _under(base, experiment.database), "source": path}
    if experiment.cache:
        moved["cache"] = _under(base, experiment.cache)
    if experiment.hygiene and experiment.hygiene.closed_book:
        moved["hygiene"] = experiment.hygiene.model_copy(
            update={"closed_book": _under(base, experiment.hygiene.closed_book)}
        )
    corpora = [_resolve_paths(entry, base) for entry in experiment.corpora]
    return _checked(_with_exclusions_read(experiment.model_copy(update={**moved, "corpora": corpora}), base))


def _with_list_read(entry: Entry, base: Path) -> Entry:
    """A corpus's option `exclude` with the ids and reasons of its file."""
    exclude = entry.options.get("exclude")
    if not isinstance(exclude, str) or exclude in exclusions.CHECKS or entry.name.partition("@")[0] not in _EXCLUDING:
        return entry
    return entry.model_copy(
        update={"options": {**entry.options, "exclude": exclusions.listed(_under(base, Path(exclude)))}}
    )


def _with_exclusions_read(experiment: Experiment, base: Path) -> Experiment:
    """Exclusion files replaced by the ids and reasons that they hold: a changed list is a changed experiment."""
    corpora = [_with_list_read(entry, base) for entry in experiment.corpora]
    experiment = experiment.model_copy(update={"corpora": corpora}) if corpora != experiment.corpora else experiment
    hygiene = experiment.hygiene
    if hygiene is None or not hygiene.exclude:
        return experiment
    rules: dict[str, tuple[str | dict[str, str], ...]] = {}
    for corpus, parts in hygiene.exclude.items():
        rules[corpus] = tuple(
            part if isinstance(part, dict) or part in exclusions.CHECKS else exclusions.listed(_under(base, Path(part)))
            for part in parts
        )
    return experiment.model_copy(update={"hygiene": hygiene.model_copy(update={"exclude": rules})})


def _under(base: Path, path: Path) -> Path:
    return Path(os.path.normpath(base / path.expanduser()))  # without the `..` of `../runs/demo.duckdb`


def _resolve_paths(entry: Entry, base: Path) -> Entry:
    name, _, path = entry.name.partition("@")
    options = dict(entry.options)
    if path:
        options["path"] = path
    for key in ("path", "questions"):
        if isinstance(options.get(key), str) and (key == "path" or not options[key].isdigit()):
            options[key] = str(_under(base, Path(options[key])))
    if isinstance(prompts := options.get("prompts"), str) and prompts.endswith(".json"):
        options["prompts"] = str(_under(base, Path(prompts)))
    if isinstance(listed := options.get("exclude"), str) and listed not in exclusions.CHECKS:
        options["exclude"] = str(_under(base, Path(listed)))
    return Entry(name=name, options=options)


def _validate(raw: dict[str, Any], path: Path | None) -> Experiment:
    try:
        return Experiment.model_validate(raw)
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(str(part) for part in first["loc"])
        if first["type"] == "extra_forbidden":
            known = [name for name in Experiment.model_fields if name != "source"]
            if len(first["loc"]) > 1:
                known = list((Hygiene if first["loc"][0] == "hygiene" else Budget).model_fields)
            raise UnknownName("field", str(first["loc"][-1]), known, file=path, field=field) from error
        if first["type"] == "missing":
            raise InputError("is missing", file=path, field=field, fix=f"add `{field}:`") from error
        reason = first["msg"].removeprefix("Value error, ")
        raise InputError(f"is wrong: {reason}", file=path, field=field, fix=_shown(first.get("input"))) from error


def _shown(value: Any) -> str:
    text = repr(value)
    return f"it says {text if len(text) < 60 else text[:57] + '...'}"


def _checked(experiment: Experiment) -> Experiment:
    """Names against the catalogues, and the baseline against the pipelines."""
    from workbench.evaluation.metrics import metric

    _no_entry_twice(experiment.corpora, "corpora", experiment)
    _no_entry_twice(experiment.models, "models", experiment)
    for number, entry in enumerate(experiment.corpora):
        _known(catalogue.corpus, entry.name.partition("@")[0], experiment, f"corpora.{number}")
    for number, name in enumerate(experiment.metrics or ()):
        _known(metric, name, experiment, f"metrics.{number}")
    labels = [variant.label for variant in variants(experiment)]
    methods = {variant.method for variant in variants(experiment)}
    doubled = {label for label in labels if labels.count(label) > 1}
    if doubled:
        raise InputError(
            f"{sorted(doubled)[0]!r} appears twice", file=experiment.source, field="pipelines", fix="keep one"
        )
    if experiment.baseline and experiment.baseline not in labels and experiment.baseline not in methods:
        raise UnknownName("baseline", experiment.baseline, labels, file=experiment.source, field="baseline")
    return experiment


def _no_entry_twice(entries: Sequence[Entry], field: str, experiment: Experiment) -> None:
    for number, entry in enumerate(entries):
        if entry in entries[:number]:
            raise InputError(
                f"{entry.name!r} appears twice", file=experiment.source, field=f"{field}.{number}", fix="keep one"
            )


def _known(lookup: Any, name: str, experiment: Experiment, field: str) -> Any:
    try:
        return lookup(name)
    except UnknownName as error:
        raise UnknownName(error.kind, error.name, _names(error), file=experiment.source, field=field) from error


def _names(error: UnknownName) -> list[str]:
    return (error.fix or "").rpartition("known: ")[2].split(", ")


def variants(experiment: Experiment) -> list[Variant]:
    """Every configured pipeline, sweeps expanded, in file order.

    Raises UnknownName for a pipeline or field that does not exist, InputError for a value of the wrong type.
    """
    return [
        variant
        for number, entry in enumerate(experiment.pipelines)
        for variant in _expand(entry, experiment, f"pipelines.{number}")
    ]


def _expand(entry: Entry, experiment: Experiment, field: str) -> Iterator[Variant]:
    cls = _known(catalogue.pipeline, entry.name, experiment, field)
    fields = {f.name: f for f in dataclasses.fields(cls)}
    hints = _hints(cls)
    for name in entry.options:
        if name not in fields:
            raise UnknownName(f"option of {entry.name}", name, list(fields), file=experiment.source, field=field)
    lists = {name for name, f in fields.items() if str(f.type).startswith(("tuple", "list"))}
    swept = [name for name, value in entry.options.items() if isinstance(value, list) and name not in lists]
    for name in swept:
        if not entry.options[name]:
            raise InputError(
                f"{name} is an empty list",
                file=experiment.source,
                field=field,
                fix="give one value, or several to sweep",
            )
    for values in itertools.product(*(entry.options[name] for name in swept)):
        chosen = {**entry.options, **dict(zip(swept, values, strict=True))}
        for name, value in chosen.items():
            try:
                refuse_booleans(value, hints.get(name, Any))
            except ValueError as error:
                problem = f"{name} is wrong: {error}"
                raise InputError(problem, file=experiment.source, field=field, fix=_shown(value)) from error
        try:
            built = TypeAdapter(cls).validate_python(chosen)
        except ValidationError as error:
            first = error.errors()[0]
            option = ".".join(str(part) for part in first["loc"]) or entry.name
            raise InputError(
                f"{option} is wrong: {first['msg']}",
                file=experiment.source,
                field=field,
                fix=_shown(first.get("input")),
            ) from error
        except InputError as error:  # the method's own checks name the option
            raise InputError(
                error.problem, file=experiment.source, field=_inner(field, error), fix=error.fix
            ) from error
        except ValueError as error:
            raise InputError(f"{entry.name}: {error}", file=experiment.source, field=field) from error
        config = {name: getattr(built, name) for name in fields}
        shown = ",".join(f"{name}={value}" for name, value in chosen.items())
        yield Variant(entry.name, f"{entry.name}[{shown}]" if shown else entry.name, built, config)


def _hints(cls: type) -> dict[str, Any]:
    try:
        return get_type_hints(cls)
    except NameError:  # a name that only type checkers import; pydantic resolves what it needs
        return {}


def _inner(field: str, error: InputError) -> str:
    return f"{field}.{error.field}" if error.field else field
