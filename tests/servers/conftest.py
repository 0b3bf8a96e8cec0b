"""One server for all wires, and a key for every provider."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.servers.server import Serving
from tests.servers.wire import SECRET
from workbench.llm.known_providers import PROVIDERS


@pytest.fixture(scope="session")
def serving() -> Iterator[Serving]:
    """The server; each test gives it the wire to play."""
    with Serving() as server:
        yield server


@pytest.fixture(autouse=True)
def keys(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every provider's key, the same."""
    for provider in PROVIDERS.values():
        monkeypatch.setenv(provider.key_env, SECRET)
