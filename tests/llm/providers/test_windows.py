"""The window is what the server says, under whatever name; a guess is called one."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

import workbench as wb
from workbench.llm.providers.opening import open_model


@contextmanager
def telling(answers: Mapping[str, Any]) -> Iterator[str]:
    """A server that answers these paths; yields its address without a path."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            known = self.path in answers
            body = json.dumps(answers.get(self.path, {"error": "not found"})).encode()
            self.send_response(200 if known else 404)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            self.do_GET()

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


@pytest.mark.parametrize(
    "entry",
    [
        {"max_model_len": 50_000},
        {"context_length": 50_000},
        {"context_window": 50_000},
        {"max_context_length": 50_000},
        {"max_context_length": 131_072, "loaded_context_length": 50_000},
        {"top_provider": {"context_length": 50_000}},
        {"meta": {"n_ctx_train": 50_000}},
        {"model_info": {"max_input_tokens": 50_000}},
        {"capabilities": {"limits": {"max_context_window_tokens": 50_000}}},
    ],
)
def test_the_list_of_models_tells_the_window(entry: dict[str, Any]) -> None:
    with telling({"/v1/models": {"data": [{"id": "other", "context_length": 1}, {"id": "m", **entry}]}}) as address:
        model: Any = open_model(f"server/m@{address}/v1")
    assert (model.window, model.window_source) == (50_000, "server")


def test_a_server_of_one_model_answers_to_any_name() -> None:
    with telling({"/v1/models": {"data": [{"id": "real-name", "context_length": 50_000}]}}) as address:
        model: Any = open_model(f"server/m@{address}/v1")
    assert (model.window, model.aliases) == (50_000, frozenset({"real-name"}))


@pytest.mark.parametrize(
    ("kind", "path", "answer"),
    [
        ("ollama", "/api/ps", {"models": [{"model": "m:latest", "context_length": 50_000}]}),
        ("ollama", "/api/show", {"parameters": "stop x\nnum_ctx 50000"}),
        ("llamacpp", "/props", {"default_generation_settings": {"n_ctx": 50_000}}),
        ("lmstudio", "/api/v0/models", {"data": [{"id": "m", "loaded_context_length": 50_000, "state": "loaded"}]}),
        ("tgi", "/info", {"model_id": "m", "max_total_tokens": 50_000}),
    ],
)
def test_servers_with_a_word_of_their_own(kind: str, path: str, answer: Any) -> None:
    told = {"/api/ps": {"models": []}, path: answer}
    with telling(told) as address:
        model: Any = open_model(f"{kind}/m@{address}/v1")
    assert (model.window, model.window_source) == (50_000, "server")


def test_what_ollamas_model_could_take_is_not_what_it_is_loaded_with() -> None:
    shown = {"model_info": {"llama.context_length": 131_072}}
    with telling({"/api/ps": {"models": []}, "/api/show": shown}) as address:
        model: Any = open_model(f"ollama/m@{address}/v1")
    assert (model.window, model.window_source) == (4_096, "assumed")


def test_the_file_goes_before_the_server_and_a_guess_is_last(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "k")
    with telling({"/v1/models": {"data": [{"id": "m", "context_length": 50_000}]}}) as address:
        given: Any = open_model(f"server/m@{address}/v1", window=7_000)
    silent: Any = open_model("server/m@http://127.0.0.1:9/v1")
    listed: Any = open_model("openai/gpt-4o-mini")
    assert [(model.window, model.window_source) for model in (given, silent, listed)] == [
        (7_000, "file"), (8_192, "assumed"), (128_000, "listed"),
    ]  # fmt: skip


def test_an_assumed_window_is_said_in_plan_compare_and_report(tmp_path: Path) -> None:
    said = "server/m@http://127.0.0.1:9/v1: its window of 8,192 tokens is an assumption, nobody tells it"
    given = {
        "name": "assumed",
        "database": str(tmp_path / "log.duckdb"),
        "corpora": [{"world": {"tokens": 16_000, "contexts": 1, "questions": 1}}],
        "models": [{"server/m@http://127.0.0.1:9/v1": {"price": {"input": 1, "output": 1}}}],
        "pipelines": ["full_context"],
    }
    planned = wb.plan(given)
    assert any(note.startswith(said) for note in planned.notes)
    (estimate,) = planned.estimates
    assert (estimate.window, estimate.window_source, estimate.truncated, estimate.overflows) == (8_192, "assumed", 1, 0)
    done = wb.run(given, progress=False)  # nobody is there: the question fails, and the window is said all the same
    compared = wb.compare(done.database)
    assert any(note.startswith(said) for note in compared.notes)
    assert said in compared.format()
