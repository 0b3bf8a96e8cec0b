"""A method that was edited is asked again, what it asks as before is replayed; words about it change nothing."""

from __future__ import annotations

import importlib
import linecache
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import workbench as wb
from workbench import catalogue
from workbench.experiment.identity import code_hash

METHOD = '''
from dataclasses import dataclass
from typing import ClassVar

from workbench.pipeline import MethodCard, Prompt, render_question

ASK = Prompt("mine_alone.ask", user="{text}\\n\\nQuestion: {question}\\nAnswer:")


@dataclass(frozen=True)
class MineAlone:
    """Reads the first characters."""

    characters: int = 2_000
    card: ClassVar[MethodCard] = MethodCard(title="Mine", family="full", cost="1 call", stages="ask")

    def build(self, context, bench):
        return context.documents[0].text[: self.characters]

    def answer(self, question, state, bench):
        return bench.reply(ASK(text=state, question=render_question(question)), step="ask")
'''


@pytest.fixture
def method(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], None]]:
    """Writes the method's file, as an editor would, and loads it anew, as the next command would."""
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(catalogue, "_REGISTERED", {})
    monkeypatch.setattr(sys, "dont_write_bytecode", True)

    def written(source: str) -> None:
        (tmp_path / "mine_alone.py").write_text(source)
        sys.modules.pop("mine_alone", None)
        importlib.invalidate_caches()
        linecache.clearcache()
        wb.register_pipeline(importlib.import_module("mine_alone").MineAlone)

    yield written
    sys.modules.pop("mine_alone", None)


def experiment(folder: Path) -> dict[str, Any]:
    return {
        "name": "mine",
        "database": str(folder / "log.duckdb"),
        "corpora": [{"world": {"tokens": 4_000, "contexts": 1, "questions": 3}}],
        "models": ["extractive"],
        "pipelines": ["mine_alone"],
    }


def test_an_edited_method_is_asked_again(tmp_path: Path, method: Callable[[str], None]) -> None:
    method(METHOD)
    assert wb.run(experiment(tmp_path), progress=False).calls == 3
    assert wb.run(experiment(tmp_path), progress=False).kept == 3

    method(METHOD.replace("Reads the first", "Reads only the first") + "\n# a thought\n")
    assert wb.run(experiment(tmp_path), progress=False).kept == 3

    method(METHOD.replace("[: self.characters]", "[: self.characters].lower()"))
    edited = wb.run(experiment(tmp_path), progress=False)
    assert (edited.kept, edited.answered, edited.replayed) == (0, 3, 0)

    method(METHOD.replace("[: self.characters]", "[0 : self.characters]"))  # other code, the same prompts
    same = wb.run(experiment(tmp_path), progress=False)
    assert (same.kept, same.answered, same.replayed) == (0, 3, 3)


def test_code_that_methods_share_is_code_of_each() -> None:
    hashes = {name: code_hash(name) for name in catalogue.pipelines()}
    assert len(set(hashes.values())) > len(hashes) // 2
    assert "" not in hashes.values()
