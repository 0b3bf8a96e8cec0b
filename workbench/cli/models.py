"""`workbench models`: list the model providers, and how to name a model."""

from __future__ import annotations

import argparse
from collections.abc import Callable

from workbench.cli.arguments import add_format
from workbench.cli.rows import print_rows


def add(command: Callable[..., argparse.ArgumentParser]) -> None:
    """Add the sub-command to the command line; `command(name, run, help)` makes its parser."""
    add_format(command("models", run, "the model providers, and how to name a model"), "table", "json")


def run(arguments: argparse.Namespace) -> int:
    """Print one row per provider."""
    from workbench.llm.providers.opening import providers

    print_rows([dict(row) for row in providers()], arguments.format)
    return 0
