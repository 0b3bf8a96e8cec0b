"""What ends a run before its last question: a wrong key, a full disk, Ctrl-C. Each ends it and loses nothing."""

from __future__ import annotations

import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import yaml
from aiohttp import web

import workbench as wb
from tests.engine.test_spending import experiment
from tests.llm.endpoint import Endpoint
from workbench.errors import StoreError
from workbench.llm.cache import ResponseCache


def test_a_wrong_key_ends_what_is_asked_of_its_model_and_of_no_other(tmp_path: Path) -> None:
    async def refuse(request: web.Request) -> web.Response:
        return web.json_response({"error": {"message": "Incorrect API key provided"}}, status=401)

    with Endpoint(handler=refuse) as wrong, Endpoint() as right:
        given = experiment(wrong, tmp_path)
        given["models"] += experiment(right, tmp_path)["models"]
        done = wb.run(given, progress=False)
    assert (done.answered, done.failed, done.exit_code, done.stopped) == (6, 2, 3, None)
    (said,) = done.refused
    assert "refuses every call; check its key" in said
    log = wb.open(done.database)
    assert set(log.runs()["status"]) == {"interrupted", "complete"}
    assert len(log.calls()) == 3 + 6  # the third refusal is recorded too, though its question counts as not asked


def test_a_full_disk_ends_the_run_and_what_was_paid_is_recorded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put = ResponseCache._put
    kept: list[Any] = []

    def full(self: ResponseCache, *given: Any) -> None:
        if len(kept) == 2:
            raise sqlite3.OperationalError("database or disk is full")
        kept.append(given)
        put(self, *given)

    monkeypatch.setattr(ResponseCache, "_put", full)
    with Endpoint() as endpoint:
        given = experiment(endpoint, tmp_path)
        with pytest.raises(StoreError, match="free space"):
            wb.run(given, progress=False)
        assert endpoint.books.requests < 6
        log = wb.open(tmp_path / "log.duckdb")
        assert log.calls()["prompt_tokens"].sum() == endpoint.books.billed_prompt
        assert list(log.runs()["status"]) == ["interrupted"]
        kept[:] = [None] * 10  # there is room again
        assert wb.run(given, progress=False).answered == 4
    assert len(log.answers()) == 6


@pytest.mark.timed
def test_ctrl_c_ends_a_run_that_waits_for_its_server(tmp_path: Path) -> None:
    with Endpoint(script=["", *["hang"] * 20], hang_s=60) as endpoint:
        given = experiment(endpoint, tmp_path, concurrency=4)
        (tmp_path / "experiment.yaml").write_text(yaml.safe_dump(given), encoding="utf-8")
        process = subprocess.Popen(
            [sys.executable, "-m", "workbench.cli", "run", str(tmp_path / "experiment.yaml")],
            stderr=subprocess.PIPE, text=True,
            # a shell's background job, as a test run may be, hands down that Ctrl-C is ignored
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        )  # fmt: skip
        deadline = time.monotonic() + 60
        while endpoint.books.requests < 3 and time.monotonic() < deadline:
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        started = time.monotonic()
        _, said = process.communicate(timeout=30)
        assert time.monotonic() - started < 10
    assert process.returncode == 130
    assert "interrupted; what was finished is kept" in said
    assert "Traceback" not in said
    log = wb.open(tmp_path / "log.duckdb")
    assert list(log.runs()["status"]) == ["interrupted"]
    assert list(log.answers()["status"]) == ["ok"]  # what was broken off is neither answered nor failed
