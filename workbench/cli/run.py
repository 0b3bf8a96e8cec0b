"""`workbench run`: run what is missing of an experiment and record it."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from workbench.cli.arguments import money, positive

if TYPE_CHECKING:
    from workbench.engine.runner import RunSummary

# how a reason to stop names the line of the experiment that mends it
UNDER_MODELS, IN_EXPERIMENT = " — write under models: ", " — write in the experiment: "


def add(command: Callable[..., argparse.ArgumentParser]) -> None:
    """Add the sub-command to the command line; `command(name, run, help)` makes its parser."""
    parser = command("run", run, "run what is missing of an experiment, with progress")
    parser.add_argument("file", type=Path, metavar="FILE")
    parser.add_argument("--limit", type=positive, metavar="N", help="at most N questions per corpus")
    parser.add_argument("--fresh", action="store_true", help="ask again, also what is answered or cached")
    parser.add_argument("--usd", type=money, metavar="X", help="stop at X USD, whatever budget the file gives")
    parser.add_argument(
        "--keep-going", action="store_true", help="also when a run's first ten answers are all empty, cut or refused"
    )
    parser.add_argument("--quiet", action="store_true", help="no progress bar and no table at the end")


def run(arguments: argparse.Namespace) -> int:
    """Run with a progress bar, then print the leaderboard; returns the run's exit code."""
    from workbench.engine.runner import run as run_experiment
    from workbench.experiment.config import load

    experiment = load(arguments.file)
    summary = run_experiment(
        experiment,
        limit=arguments.limit,
        fresh=arguments.fresh,
        progress=not arguments.quiet,
        usd=arguments.usd,
        keep_going=arguments.keep_going,
    )
    if not arguments.quiet:
        from workbench.analysis.compare import compare

        if summary.answered + summary.failed + summary.kept:
            print(compare(summary.database, experiment=summary.experiment_id).format("table"))
        print(_summary_line(summary))
        print(f"next: workbench ui {summary.database}   (or: workbench compare {arguments.file} --by task)")
    if summary.stopped:
        left = f"{summary.left:,} questions not asked" if summary.left != 1 else "1 question not asked"
        print(f"workbench: stopped: {summary.stopped}, {left}; raise it, and the same command goes on", file=sys.stderr)
    for refusal in summary.refused:
        told, mends, line = _mending(refusal)
        print(f"workbench: {told}; {mends}", file=sys.stderr)
        if line:
            print(line, file=sys.stderr)
    return summary.exit_code


def _mending(refusal: str) -> tuple[str, str, str]:
    """Why a run was stopped, what to do, and the line to write, alone on its own line so that it can be copied."""
    for mark, place in ((UNDER_MODELS, "under models:"), (IN_EXPERIMENT, "in the experiment:")):
        told, found, line = refusal.partition(mark)
        if found:
            return told, f"the same command goes on when this line stands {place}", line
    return refusal, "mend that, and the same command goes on", ""


def _summary_line(summary: RunSummary) -> str:
    return (
        f"{summary.answered} answered, {summary.failed} failed, {summary.kept} kept from before; "
        f"{summary.calls:,} calls and {summary.replayed:,} replayed, ${summary.spent_usd:.4f} spent, "
        f"{summary.wall_s:.1f} s"
    )
