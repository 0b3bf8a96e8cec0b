"""Embeddings of a server stand in the log and in the plan, and a plan asks no server."""

from __future__ import annotations

import json
import math
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import duckdb
import pytest

import workbench as wb
import workbench.retrieval.indexes.in_memory as index_module
from workbench.errors import InputError, UnknownName


def test_what_stands_aside_is_neither_the_answer_nor_a_prompt() -> None:
    from types import SimpleNamespace

    from workbench.engine.billing import call_of
    from workbench.engine.recording import Recorder
    from workbench.experiment.budget import Ledger
    from workbench.experiment.schema import Budget
    from workbench.experiment.server_prices import NO_PRICES
    from workbench.llm.gateway import CallTag
    from workbench.retrieval.spending import Bill

    log: Any = SimpleNamespace(add_call=lambda *_: None, add_spending=lambda *_, **__: None)
    recorder = Recorder(log, Ledger(Budget()))
    embedded, read = (
        call_of(Bill(step, "m", 1, 10, 0.1), CallTag("r", "q", "c", "answer", step, (), step), NO_PRICES)
        for step in ("embed", "rerank")
    )
    recorder(read, "the prompt", "the reply")
    recorder.aside(embedded, "[1 texts to m]")
    assert recorder.take("r", "q") == ([embedded, read], ["the prompt"])


class Handler(BaseHTTPRequestHandler):
    asked: list[list[str]]

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        texts = body.get("input") or body["documents"]
        self.asked.append(texts)
        if "documents" in body:
            results = [{"index": i, "relevance_score": float(len(t))} for i, t in enumerate(texts)]
            raw = json.dumps({"results": results, "usage": {"total_tokens": 7 * len(texts)}}).encode()
        else:
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
    server: tuple[str, list[list[str]]], tmp_path: Path
) -> None:
    url, asked = server
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
        "prices": {spec: 1e6},
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


def by_server(url: str, folder: Path, **changes: Any) -> dict[str, Any]:
    """Two methods of a reader that is free: one has a server embed its chunks and another one rerank them."""
    options = {"chunk_tokens": 512, "embedder": f"server/m@{url}", "retriever": "dense", "candidates": 6}
    return {
        "name": "b",
        "database": str(folder / "b.duckdb"),
        "corpora": [{"world": {"tokens": 4_000, "contexts": 1, "questions": 2, "seed": 1}}],
        "models": ["extractive"],
        "pipelines": ["full_context", {"chunk_rag": {**options, "cross_encoder": f"r@{url}"}}],
        **changes,
    }


def costs(folder: Path) -> dict[str, float]:
    """USD a question and for the index, by pipeline."""
    table = wb.compare(folder / "b.duckdb").table
    return {
        row["pipeline"].partition("[")[0]: row["usd_per_question"] + row["index_usd"]
        for row in table.to_dict("records")
    }


def test_what_a_server_takes_is_unknown_until_it_is_told(server: tuple[str, list[list[str]]], tmp_path: Path) -> None:
    url, asked = server
    given = by_server(url, tmp_path)
    free, unknown = wb.plan(given).estimates
    assert (free.priced, unknown.priced) == (True, False)
    wb.run(given, progress=False)
    log = wb.open(tmp_path / "b.duckdb")
    calls = log.calls()
    assert calls[calls["step"].isin(["embed", "rerank"])]["cost_usd"].isna().all()
    assert (calls[~calls["step"].isin(["embed", "rerank"])]["cost_usd"] == 0.0).all()
    found = costs(tmp_path)
    assert found["full_context"] == 0.0 and math.isnan(found["chunk_rag"])
    notes = wb.compare(tmp_path / "b.duckdb").notes
    for name in (f"server/m@{url}", "r"):
        assert f"{name}: no price is known, so costs of what uses it are left out; give it one under prices:" in notes
    requests = len(asked)
    priced = {**given, "prices": {f"server/m@{url}": 3.0, f"r@{url}": {"gpu_hour": 36.0}}}
    assert all(estimate.priced for estimate in wb.plan(priced).estimates)
    assert wb.run(priced, progress=False).failed == 0
    assert len(asked) == requests  # what was embedded and reranked is kept; only its cost is known now
    calls = wb.open(tmp_path / "b.duckdb").calls("b")
    calls = calls[calls["cost_usd"].notna()]
    embed, rerank = (calls[calls["step"] == step] for step in ("embed", "rerank"))
    assert embed["cost_usd"].sum() == pytest.approx(3e-6 * embed["prompt_tokens"].sum()) != 0.0
    assert rerank["cost_usd"].sum() == pytest.approx(36.0 / 3600 * rerank["total_s"].sum()) != 0.0


def test_what_a_server_takes_can_be_nothing(server: tuple[str, list[list[str]]], tmp_path: Path) -> None:
    url, _ = server
    free = {f"server/m@{url}": 0, f"r@{url}": 0.0}
    wb.run(by_server(url, tmp_path, prices=free, budget={"usd": 1.0}), progress=False)
    assert costs(tmp_path) == {"full_context": 0.0, "chunk_rag": 0.0}
    assert not [note for note in wb.compare(tmp_path / "b.duckdb").notes if "price" in note]


def test_prices_that_nothing_uses_and_budgets_over_what_has_none_are_refused(
    server: tuple[str, list[list[str]]], tmp_path: Path
) -> None:
    url, asked = server
    with pytest.raises(UnknownName, match=r"prices: .*server/n"):
        wb.run(by_server(url, tmp_path, prices={f"server/n@{url}": 1.0}), progress=False)
    with pytest.raises(InputError, match=r"budget.usd: no price is known for server/m@"):
        wb.run(by_server(url, tmp_path, budget={"usd": 1.0}), progress=False)
    for wrong in (True, -1.0, "free", {"gpu_hour": -1}, {"gpu": 1.0}):
        with pytest.raises(InputError, match=r"prices"):
            wb.run(by_server(url, tmp_path, prices={f"server/m@{url}": wrong}), progress=False)
    assert not asked


def test_what_a_thread_waited_for_stands_before_what_it_asks_next() -> None:
    from workbench.engine.bench import Equipment, ExperimentBench
    from workbench.engine.critical_path import critical_path
    from workbench.llm.gateway import Gateway
    from workbench.llm.scripted import ScriptedModel
    from workbench.records import Call, Context, Document, Message
    from workbench.retrieval.embedders.lsa import LsaEmbedder
    from workbench.retrieval.spending import Bill, tell, watched

    made: list[Call] = []
    gateway = Gateway(ScriptedModel(["read"]), concurrency=1, record=lambda call, prompt, reply: made.append(call))
    equipment = Equipment("r", gateway, 0, 64, 0.0, LsaEmbedder(), None)
    bench = ExperimentBench(equipment, Context((Document("d", "text"),)), phase="answer", question_id="q")

    def wait(*seconds: float) -> None:
        for each in seconds:
            tell(Bill("embed", "m", 1, 10, each))

    with watched(lambda bill: made.append(bench.paid(bill))):
        wait(2.0)
        bench.parallel([lambda: wait(3.0, 1.0), lambda: wait(2.5)])
        tell(Bill("rerank", "m", 1, 10, 0.5))
        reply = bench.ask((Message("user", "?"),), step="read")
    gateway.close()
    assert len({call.call_id for call in made}) == len(made) == 6
    rerank, read = made[-2:]
    assert read.parents == (rerank.call_id,) and len(rerank.parents) == 2
    before = [call for call in made if call.call_id != reply.call_id]
    assert critical_path(before) == 2.0 + max(3.0 + 1.0, 2.5) + 0.5
    assert critical_path(made) == pytest.approx(6.5 + read.total_s)


def test_a_servers_time_is_on_the_critical_path_and_stays_there_when_it_is_replayed(
    server: tuple[str, list[list[str]]], tmp_path: Path
) -> None:
    url, asked = server
    options = {"chunk_tokens": 128, "overlap": 0, "embedder": f"server/m@{url}", "retriever": "dense", "candidates": 6}
    experiment = {
        "name": "b",
        "database": str(tmp_path / "b.duckdb"),
        "corpora": [{"world": {"tokens": 4_000, "contexts": 1, "questions": 1, "seed": 1}}],
        "models": ["extractive"],
        "pipelines": [{"chunk_rag": {**options, "cross_encoder": f"r@{url}"}}],
    }

    def logged() -> list[Any]:
        with duckdb.connect(str(tmp_path / "b.duckdb"), read_only=True) as log:
            calls = log.execute("SELECT phase, step, call_id, parents, total_s, from_cache, prompt_tokens FROM calls")
            rows = {(phase, step): rest for phase, step, *rest in calls.fetchall()}
            build = log.execute("SELECT critical_path_s FROM builds").fetchone()
            answer = log.execute("SELECT critical_path_s FROM answers").fetchone()
        assert build and answer
        embed, rerank, read = (rows["answer", step] for step in ("embed", "rerank", "read"))
        assert [json.loads(row[1]) for row in (embed, rerank, read)] == [[], [embed[0]], [rerank[0]]]
        assert answer[0] == pytest.approx(embed[2] + rerank[2] + read[2])
        assert build[0] == rows["build", "embed"][2] > 0
        assert (embed[4], rerank[4]) == (10, 7 * 6)
        return [rows["build", "embed"][2:4], embed[2:4], rerank[2:4]]

    wb.run(experiment, progress=False)
    first = logged()
    assert len(asked) == 3 and not any(cached for _, cached in first)
    index_module._MEMORY.clear()
    wb.run(experiment, progress=False, fresh=True)
    again = logged()
    assert len(asked) == 3 and all(cached for _, cached in again)
    assert [seconds for seconds, _ in again] == [pytest.approx(seconds) for seconds, _ in first]
