"""`workbench conformance`: compare our metrics with the official scorers."""

from __future__ import annotations

import argparse
import csv
import io
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from workbench.analysis.text_table import markdown, table
from workbench.errors import InputError


def add(command: Callable[..., argparse.ArgumentParser]) -> None:
    """Add the sub-command to the command line; `command(name, run, help)` makes its parser."""
    parser = command("conformance", run, "our metrics against the official scorers: official, ours, difference")
    parser.add_argument(
        "--data", type=Path, metavar="DIR", help="folder of published predictions (default: ../shared/data, if there)"
    )
    parser.add_argument("--summary", action="store_true", help="one line per benchmark")
    parser.add_argument("--format", choices=("table", "json", "csv", "md"), default="table")


def run(arguments: argparse.Namespace) -> int:
    """Print the table; exit code 1 when a case differs, 2 when the given folder does not exist."""
    from workbench.conformance.table import NO_OFFICIAL, conformance, summary

    rows = conformance(_folder(arguments.data))
    shown = summary(rows) if arguments.summary else [_line(row.as_dict(), arguments.format) for row in rows]
    print(_formatted(shown, arguments.format))
    compared = [row for row in rows if row.difference is not None]
    differing = [row for row in compared if not row.agrees]
    if arguments.format in ("table", "md"):
        answers = sum(row.n for row in compared)
        print(f"\n{len(compared)} cases over {answers:,} answers compared, {len(differing)} differ", end="")
        shown_alone = sum(row.note == NO_OFFICIAL for row in rows)
        print(f"; {shown_alone} more have {NO_OFFICIAL}" if shown_alone else "", end="")
        missing = len(rows) - len(compared) - shown_alone
        print(f"; {missing} replays not compared: no such files (give --data DIR)" if missing else "")
    return 1 if differing else 0


def _folder(given: Path | None) -> Path | None:
    if given is not None:
        if not given.is_dir():
            raise InputError("no such folder", file=given, field="--data", fix="give the folder of predictions")
        return given
    from workbench.conformance.table import predictions_folder

    return predictions_folder()


def _line(row: dict[str, Any], format: str) -> dict[str, Any]:
    if format in ("json", "csv"):
        return row
    keep = ("kind", "benchmark", "case", "system", "n", "official", "ours", "difference")
    line = {name: "" if row[name] is None else row[name] for name in keep}
    if row["ours"] is None:
        return line | {"ours": row["note"]}
    return line | {"official": line["official"] if row["official"] is not None else row["note"]}


def _formatted(rows: Sequence[dict[str, Any]], format: str) -> str:
    header = list(rows[0])
    if format == "json":
        return json.dumps(rows, indent=2, ensure_ascii=False)
    if format == "csv":
        written = io.StringIO()
        writer = csv.DictWriter(written, fieldnames=header, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
        return written.getvalue().rstrip("\n")
    if format == "table":
        return table(rows)
    return markdown(header, [[str(value) for value in row.values()] for row in rows])
