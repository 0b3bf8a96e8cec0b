"""docs/output.md names the columns that scripts get, all of them."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path

from tests.conftest import ROOT
from workbench.analysis.compare import compare
from workbench.engine.plan import Estimate

TEXT = (ROOT / "docs" / "output.md").read_text(encoding="utf-8")


def section(start: str, end: str) -> str:
    return TEXT[TEXT.index(start) : TEXT.index(end)]


def names(text: str) -> set[str]:
    """Every name in code quotes, lists of names taken apart."""
    return {name for quoted in re.findall(r"`([^`]+)`", text) for name in re.split(r",\s+", quoted)}


def test_every_column_of_a_comparison_is_documented(demo_database: Path) -> None:
    made = compare(demo_database)
    table = section("| column | meaning |", "`tasks`, one row")
    first_cells = "".join(line.split("|")[1] for line in table.splitlines() if line.startswith("| `"))
    assert names(first_cells) == set(made.table.columns)
    assert names(section("`tasks`, one row", "`figures`, one row")) >= set(made.tasks.columns)


def test_every_column_of_a_plan_is_documented() -> None:
    told = names(section("## `workbench plan", "## The run log"))
    assert told >= {field.name for field in dataclasses.fields(Estimate)}
