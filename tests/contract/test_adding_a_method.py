"""The methods of `docs/adding-a-method.md` and of the notebook work as printed, in at most 40 lines, by every law."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from textwrap import dedent
from types import ModuleType
from typing import Any

import pytest

from tests.conftest import ROOT
from tests.contract import formulas
from tests.contract.formulas import Case
from tests.contract.test_every_method import MODELS
from tests.pipelines.conftest import make_context, run, story
from workbench import catalogue
from workbench.errors import ContextOverflow

PAGE = ROOT / "docs" / "adding-a-method.md"
NOTEBOOK = ROOT / "notebooks" / "02_add_a_method.ipynb"


def blocks() -> list[str]:
    """The page's Python: the method, its test, and its formulas."""
    found = re.findall(r"^( *)```python\n(.*?)^ *```", PAGE.read_text(encoding="utf-8"), re.S | re.M)
    return [dedent(code) for _, code in found]


def printed(name: str) -> str:
    if name == "ChunkRead":
        return blocks()[0]
    cells = json.loads(NOTEBOOK.read_text(encoding="utf-8"))["cells"]
    return "".join(next(cell for cell in cells if cell["cell_type"] == "code")["source"])


def made(name: str) -> Iterator[Any]:
    """The printed class, out of the catalogue again afterwards."""
    code = printed(name)
    assert len(code.strip().splitlines()) <= 40
    module = ModuleType(name)
    sys.modules[name] = module  # where a dataclass looks for its own annotations
    exec(compile(code, name, "exec"), module.__dict__)
    yield getattr(module, name)
    del sys.modules[name]
    catalogue._REGISTERED.pop(catalogue.snake(name), None)


@pytest.fixture
def chunk_read() -> Iterator[Any]:
    yield from made("ChunkRead")


@pytest.fixture
def bookends() -> Iterator[Any]:
    yield from made("Bookends")


@pytest.fixture(params=["ChunkRead", "Bookends"])
def method(request: pytest.FixtureRequest) -> Iterator[Any]:
    yield from made(request.param)


@pytest.mark.parametrize("voice", sorted(MODELS))
@pytest.mark.parametrize("window", [400, 2_048])
def test_a_printed_method_obeys_the_laws_of_the_catalogue(method: Any, window: int, voice: str) -> None:
    for context in (make_context(""), make_context("Oslo"), make_context("sheep " * 2_000), make_context(story(300))):
        ran = run(method(), context, MODELS[voice], window=window)
        assert bool(ran.made) or not context.documents[0].text
        assert all(m.call.error is None and m.call.prompt_tokens < window for m in ran.made)
        assert all(context.holds(hit.chunk) for hit in ran.answer.hits)
    assert window > 400 or ran.noted("chunk_tokens_reduced_to") or ran.noted("part_tokens_reduced_to")
    with pytest.raises(ContextOverflow):
        run(method(), make_context("Oslo"), "x", window=window, question="why " * window)


def test_the_notebooks_method_reads_both_ends_once(bookends: Any) -> None:
    ran = run(bookends(part_tokens=100), story(80), {"read": "21"})
    (prompt,) = ran.prompts("read")
    assert "Person 0 keeps" in prompt and "Person 79 keeps" in prompt and "Person 40 keeps" not in prompt
    assert ran.answer.dropped_tokens > 500
    assert run(bookends(), story(3), {"read": "21"}).prompts("read")[0].count("Person 1 keeps") == 1


def test_the_printed_method_stops_at_the_first_part_that_answers(chunk_read: Any) -> None:
    ran = run(chunk_read(chunk_tokens=200), story(80), {"read": ["unanswerable", "unanswerable", "21"]})
    assert ran.steps() == ["read"] * 3
    assert ran.depth() == 3
    assert ran.answer.text == "21"


def test_the_printed_method_says_when_no_part_answers(chunk_read: Any) -> None:
    ran = run(chunk_read(chunk_tokens=200), story(80), {"read": "unanswerable"})
    assert ran.answer.text == "unanswerable"
    assert ran.noted("no_part_answers") == [True]


def test_the_printed_test_passes(chunk_read: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pipelines.divide.chunk_read", sys.modules["ChunkRead"])
    module: dict[str, Any] = {}
    exec(compile(blocks()[1], "the printed test", "exec"), module)
    (test,) = [value for name, value in module.items() if name.startswith("test_")]
    test()


def test_the_printed_formulas_are_those_of_the_printed_method(chunk_read: Any) -> None:
    cases: dict[str, Case] = eval(blocks()[2], dict(vars(formulas)))
    read = formulas.Text.of(600)
    calls = {}
    for name, case in cases.items():
        ran = run(chunk_read(), read.context, case.replies, question=formulas.QUESTION, window=formulas.WINDOW)
        calls[name] = len(ran.steps()), ran.depth()
        assert calls[name] == case.query(read)
    assert set(calls.values()) == {(1, 1), (5, 5)}  # some 7,900 tokens
