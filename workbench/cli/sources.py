"""The arguments that name run logs and what to compare in them, and the comparison that they ask for."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from workbench.errors import InputError

if TYPE_CHECKING:
    from workbench.analysis.comparison import Comparison


def database_of(source: Path) -> tuple[Path, str | None]:
    """The database that an experiment file names, with the experiment's id; or a database path itself, with None."""
    if source.suffix in (".yaml", ".yml"):
        from workbench.experiment.config import load

        experiment = load(source)
        if not experiment.database.exists():
            raise InputError("has not been run yet", file=source, fix=f"run it first: workbench run {source}")
        return experiment.database, experiment.experiment_id
    if not source.is_file():
        problem = "is a folder" if source.is_dir() else "no such file"
        raise InputError(problem, file=source, fix="give an experiment file or a .duckdb file")
    from workbench.runlog.connection import check_kind

    check_kind(source)
    return source, None


def add_choice(parser: argparse.ArgumentParser) -> None:
    """Add the arguments that say what is compared, for `compare` and `report`."""
    parser.add_argument(
        "source", type=Path, nargs="+", metavar="FILE|DB",
        help="an experiment file or a .duckdb file; several are compared side by side",
    )  # fmt: skip
    parser.add_argument("--experiment", metavar="NAME", help="an experiment of the .duckdb file instead of the newest")
    parser.add_argument("--baseline", metavar="P", help="the pipeline that the others are tested against")
    parser.add_argument(
        "--by", metavar="LABEL", help="break down by task or another question label (hops, depth, context_tokens, …)"
    )
    parser.add_argument("--metric", metavar="NAME", help="score by this metric instead of each question's own")
    parser.add_argument(
        "--without", type=Path, metavar="FILE", help="leave out a list's questions: question_id, reason"
    )


def chosen(arguments: argparse.Namespace) -> Comparison:
    """The comparison that the arguments of `add_choice` ask for."""
    from corpora.benchmarks.exclusions import listed
    from workbench.analysis.compare import compare

    found = [database_of(source) for source in arguments.source]
    if arguments.experiment is not None and any(experiment for _, experiment in found):
        raise InputError(
            "an experiment file is an experiment already", field="--experiment", fix="give the .duckdb file instead"
        )
    return compare(
        [database for database, _ in found],
        experiment=[experiment or arguments.experiment for _, experiment in found],
        baseline=arguments.baseline, by=arguments.by, metric=arguments.metric,
        without=listed(arguments.without) if arguments.without is not None else None,
    )  # fmt: skip
