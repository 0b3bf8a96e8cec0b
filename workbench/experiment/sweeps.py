"""The configured pipelines of an experiment: names and options checked, sweeps expanded."""

from __future__ import annotations

import dataclasses
import itertools
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, get_type_hints

from pydantic import TypeAdapter, ValidationError

from workbench import catalogue
from workbench.errors import InputError, UnknownName
from workbench.experiment.identity import code_hash, prompts_hash
from workbench.experiment.number_fields import refuse_booleans
from workbench.experiment.schema import Entry, Experiment
from workbench.experiment.wrong_values import known, shown
from workbench.text import combined_hash


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
    cls = known(catalogue.pipeline, entry.name, experiment, field)
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
                raise InputError(problem, file=experiment.source, field=field, fix=shown(value)) from error
        try:
            built: Any = TypeAdapter(cls).validate_python(chosen)
        except ValidationError as error:
            first = error.errors()[0]
            option = ".".join(str(part) for part in first["loc"]) or entry.name
            raise InputError(
                f"{option} is wrong: {first['msg']}",
                file=experiment.source,
                field=field,
                fix=shown(first.get("input")),
            ) from error
        except InputError as error:  # the method's own checks name the option
            raise InputError(
                error.problem, file=experiment.source, field=_inner(field, error), fix=error.fix
            ) from error
        except ValueError as error:
            raise InputError(f"{entry.name}: {error}", file=experiment.source, field=field) from error
        config = {name: getattr(built, name) for name in fields}
        named = ",".join(f"{name}={value}" for name, value in chosen.items())
        yield Variant(entry.name, f"{entry.name}[{named}]" if named else entry.name, built, config)


# options of a model whose value may itself be a mapping of swept values, or a list
_NESTED, _LISTS = ("reasoning", "cache"), ("extra_body", "headers", "price", "gpu_hour")


def swept_models(entry: Entry, source: Path | None, field: str) -> Iterator[tuple[str, Entry]]:
    """The models of a `models:` entry: a list as a value is a sweep, as it is for pipelines, also inside of `reasoning`
    and `cache`. Each comes with its name, which holds what is swept. Raises InputError for an empty list."""
    axes: list[tuple[tuple[str, ...], list[Any]]] = []
    for name, value in entry.options.items():
        inner = value.items() if name in _NESTED and isinstance(value, Mapping) else ()
        found = [((name,), value)] if isinstance(value, list) and name not in _LISTS else []
        for path, values in (*found, *(((name, str(key)), item) for key, item in inner if isinstance(item, list))):
            if not values:
                fix = "give one value, or several to sweep"
                raise InputError(f"{'.'.join(path)} is an empty list", file=source, field=field, fix=fix)
            axes.append((path, values))
    for chosen in itertools.product(*(values for _, values in axes)):
        options = {name: dict(value) if isinstance(value, Mapping) else value for name, value in entry.options.items()}
        for (path, _), value in zip(axes, chosen, strict=True):
            holder = options if len(path) == 1 else options[path[0]]
            holder[path[-1]] = value
        named = ",".join(f"{path[0]}={_told(value)}" for (path, _), value in zip(axes, chosen, strict=True))
        yield (f"{entry.name}[{named}]" if named else entry.name), Entry(name=entry.name, options=options)


def _told(value: Any) -> str:
    """A swept value as part of a name; YAML reads `off` as false."""
    if isinstance(value, Mapping):
        return " ".join(f"{name}:{_told(item)}" for name, item in value.items())
    return "off" if value is False else str(value)


def _hints(cls: type) -> dict[str, Any]:
    try:
        return get_type_hints(cls)
    except NameError:  # a name that only type checkers import; pydantic resolves what it needs
        return {}


def _inner(field: str, error: InputError) -> str:
    return f"{field}.{error.field}" if error.field else field
