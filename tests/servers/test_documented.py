"""docs/providers.md is what the tables say. `WRITE_DOCS=1 pytest tests/servers -k documented` rewrites it."""

from __future__ import annotations

import os

from tests.servers.documented import PAGE, page
from tests.servers.table import WIRES
from workbench.llm.known_providers import PROVIDERS

NOT_IMITATED = {"bedrock"}


def test_the_documented_providers_are_those_of_the_tables() -> None:
    made = page()
    if os.environ.get("WRITE_DOCS"):
        PAGE.write_text(made, encoding="utf-8")
    assert PAGE.read_text(encoding="utf-8") == made, "run this test with WRITE_DOCS=1"


def test_the_documented_lines_are_short_and_every_provider_has_its_wire() -> None:
    assert [line for line in page().splitlines() if len(line) > 140 and not line.startswith("| ")] == []
    assert {wire.provider for wire in WIRES.values()} == set(PROVIDERS) - NOT_IMITATED
