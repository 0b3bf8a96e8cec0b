"""The catalogue of metrics, as users see it."""

from __future__ import annotations

import json

import pytest

from workbench.cli.main import main
from workbench.evaluation.metrics import metrics


def test_the_catalogue_lists_every_metric_once_with_what_it_needs(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["metrics", "--format", "json"]) == 0
    rows = {row["name"]: row for row in json.loads(capsys.readouterr().out)}
    assert {name for name in metrics() if not name.endswith("_lenient")} < set(rows)
    assert rows["babilong"]["needs"] == ["task", "question"]
    assert rows["babilong"]["lenient"] is True
    assert rows["choice_accuracy"]["needs"] == ["options"]
    assert all(row["about"] for row in rows.values())
    assert main(["metrics"]) == 0
    assert "recall@K" in capsys.readouterr().out
