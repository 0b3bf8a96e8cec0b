"""Embeddings of a server stand in the log and in the plan, and a plan asks no server."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import duckdb
import pytest

import workbench as wb
import workbench.retrieval.index as index_module
from workbench.llm.prices import Price


def test_what_stands_aside_is_neither_the_answer_nor_a_prompt() -> None:
    from types import SimpleNamespace

    from workbench.experiment.billing import calls_of
    from workbench.experiment.budget import Ledger
    from workbench.experiment.config import Budget
    from workbench.experiment.recording import Recorder
    from workbench.retrieval.spending import Bill

    log: Any = SimpleNamespace(add_call=lambda *_: None, add_spending=lambda *_, **__: None)
    recorder = Recorder(log, Ledger(Budget()))
    embedded, read = calls_of(
        [Bill("embed", "m", 1, 10, 0.1), Bill("rerank", "m", 1, 10, 0.1)],
        run_id="r", context_id="c", question_id="q", phase="answer",
    )  # fmt: skip
    recorder(read, "the prompt", "the reply")
    recorder.aside(embedded, "[1 texts to m]")  # told when the answer is there
    assert recorder.take("r", "q") == ([embedded, read], ["the prompt"])


class Handler(BaseHTTPRequestHandler):
    asked: list[list[str]]

    def do_POST(self) -> None:
        texts = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["input"]
        self.asked.append(texts)
        data = [{"index": i, "embedding": [1.0 + t.count(c) for c in "aeiourst"]} for i, t in enumerate(texts)]
        raw = json.dumps({"data": data, "usage": {"prompt_tokens": 10 * len(texts)}}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(raw)))
        self.end_headers()
        self.wfile.write(raw)

    def log_message(self, format: str, *args: Any) -> None:
        """Silent."""


@pytest.fixture
def server() -> Iterator[tuple[str, list[list[str]]]]:
    index_module._MEMORY.clear()
    asked: list[list[str]] = []
    made = ThreadingHTTPServer(("127.0.0.1", 0), type("Own", (Handler,), {"asked": asked}))
    threading.Thread(target=made.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{made.server_address[1]}/v1", asked
    made.shutdown()
    made.server_close()
    index_module._MEMORY.clear()


def test_embeddings_are_planned_without_a_request_billed_once_and_kept_in_the_books(
    server: tuple[str, list[list[str]]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url, asked = server
    monkeypatch.setattr("workbench.experiment.billing.price_for", lambda name: Price(input=1e6, output=0.0))
    spec = f"server/m@{url}"
    experiment = {
        "name": "b",
        "database": str(tmp_path / "b.duckdb"),
        "corpora": [{"world": {"tokens": 4_000, "contexts": 1, "questions": 2, "seed": 1}}],
        "models": ["extractive"],
        "pipelines": [
            {"chunk_rag": {"chunk_tokens": 128, "overlap": 0, "embedder": spec, "retriever": "dense", "top_k": k}}
            for k in (1, 2)
        ],
    }
    estimates = wb.plan(experiment).estimates
    assert not asked
    assert all(estimate.prompt_tokens > 4_000 and estimate.usd > 4_000 for estimate in estimates)  # texts, $1 a token
    summary = wb.run(experiment, progress=False)
    chunks = len(asked[0])
    assert sum(len(texts) for texts in asked) == chunks + 2  # each text once for both methods
    with duckdb.connect(str(tmp_path / "b.duckdb"), read_only=True) as log:
        rows = log.execute(
            "SELECT phase, model, sum(prompt_tokens), sum(cost_usd), count(*) FILTER (NOT from_cache) FROM calls "
            "WHERE step = 'embed' GROUP BY run_id, phase, model ORDER BY phase, 5"
        ).fetchall()
    assert [row[:4] for row in rows] == [
        *[("answer", spec, 20, 20.0)] * 2,
        *[("build", spec, 10 * chunks, 10.0 * chunks)] * 2,
    ]
    assert [row[4] for row in rows] == [0, 2, 0, 1]  # sent once, in both methods' books
    assert summary.spent_usd == 10.0 * (chunks + 2)
