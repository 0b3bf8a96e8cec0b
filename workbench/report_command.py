"""`workbench report`: the comparison as one HTML file."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from workbench.analysis.compare import Comparison


def add_report(command: Callable[..., argparse.ArgumentParser]) -> None:
    """Add the sub-command to the command line; `command(name, run, help)` makes its parser."""
    parser = command("report", run, "the comparison as one self-contained HTML file")
    add_choice(parser)
    parser.add_argument("-o", "--out", type=Path, default=Path("report.html"), metavar="FILE.html")


def add_choice(parser: argparse.ArgumentParser) -> None:
    """What is compared, as `compare` and `report` take it."""
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
    """The comparison that the arguments of `add_choice` name."""
    from corpora.benchmarks.exclusions import listed
    from workbench.analysis.compare import compare
    from workbench.cli import _database
    from workbench.errors import InputError

    found = [_database(source) for source in arguments.source]
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


def run(arguments: argparse.Namespace) -> int:
    """Write the report; prints where it is."""
    from workbench import __version__
    from workbench.analysis.report import report
    from workbench.cli import _database
    from workbench.errors import InputError
    from workbench.runlog.reader import RunLogReader

    if arguments.out.is_dir():
        raise InputError("is a folder", file=arguments.out, field="--out", fix="name a file, e.g. -o report.html")
    compared = chosen(arguments)
    configs = []
    for database, experiment in map(_database, arguments.source):
        known = RunLogReader(database).experiments()
        wanted = experiment or arguments.experiment
        shown = known[(known["experiment_id"] == wanted) | (known["name"] == wanted)] if wanted else known.iloc[:1]
        configs += list(shown["config"])
    names = ", ".join(dict.fromkeys(database.name for database, _ in map(_database, arguments.source)))
    page = report(compared, experiments=configs, made_by=f"made by workbench {__version__} from {names}")
    try:
        arguments.out.parent.mkdir(parents=True, exist_ok=True)
        arguments.out.write_text(page, encoding="utf-8")
    except OSError as error:
        raise InputError(f"cannot be written: {error.strerror}", file=arguments.out, field="--out") from error
    print(f"{arguments.out} ({arguments.out.stat().st_size / 1000:,.0f} kB)")
    return 0
