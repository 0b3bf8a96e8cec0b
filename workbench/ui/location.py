"""Finds the entry script of the pages."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

from workbench.errors import StoreError


def app_path() -> Path:
    """The path of `app.py`, which is installed as a top-level module beside the package."""
    spec = find_spec("app")
    beside = Path(__file__).resolve().parents[2] / "app.py"
    if beside.is_file():
        return beside
    if spec and spec.origin:
        return Path(spec.origin)
    raise StoreError("app.py is not installed; reinstall the workbench")
