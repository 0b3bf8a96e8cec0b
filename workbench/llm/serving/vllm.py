"""A local vLLM server with what exact accounting needs: prefix caching, and cached tokens in every reply's usage."""

from __future__ import annotations

import importlib.util
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections import deque
from collections.abc import Sequence
from pathlib import Path
from threading import Thread
from types import FrameType
from typing import IO

from workbench.errors import InputError, ServerGone

PYTHON = "WORKBENCH_VLLM_PYTHON"  # vLLM pins many packages: it may live in an environment of its own
_LAST_LINES = 12


class VllmServer:
    """A vLLM server as a process; use as a context manager.

    `model` is a folder or a hub name, `name` what requests call it (its last part by default), `arguments` go to vLLM
    as they are. The server's output goes to `log`, or nowhere but its last lines, which an error shows.
    """

    def __init__(
        self,
        model: str,
        *,
        name: str | None = None,
        host: str = "127.0.0.1",
        port: int = 8000,
        arguments: Sequence[str] = (),
        python: str | None = None,
        log: Path | None = None,
    ) -> None:
        self.name = name or Path(model).name
        self.host, self.port = host, port
        self._command = [*_interpreter(python), "-m", "vllm.entrypoints.openai.api_server"]
        self._command += ["--model", model, "--served-model-name", self.name, "--host", host, "--port", str(port)]
        self._command += ["--enable-prefix-caching", "--enable-prompt-tokens-details", *arguments]
        self._log = log
        self._process: subprocess.Popen[str] | None = None
        self._last: deque[str] = deque(maxlen=_LAST_LINES)

    @property
    def provider(self) -> str:
        """The provider string that reaches the server."""
        return f"vllm/{self.name}@http://{self.host}:{self.port}/v1"

    def start(self, patience_s: float = 600.0) -> VllmServer:
        """Start and wait until it is healthy. Raises InputError for a taken port, ServerGone when it ends instead."""
        with socket.socket() as probe:
            if probe.connect_ex((self.host, self.port)) == 0:
                raise InputError(f"port {self.port} is taken", field="--port", fix="give another one")
        self._process = subprocess.Popen(  # noqa: S603 - our own command line, no shell
            self._command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace",
            start_new_session=True, preexec_fn=_end_with_parent if sys.platform == "linux" else None,
        )  # fmt: skip
        assert self._process.stdout is not None
        Thread(target=self._read, args=(self._process.stdout,), daemon=True).start()
        deadline = time.monotonic() + patience_s
        while time.monotonic() < deadline:
            if self._process.poll() is not None:
                time.sleep(0.2)  # its last words
                raise ServerGone(f"vLLM ended with code {self._process.returncode}: " + " | ".join(self._last))
            if self._healthy():
                return self
            time.sleep(0.5)
        self.stop()
        raise ServerGone(f"vLLM was not healthy after {patience_s:.0f} s: " + " | ".join(self._last))

    def _healthy(self) -> bool:
        try:
            with urllib.request.urlopen(f"http://{self.host}:{self.port}/health", timeout=2) as response:
                return bool(response.status == 200)
        except OSError:
            return False

    def _read(self, lines: IO[str]) -> None:
        file = self._log.open("w", encoding="utf-8") if self._log else None
        try:
            for line in lines:
                if line.strip():
                    self._last.append(line.strip()[:300])
                if file:
                    file.write(line)
                    file.flush()
        finally:
            if file:
                file.close()

    def wait(self) -> int:
        """Wait until the server ends; its exit code."""
        assert self._process is not None
        return self._process.wait()

    def stop(self) -> None:
        """End the server and its workers."""
        if self._process is None or self._process.poll() is not None:
            return
        for sent, patience in ((signal.SIGTERM, 20), (signal.SIGKILL, 10)):
            try:
                os.killpg(self._process.pid, sent)
                self._process.wait(patience)
                return
            except subprocess.TimeoutExpired:
                continue
            except ProcessLookupError:
                return

    def __enter__(self) -> VllmServer:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()


def _end_with_parent() -> None:
    """Runs in the server's process: a kill -9 of ours must leave no server behind that holds the GPU."""
    import ctypes

    ctypes.CDLL(None).prctl(1, signal.SIGTERM)  # PR_SET_PDEATHSIG


def _interpreter(python: str | None) -> list[str]:
    """The Python that has vLLM: given, named by the environment variable, or this one."""
    chosen = python or os.environ.get(PYTHON)
    if chosen:
        if shutil.which(chosen) is None:
            raise InputError(
                f"{chosen} is no program", field=PYTHON, fix="give the python of the environment with vLLM"
            )
        return [chosen]
    if importlib.util.find_spec("vllm") is None:
        raise InputError(
            "vLLM is not installed here", field="serve",
            fix=f'pip install "rag-vs-long-context-workbench[vllm]", or set {PYTHON} to a Python that has it',
        )  # fmt: skip
    return [sys.executable]


def serve(model: str, *, name: str | None, host: str, port: int, python: str | None, arguments: Sequence[str]) -> int:
    """`workbench serve`: start, print the provider string, run until interrupted."""
    server = VllmServer(model, name=name, host=host, port=port, python=python, arguments=arguments)

    def end(number: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    signal.signal(signal.SIGTERM, end)
    print(f"starting vLLM with {model} (half a minute to some minutes) ...", file=sys.stderr, flush=True)
    try:
        server.start()
        print(server.provider, flush=True)
        print("ready; write the line above under `models:`. Ctrl-C ends the server", file=sys.stderr, flush=True)
        return server.wait()
    except KeyboardInterrupt:
        return 0
    finally:
        server.stop()
