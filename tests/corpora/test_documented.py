"""Every corpus stands in the docs, and says what it is in one line."""

from __future__ import annotations

from tests.conftest import ROOT
from workbench import catalogue


def test_every_corpus_is_documented() -> None:
    told = (ROOT / "docs" / "corpora.md").read_text(encoding="utf-8")
    for name, load in catalogue.corpora().items():
        assert f"`{name}`" in told or f"{name}@" in told, name
        first = (load.__doc__ or "").strip().partition("\n")[0]
        assert len(first) > 20, name
