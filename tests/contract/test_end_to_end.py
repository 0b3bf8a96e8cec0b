"""All methods in one experiment: the embedded reader on a generated world, from the file to the log."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.contract.test_every_method import PROBABLE, RUNNABLE
from workbench.engine.runner import RunSummary, run
from workbench.runlog.reader import RunLogReader

QUESTIONS = 3


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> RunSummary:
    folder = tmp_path_factory.mktemp("all")
    return run(
        {
            "name": "all-methods",
            "database": str(folder / "runs.duckdb"),
            "corpora": [{"world": {"tokens": 6_000, "contexts": 1, "questions": 7, "seed": 5}}],
            "models": [{"extractive": {"window": 2_048}}],
            "pipelines": RUNNABLE,
            "baseline": "full_context",
        },
        progress=False,
        limit=QUESTIONS,
    )


def test_every_method_answers_every_question_or_says_why_not(ran: RunSummary) -> None:
    answers = RunLogReader(Path(ran.database)).answers()
    assert set(answers["pipeline"]) == set(RUNNABLE)
    failed = answers[answers["status"] != "ok"]
    assert set(failed["pipeline"]) == set(PROBABLE)  # the embedded reader tells no probabilities
    assert failed["error"].str.contains("cannot tell token probabilities").all()
    assert (ran.answered, ran.failed) == (QUESTIONS * (len(RUNNABLE) - len(PROBABLE)), QUESTIONS * len(PROBABLE))
