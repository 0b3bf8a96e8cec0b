"""Check that an experiment's files can be written, before anything is opened, called or created."""

from __future__ import annotations

import os
from pathlib import Path
from typing import NoReturn

from workbench.errors import InputError, StoreError
from workbench.experiment.schema import Experiment

_SQLITE = b"SQLite format 3\x00"


def check_places(experiment: Experiment) -> None:
    """Check the run log and the response cache. Raises InputError naming the field and the fix: a folder, a path below
    a file, no right to write, or a file of something else."""
    database, cache = experiment.database, experiment.cache_path
    _check_path(database, "database", "runs/workbench.duckdb", experiment)
    _check_path(cache, "cache", "runs/responses.sqlite", experiment)
    if database.resolve() == cache.resolve():
        raise InputError("is the response cache, too", file=experiment.source, field="database", fix="name two files")
    if database.exists():
        _check_database(database, experiment)
    if cache.exists() and cache.stat().st_size and _first_bytes(cache) != _SQLITE:
        _refuse(cache, "is no response cache", "cache", experiment)


def _check_path(path: Path, field: str, example: str, experiment: Experiment) -> None:
    fix = f"name a file, e.g. {field}: {example}"
    if path.is_dir():
        raise InputError(f"{path} is a folder", file=experiment.source, field=field, fix=fix)
    nearest = path if path.exists() else next(parent for parent in path.resolve().parents if parent.exists())
    if nearest != path and not nearest.is_dir():
        raise InputError(f"{path}: {nearest} is a file, no folder", file=experiment.source, field=field, fix=fix)
    if not os.access(nearest, os.W_OK):
        raise InputError(f"{path} cannot be written", file=experiment.source, field=field, fix="see its permissions")


def _first_bytes(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(len(_SQLITE))


def _check_database(path: Path, experiment: Experiment) -> None:
    from workbench.runlog.reader import tables_of

    try:
        tables = tables_of(path)
    except StoreError as error:
        if "in use" in str(error):
            raise
        _refuse(path, "is no DuckDB database", "database", experiment)
    if tables and "migrations" not in tables:
        _refuse(path, f"is a database of something else, with a table {min(tables)!r}", "database", experiment)


def _refuse(path: Path, problem: str, field: str, experiment: Experiment) -> NoReturn:
    raise InputError(f"{path} {problem}", file=experiment.source, field=field, fix="name another file")
