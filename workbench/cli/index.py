"""`workbench index`: list, verify or prune the indexes that experiments keep beside their database."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from workbench.errors import InputError


def add(command: Callable[..., argparse.ArgumentParser]) -> None:
    """Add `index list | verify | prune`."""
    actions = command("index", None, "the kept indexes: what they are, whether they are whole, make them fewer")
    commands = actions.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for name, run, about in (
        ("list", run_list, "kind, size, last use and facts of each index"),
        ("verify", run_verify, "compare every file with its checksum; exit 1 when something is damaged"),
        ("prune", run_prune, "drop what nothing can use, and with --max those unused for longest"),
    ):
        parser = commands.add_parser(name, help=about, description=about)
        parser.set_defaults(run=run)
        parser.add_argument(
            "source", type=Path, metavar="FILE|FOLDER", help="an experiment file or a folder of indexes"
        )
        if name == "list":
            parser.add_argument("--format", choices=("table", "json"), default="table")
        if name == "prune":
            parser.add_argument("--max", metavar="SIZE", help="bytes to keep, as 500M or 2G")


def run_list(arguments: argparse.Namespace) -> int:
    """Print the kept indexes."""
    from datetime import UTC, datetime

    from workbench.retrieval.indexes.inventory import inventory, total
    from workbench.retrieval.indexes.parts import FORMAT

    folder = _folder(arguments.source)
    kept = inventory(folder, FORMAT)
    rows: list[dict[str, Any]] = [
        {
            "name": one.path.name,
            "kind": one.kind,
            "state": one.state,
            "bytes": one.bytes,
            "used": datetime.fromtimestamp(one.used, UTC).isoformat(timespec="seconds"),
            "facts": one.facts,
        }
        for one in kept
    ]
    if arguments.format == "json":
        print(json.dumps({"path": str(folder), "bytes": total(kept), "indexes": rows}, indent=2))
        return 0
    for row in rows:
        facts = ", ".join(f"{name} {value}" for name, value in one_line(row["facts"]).items())
        print(f"{row['name']}: {row['state']}, {row['bytes']:,} bytes, used {row['used']}{facts and f' ({facts})'}")
    print(f"{folder}: {len(rows):,} kept, {total(kept):,} bytes")
    return 0


def one_line(facts: Mapping[str, Any]) -> dict[str, Any]:
    """The main facts of an index: number of chunks or texts, embedder, kind of dense index and its recall."""
    return {
        name: value for name, value in facts.items() if name in ("chunks", "texts", "kind", "recall_at_10", "embedder")
    }


def run_verify(arguments: argparse.Namespace) -> int:
    """Compare the files with their checksums; exit code 1 when an index is damaged."""
    from workbench.retrieval.indexes.inventory import inventory
    from workbench.retrieval.indexes.parts import FORMAT

    kept = inventory(_folder(arguments.source), FORMAT, verify=True)
    damaged = [one for one in kept if one.state == "damaged"]
    for one in kept:
        if one.state != "whole":
            print(f"{one.path.name}: {one.state}")
    whole = sum(one.state == "whole" for one in kept)
    print(f"{whole:,} whole, {len(damaged):,} damaged, {len(kept) - whole - len(damaged):,} of no use")
    if damaged:
        print("damaged indexes are built again when they are needed; `workbench index prune` removes them now")
    return 1 if damaged else 0


def run_prune(arguments: argparse.Namespace) -> int:
    """Remove unusable indexes, and with `--max` the least recently used ones."""
    from workbench.experiment.number_fields import bytes_of
    from workbench.retrieval.indexes.inventory import inventory, prune, total
    from workbench.retrieval.indexes.parts import FORMAT

    folder = _folder(arguments.source)
    most = None if arguments.max is None else bytes_of(arguments.max, field="--max")
    before = total(inventory(folder, FORMAT))
    dropped = prune(folder, FORMAT, most=most)
    for one in dropped:
        print(f"{one.path.name}: {one.state}, {one.bytes:,} bytes")
    print(f"{len(dropped):,} dropped; {before:,} bytes before, {total(inventory(folder, FORMAT)):,} now")
    return 0


def _folder(source: Path) -> Path:
    folder = source
    if source.suffix in (".yaml", ".yml"):
        from workbench.experiment.config import load

        folder = load(source).database.parent / "indexes"
    if not folder.is_dir():
        raise InputError("no indexes are kept there", file=folder, fix="run an experiment first, or give their folder")
    return folder
