"""A log with everything a page has to show: answers, failures, truncation, several tasks."""

from __future__ import annotations

from pathlib import Path

import pytest

import workbench as wb


@pytest.fixture(scope="session")
def database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small real run; `full_context[truncate=never]` fails on every question that is over the window."""
    path = tmp_path_factory.mktemp("ui") / "runs.duckdb"
    wb.run(
        {
            "name": "pages",
            "database": str(path),
            "corpora": [{"world": {"tokens": 10000, "contexts": 2, "questions": 14}}],
            "models": [{"extractive": {"price_as": "gpt-4o-mini"}}],
            "pipelines": [
                "full_context",
                "chunk_rag",
                "chain_of_agents",
                "oracle",
                {"full_context": {"truncate": "never"}},
            ],
        },
        progress=False,
    )
    return path
