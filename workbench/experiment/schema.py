"""What an experiment file may hold: its fields, their types and defaults."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, TypeAdapter, ValidationInfo, field_validator

from workbench.experiment.number_fields import bytes_of, refuse_booleans
from workbench.text import combined_hash

ANSWER_TOKENS = 256  # how long an answer may be, where nothing else is said
EVERY_CORPUS = "*"


class Entry(BaseModel):
    """A name with options: `name`, `name@path` or a one-key mapping in the file."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    name: str
    options: dict[str, Any] = Field(default_factory=dict)


class Numbers(BaseModel):
    """A model whose number fields refuse booleans, which pydantic would take for 0 and 1."""

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


class Latency(Numbers):
    """How latency is measured beside the times of the run: `probe` questions of each run once more, one at a time."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    probe: int = Field(gt=0, description="questions asked once more, one at a time, for times without other load")


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
    latency: Latency | None = None
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
        if self.latency is None:
            unset["latency"] = True
        return combined_hash(self.model_dump_json(exclude=unset or None))[:16]

    @property
    def cache_path(self) -> Path:
        """Where replies are kept."""
        return self.cache or self.database.with_name("responses.sqlite")
