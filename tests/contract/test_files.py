"""One readable file a method, and a scripted test for each."""

from __future__ import annotations

import sys
from pathlib import Path
from statistics import median

import pytest

from tests.conftest import ROOT
from tests.contract.test_every_method import METHODS

FILES = {name: Path(str(sys.modules[method.__module__].__file__)) for name, method in METHODS.items()}
LINES = {name: len(file.read_text(encoding="utf-8").splitlines()) for name, file in FILES.items()}


def test_half_of_the_methods_are_at_most_150_lines_and_none_over_350() -> None:
    assert median(LINES.values()) <= 150
    assert {name: lines for name, lines in LINES.items() if lines > 350} == {}


def test_a_method_has_a_file_of_its_own() -> None:
    assert len(set(FILES.values())) == len(METHODS)
    assert {name: file.stem for name, file in FILES.items() if file.stem != name} == {}


@pytest.mark.parametrize("name", METHODS)
def test_every_method_has_a_test_on_a_scripted_model(name: str) -> None:
    tests = [file.read_text(encoding="utf-8") for file in (ROOT / "tests" / "pipelines").rglob("test_*.py")]
    own = [text for text in tests if f"from {METHODS[name].__module__} import" in text]
    assert any("steps(" in text or ".made" in text for text in own), "no test asserts its stages"
    assert any("prompts(" in text or ".prompt" in text for text in own), "no test asserts what its prompts hold"
