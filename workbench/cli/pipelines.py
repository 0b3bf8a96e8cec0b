"""`workbench pipelines`: list the methods, with paper, stages and cost formula."""

from __future__ import annotations

import argparse
from collections.abc import Callable

from workbench.cli.arguments import add_format
from workbench.cli.rows import print_rows


def add(command: Callable[..., argparse.ArgumentParser]) -> None:
    """Add the sub-command to the command line; `command(name, run, help)` makes its parser."""
    add_format(command("pipelines", run, "the methods, with paper, stages and cost formula"), "table", "json")


def run(arguments: argparse.Namespace) -> int:
    """Print one row per method."""
    import dataclasses

    from workbench import catalogue

    rows = []
    for name, cls in catalogue.pipelines().items():
        card = cls.card  # type: ignore[attr-defined]
        options = {f.name: None if f.default is dataclasses.MISSING else f.default for f in dataclasses.fields(cls)}
        row = {
            "name": name,
            "title": card.title,
            "family": catalogue.family(cls),
            "calls": card.cost,
            "stages": card.stages,
        }
        row |= {"needs": ", ".join(card.requires), "paper": card.url}
        rows.append({**row, "options": options} if arguments.format == "json" else row)
    print_rows(rows, arguments.format)
    return 0
