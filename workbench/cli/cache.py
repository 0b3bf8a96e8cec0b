"""`workbench cache`: show, prune or export the response cache."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from workbench.errors import InputError

if TYPE_CHECKING:
    from workbench.llm.cache import ResponseCache


def add(command: Callable[..., argparse.ArgumentParser]) -> None:
    """Add `cache stats | prune | export`."""
    actions = command("cache", None, "the response cache: what it holds, make it smaller, write it out")
    commands = actions.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for name, run, about in (
        ("stats", run_stats, "replies and bytes by model"),
        ("prune", run_prune, "drop the replies unused for longest until a size is kept"),
        ("export", run_export, "every reply with its request, one JSON object a line"),
    ):
        parser = commands.add_parser(name, help=about, description=about)
        parser.set_defaults(run=run)
        parser.add_argument("source", type=Path, metavar="FILE|CACHE", help="an experiment file or a .sqlite file")
        if name == "stats":
            parser.add_argument("--format", choices=("table", "json"), default="table")
        if name == "prune":
            parser.add_argument("--max", required=True, metavar="SIZE", help="bytes to keep, as 500M or 2G")
        if name == "export":
            parser.add_argument("-o", "--output", type=Path, metavar="FILE", help="default: standard output")


def run_stats(arguments: argparse.Namespace) -> int:
    """Print replies and bytes by model."""
    from datetime import UTC, datetime

    with _cache(arguments.source) as cache:
        rows, size = cache.stats(), cache.size()
    for row in rows:
        for when in ("first", "last"):
            row[when] = datetime.fromtimestamp(float(str(row[when])), UTC).isoformat(timespec="seconds")
    if arguments.format == "json":
        print(json.dumps({"path": str(cache.path), "bytes": size, "models": rows}, indent=2))
        return 0
    for row in rows:
        print(f"{row['model']}: {row['replies']:,} replies, {row['bytes']:,} bytes, {row['first']} to {row['last']}")
    print(f"{cache.path}: {sum(int(str(row['replies'])) for row in rows):,} replies, {size:,} bytes with their prompts")
    return 0


def run_prune(arguments: argparse.Namespace) -> int:
    """Drop the least recently used replies until the given size is left."""
    from workbench.experiment.number_fields import bytes_of

    most = bytes_of(arguments.max, field="--max")
    with _cache(arguments.source) as cache:
        before = cache.size()
        dropped = cache.prune(most)
        print(f"{dropped:,} replies dropped; {before:,} bytes before, {cache.size():,} now")
    return 0


def run_export(arguments: argparse.Namespace) -> int:
    """Write every reply with its request as JSON lines."""
    with _cache(arguments.source) as cache:
        if arguments.output is None:
            for row in cache.export():
                sys.stdout.write(json.dumps(row, ensure_ascii=False) + "\n")
            return 0
        count = 0
        try:
            file = arguments.output.open("w", encoding="utf-8")
        except OSError as error:
            fix = "name a file in a folder that is there"
            raise InputError(f"cannot be written: {error.strerror}", file=arguments.output, fix=fix) from error
        with file:
            for row in cache.export():
                file.write(json.dumps(row, ensure_ascii=False) + "\n")
                count += 1
    print(f"{count:,} replies written to {arguments.output}")
    return 0


def _cache(source: Path) -> ResponseCache:
    from workbench.llm.cache import ResponseCache

    path = source
    if source.suffix in (".yaml", ".yml"):
        from workbench.experiment.config import load

        path = load(source).cache_path
    if not path.is_file():
        raise InputError("no such response cache", file=path, fix="run an experiment first, or give the .sqlite file")
    return ResponseCache(path)
