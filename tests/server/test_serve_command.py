"""`workbench serve`: the errors that need no vLLM, and the real thing."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.server.conftest import free_port
from workbench.cli.main import main
from workbench.errors import InputError
from workbench.llm.serving.vllm import PYTHON, VllmServer


def test_without_vllm_the_fix_is_named(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.delenv(PYTHON, raising=False)
    assert main(["serve", "some/model"]) == 2
    assert "[vllm]" in capsys.readouterr().err
    assert main(["serve", "some/model", "--python", "/no/python"]) == 2
    assert "/no/python is no program" in capsys.readouterr().err


def test_a_taken_port_is_found_before_the_start() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(InputError, match=f"port {port} is taken"):
            VllmServer("m", port=port, python=sys.executable).start()


def test_a_server_that_ends_says_why() -> None:
    from workbench.errors import ServerGone

    with pytest.raises(ServerGone, match="ended with code"):
        VllmServer("m", port=free_port(), python=sys.executable).start(patience_s=60)


HEALTHY = """
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer

class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_):
        pass

HTTPServer(("127.0.0.1", int(sys.argv[sys.argv.index("--port") + 1])), Handler).serve_forever()
"""


@pytest.mark.skipif(sys.platform != "linux", reason="the parent's death is signalled on Linux only")
def test_a_kill_9_of_ours_leaves_no_server_behind(tmp_path: Path) -> None:
    """The process tree alone matters here, so that a script which says it is healthy stands for vLLM."""
    server = tmp_path / "server.py"
    server.write_text(HEALTHY)
    interpreter = tmp_path / "python"
    interpreter.write_text(f'#!/bin/sh\nexec {sys.executable} {server} "$@"\n')
    interpreter.chmod(0o755)
    port = free_port()
    command = [
        sys.executable,
        "-m",
        "workbench.cli",
        "serve",
        "any",
        "--port",
        str(port),
        "--python",
        str(interpreter),
    ]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    assert process.stdout is not None and "vllm/any@" in process.stdout.readline()
    process.kill()
    process.wait(10)
    for _ in range(100):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) != 0:
                return
        time.sleep(0.1)
    raise AssertionError("the server is still there")


@pytest.mark.vllm
def test_serve_prints_the_provider_string_and_ends_cleanly(tiny_model: Path, vllm_python: str) -> None:
    port = free_port()
    command = [
        sys.executable,
        "-m",
        "workbench.cli",
        "serve",
        str(tiny_model),
        "--name",
        "tiny",
        "--port",
        str(port),
    ]
    command += ["--python", vllm_python, "--", "--max-model-len", "4096", "--enforce-eager"]
    environment = {**os.environ, "VLLM_CPU_KVCACHE_SPACE": "1"}
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=environment)
    assert process.stdout is not None
    assert process.stdout.readline().strip() == f"vllm/tiny@http://127.0.0.1:{port}/v1"
    process.send_signal(signal.SIGTERM)
    assert process.wait(40) == 0
    time.sleep(0.2)
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", port)) != 0
