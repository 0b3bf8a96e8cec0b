"""The method of `docs/adding-a-method.md` works as it is printed there, in at most 40 lines."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from tests.pipelines.conftest import run, story

PAGE = Path(__file__).resolve().parents[2] / "docs" / "adding-a-method.md"


@pytest.fixture
def chunk_read() -> Iterator[Any]:
    (code,) = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.S)
    assert len(code.splitlines()) <= 40
    module = ModuleType("chunk_read")
    sys.modules["chunk_read"] = module  # where a dataclass looks for its own annotations
    exec(compile(code, str(PAGE), "exec"), module.__dict__)
    yield module.ChunkRead
    del sys.modules["chunk_read"]


def test_the_printed_method_stops_at_the_first_part_that_answers(chunk_read: Any) -> None:
    ran = run(chunk_read(chunk_tokens=200), story(80), {"read": ["unanswerable", "unanswerable", "21"]})
    assert ran.steps() == ["read"] * 3
    assert ran.depth() == 3
    assert ran.answer.text == "21"


def test_the_printed_method_says_when_no_part_answers(chunk_read: Any) -> None:
    ran = run(chunk_read(chunk_tokens=200), story(80), {"read": "unanswerable"})
    assert ran.answer.text == "unanswerable"
    assert ran.noted("no_part_answers") == [True]
