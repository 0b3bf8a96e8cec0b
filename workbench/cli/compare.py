"""`workbench compare`: print the leaderboard."""

from __future__ import annotations

import argparse
from collections.abc import Callable

from workbench.cli.arguments import add_format
from workbench.cli.sources import add_choice, chosen
from workbench.errors import InputError


def add(command: Callable[..., argparse.ArgumentParser]) -> None:
    """Add the sub-command to the command line; `command(name, run, help)` makes its parser."""
    parser = command("compare", run, "the leaderboard, with intervals and paired tests")
    add_choice(parser)
    parser.add_argument("--part", choices=("table", "tasks", "figures"), help="what csv is of; by default the table")
    add_format(parser, "table", "json", "csv", "md")


def run(arguments: argparse.Namespace) -> int:
    """Print the comparison."""
    if arguments.part is not None and arguments.format != "csv":
        fix = "json holds all parts, and table and md show them"
        raise InputError(f"chooses what --format csv is of, not {arguments.format}", field="--part", fix=fix)
    print(chosen(arguments).format(arguments.format, arguments.part or "table"))
    return 0
