"""A log made by the commit before the rooms were named (13964fa) opens, compares and resumes as it did there.

`before_the_rooms/` holds what that commit wrote: the run log, the response cache, the comparison as it printed it, the
hashes of its methods, and a third party's method as it was written against `workbench.pipeline`.
"""

from __future__ import annotations

import gzip
import importlib
import json
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import workbench as wb
from workbench import catalogue
from workbench.experiment.identity import code_hash, prompts_hash

BEFORE = Path(__file__).with_name("before_the_rooms")
TOLD = json.loads((BEFORE / "before.json").read_text(encoding="utf-8"))
QUESTIONS = 4  # of each run


@pytest.fixture
def log(in_folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The log and the cache of before, in the folder that the experiment's relative paths start from."""
    for packed, name in (("log.gz", "log.duckdb"), ("responses.gz", "responses.sqlite")):
        (in_folder / name).write_bytes(gzip.decompress((BEFORE / packed).read_bytes()))
    monkeypatch.syspath_prepend(BEFORE)
    monkeypatch.setattr(catalogue, "_REGISTERED", {})
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    wb.register_pipeline(importlib.import_module("mine_alone").MineAlone)
    yield TOLD["experiment"]["database"]
    sys.modules.pop("mine_alone", None)


def test_it_opens_and_compares_as_before(log: str) -> None:
    now = json.loads(wb.compare(log).format("json"))
    for part in ("table", "tasks"):
        before = TOLD["comparison"][part]
        assert [{key: row[key] for key in old} for row, old in zip(now[part], before, strict=True)] == before
    assert wb.open(log).runs()["method"].nunique() == len(TOLD["identity"])


def test_its_finished_runs_are_kept_unless_their_method_was_edited_since(log: str) -> None:
    runs = wb.open(log).runs()
    as_they_were = {
        method
        for method, told in TOLD["identity"].items()
        if (code_hash(method), prompts_hash(method)) == (told["code"], told["prompts"])
    }
    summary = wb.run(TOLD["experiment"], progress=False)
    assert summary.experiment_id == TOLD["experiment_id"]
    assert summary.kept == QUESTIONS * int(runs["method"].isin(as_they_were).sum())
    assert summary.kept + summary.answered == QUESTIONS * len(runs)


def test_a_third_partys_unchanged_code_has_the_hash_that_it_had(log: str) -> None:
    assert code_hash("mine_alone") == TOLD["identity"]["mine_alone"]["code"]
