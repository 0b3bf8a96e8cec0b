"""Reading while another process writes."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import workbench as wb
from tests.conftest import ROOT


def test_the_log_can_be_read_while_a_run_writes_it(tmp_path: Path) -> None:
    database = tmp_path / "runs.duckdb"
    file = tmp_path / "experiment.yaml"
    file.write_text(
        f"name: live\ndatabase: {database}\n"
        "corpora: [{world: {tokens: 16000, contexts: 3, questions: 63}}]\n"
        "models: [extractive]\npipelines: [full_context, chunk_rag, map_reduce, chain_of_agents]\n"
    )
    command = [sys.executable, "-m", "workbench.cli", "run", str(file), "--quiet"]
    writer = subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True)
    log = wb.open(database)
    seen = [0]
    while writer.poll() is None:
        if log.exists:
            seen.append(len(log.answers()))
            assert len(log.runs()) in (0, 4)
        time.sleep(0.05)
    assert writer.returncode == 0, writer.stderr.read() if writer.stderr else ""
    seen.append(len(log.answers()))
    assert seen == sorted(seen)
    assert seen[-1] == 4 * 63
    assert len(set(seen)) >= 4  # read on the way, not only before and after


def test_two_runs_of_one_experiment_at_once_end_as_one(tmp_path: Path) -> None:
    file = tmp_path / "experiment.yaml"
    file.write_text(
        "name: twice\ndatabase: runs.duckdb\ncorpora: [{world: {tokens: 6000, contexts: 2, questions: 14}}]\n"
        "models: [extractive]\npipelines: [full_context, chunk_rag]\n"
    )
    command = [sys.executable, "-m", "workbench.cli", "run", str(file), "--quiet"]
    both = [subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True) for _ in range(2)]
    for process in both:
        _, errors = process.communicate(timeout=120)
        assert process.returncode == 0, errors
    answers = wb.open(tmp_path / "runs.duckdb").answers()
    assert len(answers) == 2 * 14
    assert set(answers["status"]) == {"ok"}
