"""Every method can be planned: its calls are counted without one being made."""

from __future__ import annotations

from tests.contract.test_every_method import PROBABLE, RUNNABLE
from workbench.engine.plan import plan
from workbench.experiment.config import load


def test_a_plan_counts_the_calls_of_every_method() -> None:
    made = plan(
        load(
            {
                "name": "all",
                "corpora": [{"world": {"tokens": 4_000, "contexts": 1, "questions": 7, "seed": 5}}],
                "models": [{"extractive": {"window": 2_048}}],
                "pipelines": RUNNABLE,
                "baseline": "full_context",
            }
        ),
        limit=1,
    )
    calls = {row["pipeline"]: row["calls"] for row in made.rows()}
    assert set(calls) == set(RUNNABLE)
    assert {name for name, number in calls.items() if not number} == set(PROBABLE)  # this reader cannot run them
