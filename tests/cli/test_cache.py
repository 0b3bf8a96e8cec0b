"""`workbench cache`: what is kept, made smaller, written out."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from workbench.cli.main import main

EXPERIMENT = """
name: small
database: runs.duckdb
corpora: [{world: {tokens: 4000, contexts: 1, questions: 7}}]
models: [extractive]
pipelines: [full_context, closed_book]
"""


def test_stats_export_and_prune(in_folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = in_folder / "experiment.yaml"
    file.write_text(EXPERIMENT)
    assert main(["cache", "stats", str(file)]) == 2
    assert "no such response cache" in capsys.readouterr().err
    assert main(["run", str(file), "--quiet"]) == 0
    assert main(["cache", "stats", str(file), "--format", "json"]) == 0
    stats = json.loads(capsys.readouterr().out)
    assert stats["models"][0]["replies"] == 14
    assert main(["cache", "export", str(in_folder / "responses.sqlite")]) == 0
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert len(rows) == 14
    assert all(row["request"]["messages"][0]["content"] and row["completion"]["prompt_tokens"] for row in rows)
    assert main(["cache", "prune", str(file), "--max", "5k"]) == 0
    assert main(["cache", "stats", str(file), "--format", "json"]) == 0
    assert json.loads(capsys.readouterr().out.partition("\n")[2])["bytes"] <= 5_000
    assert main(["cache", "prune", str(file), "--max", "many"]) == 2
    capsys.readouterr()
    assert main(["cache", "export", str(file), "-o", str(in_folder / "nowhere" / "replies.jsonl")]) == 2
    assert "cannot be written: No such file" in capsys.readouterr().err


def test_a_limit_of_the_experiment_file_holds_and_makes_it_no_other_experiment(in_folder: Path) -> None:
    import workbench as wb
    from workbench.experiment.config import load
    from workbench.llm.cache import ResponseCache

    file = in_folder / "experiment.yaml"
    file.write_text(EXPERIMENT)
    unlimited = load(file).experiment_id
    file.write_text(EXPERIMENT + "cache_limit: 5k\n")
    assert (load(file).cache_limit, load(file).experiment_id) == (5_000, unlimited)
    assert wb.run(file, progress=False).answered == 14
    with ResponseCache(in_folder / "responses.sqlite") as cache:
        assert 0 < cache.size() <= 5_000
    for wrong in ("much", "-1", "true"):
        file.write_text(EXPERIMENT + f"cache_limit: {wrong}\n")
        assert main(["plan", str(file)]) == 2
