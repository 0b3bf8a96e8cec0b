"""A run whose process was killed is interrupted, not running for ever."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

import workbench as wb
from tests.conftest import ROOT
from workbench.errors import StoreError
from workbench.runlog.process import is_gone, this_process
from workbench.runlog.store import RunLog

KILLED = """
import os, signal, sys
import workbench as wb
from workbench.runlog.store import RunLog

log = RunLog(sys.argv[1])
log.add_experiment(experiment_id="e", name="killed", config={})
log.add_run(run_id="r", experiment_id="e", position=0, pipeline="chunk_rag", method="chunk_rag", config={},
            model="extractive", model_options={}, price=None, corpus="c", corpus_version="1", corpus_fingerprint="f",
            seed=0, baseline=False, questions_planned=3)
log.finish_run("r", status="running", wall_s=None)
print(wb.open(sys.argv[1]).runs()["status"].item(), flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_killed_run_is_interrupted(tmp_path: Path) -> None:
    database = tmp_path / "log.duckdb"
    ended = subprocess.run(
        [sys.executable, "-c", KILLED, str(database)], capture_output=True, text=True, cwd=ROOT, check=False
    )
    assert (ended.returncode, ended.stdout.strip()) == (-9, "running"), ended.stderr
    assert wb.open(database).runs()["status"].item() == "interrupted"


def test_what_cannot_be_known_is_not_called_gone() -> None:
    here = this_process()
    assert not is_gone(here)
    assert not is_gone(None)
    assert not is_gone({**here, "host": "elsewhere"})
    assert is_gone({**here, "started": here["started"] - 3_600})  # the id was given to another process since


def test_a_log_that_another_process_is_about_to_fill_is_waited_for(tmp_path: Path) -> None:
    """For a moment a new DuckDB file holds something that is no database yet."""
    database, ready = tmp_path / "log.duckdb", tmp_path / "ready.duckdb"
    RunLog(ready).close()
    database.write_bytes(b"\0" * 4_096)
    filled = threading.Timer(0.3, os.replace, (ready, database))
    filled.start()
    assert wb.open(database).runs().empty
    filled.join()


def test_a_file_that_is_no_database_is_told_soon(tmp_path: Path) -> None:
    database = tmp_path / "log.duckdb"
    database.write_text("hello")
    os.utime(database, (1, 1))
    with pytest.raises(StoreError, match="is no run log"):
        wb.open(database).runs()
