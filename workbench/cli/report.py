"""`workbench report`: write the comparison as one HTML file."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

from workbench.cli.sources import add_choice, chosen, database_of
from workbench.errors import InputError


def add(command: Callable[..., argparse.ArgumentParser]) -> None:
    """Add the sub-command to the command line; `command(name, run, help)` makes its parser."""
    parser = command("report", run, "the comparison as one self-contained HTML file")
    add_choice(parser)
    parser.add_argument("-o", "--out", type=Path, default=Path("report.html"), metavar="FILE.html")


def run(arguments: argparse.Namespace) -> int:
    """Write the report and print its path."""
    from workbench import __version__
    from workbench.analysis.report import report
    from workbench.runlog.reader import RunLogReader

    if arguments.out.is_dir():
        raise InputError("is a folder", file=arguments.out, field="--out", fix="name a file, e.g. -o report.html")
    compared = chosen(arguments)
    configs = []
    for database, experiment in map(database_of, arguments.source):
        known = RunLogReader(database).experiments()
        wanted = experiment or arguments.experiment
        shown = known[(known["experiment_id"] == wanted) | (known["name"] == wanted)] if wanted else known.iloc[:1]
        configs += list(shown["config"])
    names = ", ".join(dict.fromkeys(database.name for database, _ in map(database_of, arguments.source)))
    page = report(compared, experiments=configs, made_by=f"made by workbench {__version__} from {names}")
    try:
        arguments.out.parent.mkdir(parents=True, exist_ok=True)
        arguments.out.write_text(page, encoding="utf-8")
    except OSError as error:
        raise InputError(f"cannot be written: {error.strerror}", file=arguments.out, field="--out") from error
    print(f"{arguments.out} ({arguments.out.stat().st_size / 1000:,.0f} kB)")
    return 0
