"""Fixtures for all tests: no network but the loopback, nothing written outside of tmp_path."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

# A machine that is busy must not fail a law. `make test` draws the same examples every time, so that
# what passes once passes again; `make fuzz` draws new ones.
settings.register_profile("same", deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True)
settings.register_profile("fuzz", settings.get_profile("same"), derandomize=False)
settings.load_profile("fuzz" if os.environ.get("WORKBENCH_FUZZ") else "same")

ROOT = Path(__file__).resolve().parents[1]


# Long work first, so that no core waits for it at the end.
FIRST = ("tests/server", "tests/llm/test_faults", "tests/engine", "tests/examples", "tests/ui", "tests/notebooks")
# What needs a server, a browser or a clock to itself: these run in one process, one after the other.
ALONE = ("vllm", "browser", "timed")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What pytest-xdist keeps in one process: a file, so that what its tests share is made once; but the laws of all
    methods are dealt out method by method, and examples one by one."""
    for item in items:
        file = item.location[0]
        if any(item.get_closest_marker(mark) for mark in ALONE):
            group = "alone"
        elif isinstance(item, pytest.Function) and file.startswith("tests/contract/") and hasattr(item, "callspec"):
            group = f"{file} {item.callspec.id.partition('-')[0]}"
        else:
            group = item.nodeid if file.startswith("tests/examples/") else file
        item.add_marker(pytest.mark.xdist_group(group))
    items.sort(
        key=lambda item: next((i for i, path in enumerate(FIRST) if item.location[0].startswith(path)), len(FIRST))
    )


@pytest.fixture(autouse=True)
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """Connecting anywhere but to this machine is an error."""
    connect = socket.socket.connect

    def guarded(self: socket.socket, address: Any) -> None:
        host = address[0] if isinstance(address, tuple) else ""
        if self.family in (socket.AF_INET, socket.AF_INET6) and host not in ("127.0.0.1", "localhost", "::1", ""):
            raise RuntimeError(f"a test tried to reach {host}")
        connect(self, address)

    monkeypatch.setattr(socket.socket, "connect", guarded)


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real corpora; tests that need it skip when it is absent."""
    folder = Path(os.environ.get("WORKBENCH_SHARED_DATA", ROOT.parent / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip(f"no shared data at {folder} (set WORKBENCH_SHARED_DATA)")
    return folder


@pytest.fixture
def in_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Run in an empty folder."""
    monkeypatch.chdir(tmp_path)
    yield tmp_path


@pytest.fixture(scope="session")
def demo_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The demo experiment, run through the command with a few questions of every task."""
    import shutil

    from workbench.cli.main import main

    folder = tmp_path_factory.mktemp("demo")
    experiment = shutil.copytree(ROOT / "examples", folder / "examples") / "demo.yaml"
    assert main(["run", str(experiment), "--limit", "42", "--quiet"]) == 0
    return folder / "runs" / "demo.duckdb"
