"""The experiment file: YAML or a mapping, checked whole before anything is opened, called or written.

Every mistake is one `InputError` naming the file, the field and the fix.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from corpora.benchmarks import exclusions
from workbench.errors import InputError, UnknownName
from workbench.experiment.checks import checked
from workbench.experiment.schema import Budget, Entry, Experiment, Hygiene
from workbench.experiment.wrong_values import shown

__all__ = ["Experiment", "load"]

_EXCLUDING = frozenset({"locomo", "longmemeval"})  # the corpora with an option `exclude` of their own


def load(source: str | Path | Mapping[str, Any] | Experiment) -> Experiment:
    """Read and check an experiment; relative paths are relative to the file.

    Raises InputError for a missing file, bad YAML, a wrong field, an unknown pipeline, corpus or metric.
    """
    if isinstance(source, Experiment):
        return checked(_with_exclusions_read(source, Path()))
    if isinstance(source, Mapping):
        return checked(_with_exclusions_read(_validate(dict(source), None), Path()))
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
    return checked(_with_exclusions_read(experiment.model_copy(update={**moved, "corpora": corpora}), base))


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
        raise InputError(f"is wrong: {reason}", file=path, field=field, fix=shown(first.get("input"))) from error
