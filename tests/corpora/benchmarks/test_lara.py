"""LaRA: documents by length and kind, four tasks."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from corpora.benchmarks.lara import load
from workbench.errors import InputError


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "query").mkdir()
    (tmp_path / "32k" / "book").mkdir(parents=True)
    (tmp_path / "32k" / "book" / "Tale.txt").write_text("Once there was a tale.")
    row = {"file": "Tale.txt", "question": "What was there?", "answer": "a tale", "context_order": 3}
    for level in ("location", "hallu"):
        (tmp_path / "query" / f"32k_book_{level}.jsonl").write_text(json.dumps(row) + "\n")
    return tmp_path


def test_tasks_share_their_document(folder: Path) -> None:
    corpus = load(path=str(folder))
    located, invented = corpus.questions
    assert located.context_id == invented.context_id
    assert (located.task, located.metadata["position"]) == ("location", 3)
    assert (invented.task, invented.metrics, invented.metadata["unanswerable"]) == (
        "hallucination",
        ("abstention",),
        True,
    )
    assert load(path=str(folder), files=["Tale"]).fingerprint == corpus.fingerprint


def test_a_missing_document_and_a_missing_column(folder: Path) -> None:
    (folder / "32k" / "book" / "Tale.txt").unlink()
    with pytest.raises(InputError, match=r"Tale\.txt: no such file"):
        load(path=str(folder))
    (folder / "query" / "32k_book_location.jsonl").write_text('{"file": "Tale.txt", "question": "?"}\n')
    with pytest.raises(InputError, match="line 1: has no field 'answer'"):
        load(path=str(folder))


def test_the_published_release(shared_data: Path) -> None:
    corpus = load(path=str(shared_data / "lara"))
    assert len(corpus.questions) == 25 + 20 + 15 + 20 + 59 + 48 + 35 + 46  # lines of the query files
    assert len(load(path=str(shared_data / "lara"), length="128k", limit=40).questions) == 40
