"""Arguments and argument types that several commands share."""

from __future__ import annotations

import argparse
from typing import Any

from workbench.errors import InputError


def positive(text: str) -> int:
    """An integer of at least 1."""
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("must be at least 1")
    return number


def money(text: str) -> float:
    """An amount of USD above 0."""
    amount = float(text)
    if not 0 < amount < float("inf"):
        raise argparse.ArgumentTypeError("must be more than 0")
    return amount


def port(text: str) -> int:
    """A TCP port, 1 to 65535."""
    number = int(text)
    if not 1 <= number <= 65_535:
        raise argparse.ArgumentTypeError("must be 1 to 65535")
    return number


def add_format(parser: argparse.ArgumentParser, *choices: str) -> None:
    """Add `--format`; the first choice is the default."""
    parser.add_argument("--format", choices=choices, default=choices[0])


def parse_options(items: list[str]) -> dict[str, Any]:
    """The options in `-o KEY=VALUE` arguments, with values read as YAML. Raises InputError."""
    import yaml

    options = {}
    for item in items:
        key, equals, value = item.partition("=")
        if not equals:
            raise InputError(f"option {item!r} has no value", field="--option", fix="write KEY=VALUE")
        options[key] = yaml.safe_load(value)
    return options
