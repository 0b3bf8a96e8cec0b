"""`workbench pipelines` says of every method what it is, what it costs, how it goes and what it needs."""

from __future__ import annotations

import dataclasses
import json

import pytest

from tests.contract.test_every_method import METHODS
from workbench.cli.main import main


def test_the_listing_holds_every_card(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["pipelines", "--format", "json"]) == 0
    rows = {row["name"]: row for row in json.loads(capsys.readouterr().out)}
    assert set(METHODS) <= set(rows)
    for name, method in METHODS.items():
        card, row = method.card, rows[name]
        assert (row["calls"], row["stages"], row["paper"]) == (card.cost, card.stages, card.url)
        assert row["needs"] == ", ".join(card.requires)
        assert list(row["options"]) == [field.name for field in dataclasses.fields(method)]
