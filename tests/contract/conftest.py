"""Every law holds for every method of the catalogue: a stand-in for the llmlingua package is there for all of them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.pipelines.compression.test_llmlingua import packaged


@pytest.fixture(autouse=True)
def package() -> Iterator[None]:
    """The real package brings torch and, when it is opened, fetches an encoding from the network."""
    with packaged():
        yield
