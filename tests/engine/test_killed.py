"""kill -9 at random moments: a real process, a real endpoint that counts what it is asked."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

import workbench as wb
from tests.conftest import ROOT
from tests.llm.endpoint import WORDS, Endpoint
from workbench.runlog.connection import connect

KILLS = 30
CONCURRENCY = 4
PIPELINES = [{"chain_of_agents": {"worker_window": 1_500, "note_tokens": 64}}]


def experiment_file(folder: Path, url: str) -> Path:
    """Chain of agents over one world, with a model behind `url`."""
    import yaml

    file = folder / "experiment.yaml"
    experiment = {
        "name": "killed",
        "database": "runs.duckdb",
        "corpora": [{"world": {"tokens": 12_000, "contexts": 1, "questions": 14}}],
        "models": [{f"openai/tiny@{url}": {"window": 4_096, "tokenizer": "o200k_base", "price_as": "gpt-4o-mini"}}],
        "pipelines": PIPELINES,
        "concurrency": CONCURRENCY,
    }
    file.write_text(yaml.safe_dump(experiment))
    return file


def asked(endpoint: Endpoint) -> Counter[str]:
    """How often each distinct request was made."""
    return Counter(json.dumps(body, sort_keys=True) for body in endpoint.books.bodies)


def reply_of(body: Mapping[str, Any]) -> str:
    """A note that depends on the prompt, so that a lost link of a chain would change all that follows."""
    return "".join(random.Random(json.dumps(body["messages"])).choices(WORDS, k=6))


def test_thirty_kills_lose_no_finished_call(tmp_path: Path) -> None:
    with Endpoint(delay_s=0.02, reply=reply_of) as endpoint:
        file = experiment_file(tmp_path, endpoint.url)
        command = [sys.executable, str(Path(__file__).with_name("forked_runs.py")), str(file)]
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        draw = random.Random(5)
        kills = in_flight = 0
        with subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
        ) as runs:
            assert runs.stdin and runs.stdout
            for _ in range(KILLS * 4):
                runs.stdin.write("run\n")
                runs.stdin.flush()
                child = int(runs.stdout.readline())
                if kills < KILLS:
                    before = endpoint.books.requests
                    while endpoint.books.requests < before + draw.randint(1, 3):  # killed at work, not while starting
                        time.sleep(0.002)
                    time.sleep(draw.random() * 0.04)
                    in_flight += endpoint.books.in_flight
                    os.kill(child, signal.SIGKILL)
                code = int(runs.stdout.readline())
                kills += code == -signal.SIGKILL
                if code == 0:
                    break
            runs.stdin.close()
        assert kills == KILLS
        requests = asked(endpoint)
        answers = wb.open(tmp_path / "runs.duckdb").answers()
        calls = wb.open(tmp_path / "runs.duckdb").calls()
        paid = wb.open(tmp_path / "runs.duckdb").sql("SELECT * FROM spending")

        reference = tmp_path / "reference"
        reference.mkdir()
        once = wb.run(experiment_file(reference, endpoint.url), progress=False)
        expected = wb.open(once.database).answers()

    repeated = sum(count - 1 for count in requests.values())
    # what the server worked on at each kill, and at most one whose reply was on its way; nothing else
    assert repeated <= min(in_flight + KILLS, KILLS * CONCURRENCY)
    assert len(requests) == len(calls) == once.calls
    # each kept reply was paid once, whichever session was killed after it
    assert paid["calls"].sum() == len(calls)
    assert paid["usd"].sum() == pytest.approx(calls["cost_usd"].sum(), rel=1e-9)
    assert paid["tokens"].sum() == calls["prompt_tokens"].sum() + calls["completion_tokens"].sum()
    assert list(answers["status"]) == ["ok"] * 14
    assert list(answers["text"]) == list(expected["text"])
    assert answers["cost_usd"].sum() == pytest.approx(expected["cost_usd"].sum(), rel=1e-9)


def test_a_long_prompt_is_stored_once(tmp_path: Path) -> None:
    """A run's log grows by the compressed distinct text, not by calls × prompt."""
    from workbench.runlog.stored_text import compress

    with Endpoint() as endpoint:
        file = experiment_file(tmp_path, endpoint.url)
        wb.run(file, progress=False)
    log = wb.open(tmp_path / "runs.duckdb")
    with connect(tmp_path / "runs.duckdb", read_only=True) as connection:
        stored = connection.execute("SELECT count(*), count(DISTINCT hash), sum(octet_length(compressed)) FROM texts")
        rows, distinct, size = stored.fetchone() or (0, 0, 0)
    calls = log.calls()
    assert rows == distinct
    texts = log.texts([*calls["prompt_hash"], *calls["reply_hash"]])
    assert size <= 1.2 * sum(len(compress(text)) for text in texts.values()) + 20_000  # the context's own texts
