"""`latency: {probe: N}`: some questions once more, one at a time."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import workbench as wb
from tests.llm.endpoint import Endpoint
from workbench.errors import InputError
from workbench.experiment.config import load


def experiment(endpoint: Endpoint, folder: Path, **more: Any) -> dict[str, Any]:
    return {
        "name": "probe",
        "database": str(folder / "log.duckdb"),
        "corpora": [{"world": {"tokens": 4_000, "contexts": 2, "questions": 16, "seed": 5}}],
        "models": [{f"server/m@{endpoint.url}": {"window": 32_768, "price": {"input": 1, "output": 4}}}],
        "pipelines": ["full_context", {"map_reduce": {"chunk_tokens": 1_500}}],
        "concurrency": 8,
        **more,
    }


def test_a_sample_is_asked_alone_and_has_a_column_of_its_own(tmp_path: Path) -> None:
    with Endpoint(delay_s=0.02) as endpoint:
        plain = experiment(endpoint, tmp_path)
        wb.run(plain, progress=False)
        before, endpoint.books.most_in_flight = endpoint.books.requests, 0
        done = wb.run({**plain, "latency": {"probe": 4}}, progress=False)
        probed = endpoint.books.requests - before
        assert endpoint.books.most_in_flight == 1  # one at a time, also the parts of a method
        again = wb.run({**plain, "latency": {"probe": 4}}, progress=False)
        assert (again.calls, endpoint.books.requests - before) == (0, probed)  # nothing is probed twice
    log = wb.open(done.database)
    assert probed == (log.calls()["phase"] == "probe").sum() > 4 * 2
    assert (done.answered, done.kept) == (0, 32)
    answers = log.answers()
    assert answers.groupby("pipeline")["unloaded_s"].count().tolist() == [4, 4]
    compared = wb.compare(done.database)
    rows = compared.table
    assert rows["unloaded_n"].tolist() == [4, 4]
    assert (rows["unloaded_p50_s"].astype(float) > 0).all()
    assert (rows["concurrency"].astype(float) > 1).all()  # the run's own times hold its load, and say so
    assert "one at a time p50/p95 s (n)" in compared.format()
    assert "in flight" in compared.format()


def test_what_is_probed_is_paid_and_counts_against_the_budget(tmp_path: Path) -> None:
    with Endpoint() as endpoint:
        given = experiment(endpoint, tmp_path, pipelines=["full_context"])
        first = wb.run(given, progress=False)
        done = wb.run({**given, "latency": {"probe": 6}, "budget": {"usd": first.spent_usd * 1.2}}, progress=False)
    assert done.exit_code == 4
    probes = wb.open(done.database).sql("SELECT * FROM probes")
    assert 1 <= len(probes) < 6
    assert done.spent_usd == pytest.approx(probes["cost_usd"].sum(), rel=1e-9)


def test_without_it_an_experiment_is_what_it_was() -> None:
    given = {"name": "old", "corpora": ["world"], "models": ["extractive"], "pipelines": ["full_context"]}
    assert load(given).experiment_id != load({**given, "latency": {"probe": 3}}).experiment_id
    for wrong in ({"probe": 0}, {"probe": True}, {"sample": 3}, 5):
        with pytest.raises(InputError):
            load({**given, "latency": wrong})
