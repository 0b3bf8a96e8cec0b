"""A real vLLM server on the processor, with a tiny model made on the spot."""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest

from corpora.world import load
from tests.conftest import ROOT
from workbench.llm.serving.vllm import PYTHON, VllmServer

COUNTERS = {
    "prompt": "vllm:prompt_tokens_total",
    "cached": "vllm:prefix_cache_hits_total",
    "completion": "vllm:generation_tokens_total",
}


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def counters(server: VllmServer) -> dict[str, int]:
    """The server's own books: prompt, cached and generated tokens since it started."""
    with urllib.request.urlopen(f"http://{server.host}:{server.port}/metrics", timeout=10) as response:
        text = response.read().decode()
    found = {}
    for name, counter in COUNTERS.items():
        match = re.search(rf"^{re.escape(counter)}\{{[^}}]*\}} (\S+)$", text, re.M)
        assert match, f"the server has no counter {counter}"
        found[name] = int(float(match.group(1)))
    return found


@pytest.fixture(scope="session")
def vllm_python() -> str:
    python = os.environ.get(PYTHON, "")
    if not python:
        pytest.skip(f"no vLLM: `make vllm` installs it beside the project, then set {PYTHON}")
    assert shutil.which(python), f"{PYTHON}={python} is no program"
    return python


@pytest.fixture(scope="session")
def tiny_model(vllm_python: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a 4M-parameter Llama with a tokenizer trained on a generated world."""
    folder = tmp_path_factory.mktemp("model")
    text = folder / "text.txt"
    corpus = load(tokens=32_000, contexts=2, questions=2, seed=1)
    text.write_text("\n".join(d.text for context in corpus.contexts.values() for d in context.documents))
    script = ROOT / "tests" / "server" / "make_tiny_model.py"
    subprocess.run([vllm_python, str(script), str(folder / "tiny"), str(text)], check=True)
    return folder / "tiny"


Serve = Callable[..., AbstractContextManager[VllmServer]]


@pytest.fixture(scope="session")
def serve(tiny_model: Path, vllm_python: str) -> Serve:
    """Start a server with further arguments."""

    @contextmanager
    def serving(*arguments: str) -> Iterator[VllmServer]:
        os.environ.setdefault("VLLM_CPU_KVCACHE_SPACE", "2")
        # eager: compiling the tiny model takes a minute and changes nothing of what is counted
        everything = ["--max-model-len", "16384", "--enforce-eager", *arguments]
        artefacts = Path(os.environ.get("WORKBENCH_ARTEFACTS", ROOT / "artefacts"))
        artefacts.mkdir(parents=True, exist_ok=True)
        log = artefacts / "vllm.log"
        server = VllmServer(
            str(tiny_model), name="tiny", port=free_port(), arguments=everything, python=vllm_python, log=log
        )
        with server:
            yield server

    return serving


@pytest.fixture(scope="package")  # it takes a core also while nobody asks it anything
def server(serve: Serve) -> Iterator[VllmServer]:
    with serve() as running:
        yield running
