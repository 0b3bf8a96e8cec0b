"""What stays out of memory until it is used, and what the package promises to export."""

from __future__ import annotations

import subprocess
import sys

import pytest

import workbench as wb

HEAVY = ["llama_index", "vllm", "torch", "streamlit", "faiss", "sklearn", "duckdb", "pandas", "networkx", "aiohttp"]


@pytest.mark.parametrize(
    ("code", "allowed"),
    [
        ("import workbench", []),
        ("from workbench import catalogue; catalogue.pipelines(); catalogue.corpora()", []),
        ("import workbench.analysis.compare", ["duckdb", "pandas", "sklearn"]),
        ("import workbench.cli.main", []),
    ],
)
def test_heavy_packages_stay_out(code: str, allowed: list[str]) -> None:
    script = f"import sys; {code}; print(*[name for name in {HEAVY!r} if name in sys.modules])"
    loaded = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout.split()
    assert set(loaded) <= set(allowed)


def test_exported_members() -> None:
    assert set(wb.__all__) <= set(dir(wb))
    for name in wb.__all__:
        assert getattr(wb, name).__doc__, name
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        wb.nothing  # noqa: B018
