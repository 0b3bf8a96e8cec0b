"""`workbench plan`: estimate an experiment's calls, cost and time without calling a model."""

from __future__ import annotations

import argparse
import csv
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workbench.analysis.text_table import aligned
from workbench.cli.arguments import add_format, positive

if TYPE_CHECKING:
    from workbench.engine.plan import Plan


def add(command: Callable[..., argparse.ArgumentParser]) -> None:
    """Add the sub-command to the command line; `command(name, run, help)` makes its parser."""
    parser = command("plan", run, "what an experiment would call, cost and take; calls nothing")
    parser.add_argument("file", type=Path, metavar="FILE")
    parser.add_argument("--limit", type=positive, metavar="N", help="at most N questions per corpus")
    add_format(parser, "table", "json", "csv")


def run(arguments: argparse.Namespace) -> int:
    """Print the plan."""
    from workbench.engine.plan import plan

    made = plan(arguments.file, limit=arguments.limit)
    if arguments.format == "json":
        print(json.dumps(made.rows(), indent=2))
    elif arguments.format == "csv":
        _csv(made.rows())
    else:
        print(_plan_table(made))
    return 0


def _plan_table(made: Plan) -> str:
    header = [
        "pipeline",
        "model",
        "corpus",
        "questions",
        "calls",
        "prompt tokens",
        "reply tokens",
        "USD (range)",
        "time",
    ]
    rows = [
        [
            e.pipeline,
            e.model,
            e.corpus,
            f"{e.questions:,}",
            f"{e.calls:,.0f}",
            f"{e.prompt_tokens:,.0f}",
            f"{e.completion_tokens:,.0f}",
            f"{e.usd:.4f} ({e.usd_low:.4f} to {e.usd_high:.4f})" if e.priced else "no price known",
            _duration(e.seconds),
        ]
        for e in made.estimates
    ]
    lines = [aligned(header, rows)]
    lines.append(f"together: ${made.usd:.4f}, {_duration(made.seconds)}; nothing was called")
    lines.append(
        "calls and prompt tokens come from the methods themselves on sampled questions; reply lengths are assumed "
        "(range: a tenth of the budget to all of it); a prompt's beginning is cached where a run's own calls share it"
    )
    lines += [f"note: {note}" for note in made.notes]
    overflows = sum(e.overflows for e in made.estimates)
    if overflows:
        lines.append(
            f"warning: {overflows} sampled prompts would not fit the model's window and would be recorded as failed"
        )
    for e in made.estimates:
        if e.truncated:
            cut = f"{e.truncated} of {e.sampled} sampled questions would be asked of a cut context"
            lines.append(
                f"warning: {e.pipeline} on {e.model}: {cut}: its window is {e.window:,} tokens ({e.window_source})"
            )
    return "\n".join(lines)


def _duration(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.1f} s"
    if seconds < 5400:
        return f"{seconds / 60:.1f} min"
    return f"{seconds / 3600:.1f} h"


def _csv(rows: list[dict[str, Any]]) -> None:
    writer = csv.DictWriter(sys.stdout, fieldnames=list(rows[0]) if rows else [])
    writer.writeheader()
    writer.writerows(rows)
