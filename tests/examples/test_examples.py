"""Every example experiment runs as a user runs it, and so does the batch script."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT
from workbench.cli.main import main

FILES = sorted((ROOT / "examples").glob("*.yaml"))


@pytest.fixture
def examples(tmp_path: Path) -> Path:
    """A copy of the examples, so that their databases end beside it."""
    return Path(shutil.copytree(ROOT / "examples", tmp_path / "examples"))


@pytest.mark.parametrize("name", [path.name for path in FILES])
def test_an_example_is_planned_and_run(name: str, examples: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["plan", str(examples / name), "--limit", "7"]) == 0
    assert "nothing was called" in capsys.readouterr().out
    assert main(["run", str(examples / name), "--limit", "7"]) == 0
    assert "accuracy [95 %]" in capsys.readouterr().out
    assert main(["compare", str(examples / name), "--format", "csv"]) == 0
    assert capsys.readouterr().out.startswith("corpus,model,pipeline")


@pytest.mark.parametrize("name", ["locomo", "hotpotqa", "lara", "nq_open"])
def test_a_retrieval_report_is_printed(
    name: str, shared_data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """`workbench retrieve` over published data, where it is at hand; a few questions of each corpus."""
    text = (ROOT / "examples" / "retrieval_report" / f"{name}.yaml").read_text(encoding="utf-8")
    file = tmp_path / f"{name}.yaml"
    file.write_text(text.replace("../../../shared/data", str(shared_data)).replace("../../runs", str(tmp_path)))
    assert main(["retrieve", str(file), "--limit", "4", "--format", "json"]) == 0
    rows = json.loads(capsys.readouterr().out)["rows"]
    assert {row["retriever"].partition(",")[0] for row in rows} >= {"chunk_rag[retriever=dense"}
    assert all(row["questions"] == 4 for row in rows)
    assert max(row["recall_at_20"] for row in rows) > 0.5


def test_the_batch_script(tmp_path: Path) -> None:
    command = [sys.executable, str(ROOT / "examples" / "batch.py"), str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, "PYTHONPATH": str(ROOT)})
    assert done.returncode == 0, done.stderr
    assert "at 24,000 tokens: chunk_rag" in done.stdout
