"""The examples in the docstrings of the evaluation package hold."""

from __future__ import annotations

import doctest
import importlib
import pkgutil

import pytest

import workbench.evaluation

MODULES = sorted(
    info.name for info in pkgutil.walk_packages(workbench.evaluation.__path__, prefix="workbench.evaluation.")
)


@pytest.mark.parametrize("name", MODULES)
def test_examples_hold(name: str) -> None:
    assert doctest.testmod(importlib.import_module(name)).failed == 0
