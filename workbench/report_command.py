"""`workbench report`: the comparison as one HTML file."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path


def add_report(command: Callable[..., argparse.ArgumentParser]) -> None:
    """Add the sub-command to the command line; `command(name, run, help)` makes its parser."""
    parser = command("report", run, "the comparison as one self-contained HTML file")
    parser.add_argument("source", type=Path, metavar="FILE|DB", help="an experiment file, or a .duckdb file")
    parser.add_argument("-o", "--out", type=Path, default=Path("report.html"), metavar="FILE.html")
    parser.add_argument("--baseline", metavar="P", help="the pipeline that the others are tested against")
    parser.add_argument("--by", metavar="LABEL", help="break down by task or another question label")
    parser.add_argument("--metric", metavar="NAME", help="score by this metric instead of each question's own")
    parser.add_argument(
        "--without", type=Path, metavar="FILE", help="leave out a list's questions: question_id, reason"
    )


def run(arguments: argparse.Namespace) -> int:
    """Write the report; prints where it is."""
    from corpora.benchmarks.exclusions import listed
    from workbench import __version__
    from workbench.analysis.compare import compare
    from workbench.analysis.report import report
    from workbench.cli import _database
    from workbench.errors import InputError
    from workbench.runlog.reader import RunLogReader

    if arguments.out.is_dir():
        raise InputError("is a folder", file=arguments.out, field="--out", fix="name a file, e.g. -o report.html")
    database, experiment = _database(arguments.source)
    compared = compare(
        database, experiment=experiment, baseline=arguments.baseline, by=arguments.by, metric=arguments.metric,
        without=listed(arguments.without) if arguments.without is not None else None,
    )  # fmt: skip
    known = RunLogReader(database).experiments()
    chosen = known[known["experiment_id"] == experiment] if experiment else known
    config = chosen["config"].iloc[0] if len(chosen) else None
    made_by = f"made by workbench {__version__} from {database.name}"
    page = report(compared, experiment=config, made_by=made_by)
    try:
        arguments.out.parent.mkdir(parents=True, exist_ok=True)
        arguments.out.write_text(page, encoding="utf-8")
    except OSError as error:
        raise InputError(f"cannot be written: {error.strerror}", file=arguments.out, field="--out") from error
    print(f"{arguments.out} ({arguments.out.stat().st_size / 1000:,.0f} kB)")
    return 0
