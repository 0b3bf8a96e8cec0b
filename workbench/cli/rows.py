"""Printing rows, shared by the listing commands."""

from __future__ import annotations

import json
from typing import Any

from workbench.analysis.text_table import table


def print_rows(rows: list[dict[str, Any]], format: str) -> None:
    """Print rows as a table, or as JSON."""
    if format == "json":
        print(json.dumps(rows, indent=2, default=str))
    elif rows:
        print(table(rows))
