"""`docs/architecture.md` names rooms that exist, and every room that exists."""

from __future__ import annotations

import re
from pathlib import Path

from tests.conftest import ROOT

PAGE = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")


def named(page: str) -> set[str]:
    """The folders and files of ours that a page names; of a file to be written (`my_…`, `<family>`) its folder."""
    found = re.findall(r"(?<![\w/.])((?:workbench|pipelines|corpora|docs|notebooks|examples)(?:/[\w.<>-]+)*)", page)
    return {re.sub(r"/(<\w+>|my_\w+\.py).*", "", place).rstrip(".") for place in found}


def missing(page: str) -> set[str]:
    return {place for place in named(page) if not (ROOT / place).exists()}


def packages(folder: str) -> set[str]:
    return {str(file.parent.relative_to(ROOT)) for file in (ROOT / folder).glob("*/__init__.py")}


def test_every_place_that_the_page_names_exists() -> None:
    assert len(named(PAGE)) > 40
    assert not missing(PAGE)
    assert missing("see `workbench/cellar/wine.py` or workbench/attic, in `pipelines/<family>/my_method.py`") == {
        "workbench/cellar/wine.py",
        "workbench/attic",
    }


def test_every_room_stands_on_the_page() -> None:
    rooms = set().union(*map(packages, ("workbench", "workbench/retrieval", "workbench/llm", "pipelines", "corpora")))
    assert len(rooms) > 20
    assert not rooms - named(PAGE)


def test_no_file_of_ours_is_longer_than_350_lines() -> None:
    long = {
        str(file.relative_to(ROOT)): lines
        for room in ("workbench", "pipelines", "corpora")
        for file in Path(ROOT / room).rglob("*.py")
        if (lines := len(file.read_text(encoding="utf-8").splitlines())) > 350
    }
    assert not long
