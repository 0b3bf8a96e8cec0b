"""`workbench index`: what lies on the shelf, whether it is whole, and what may go."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

import workbench.retrieval.indexes.in_memory as index_module
from workbench.cli.main import main
from workbench.records import Context, Document
from workbench.retrieval.embedders.lsa import LsaEmbedder
from workbench.retrieval.indexes.building import build_index
from workbench.retrieval.indexes.inventory import inventory, prune
from workbench.retrieval.indexes.parts import FORMAT
from workbench.retrieval.indexes.shelf import _locked
from workbench.text import count_tokens


@pytest.fixture(autouse=True)
def forgotten() -> Iterator[None]:
    index_module._MEMORY.clear()
    yield
    index_module._MEMORY.clear()


def build(folder: Path, word: str) -> None:
    context = Context((Document("d", " ".join(f"The {word} of place {i} burned." for i in range(30))),))
    build_index(
        context, chunk_tokens=20, overlap=0, splitter="packed", embedder=LsaEmbedder(8), count=count_tokens,
        tokenizer="t", directory=folder,
    ).prepare()  # fmt: skip


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Six things of two contexts: those of the mill were used long ago."""
    build(tmp_path, "mill")
    for manifest in tmp_path.glob("*/manifest.json"):
        os.utime(manifest, (1_000_000, 1_000_000))
    build(tmp_path, "forge")
    return tmp_path


def test_what_is_kept_is_listed_the_last_used_first(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    kept = inventory(folder, FORMAT)
    assert sorted(one.kind for one in kept) == ["chunks", "chunks", "dense", "dense", "sparse", "sparse"]
    assert [one.used > 2_000_000 for one in kept] == [True] * 3 + [False] * 3
    assert {one.state for one in kept} == {"whole"}
    assert main(["index", "list", str(folder), "--format", "json"]) == 0
    printed = json.loads(capsys.readouterr().out)
    assert printed["bytes"] == sum(one.bytes for one in kept) > 0
    assert main(["index", "list", str(folder)]) == 0
    assert "embedder lsa-8" in capsys.readouterr().out


def test_an_index_that_is_opened_is_used(folder: Path) -> None:
    index_module._MEMORY.clear()
    build(folder, "mill")
    assert all(one.used > 2_000_000 for one in inventory(folder, FORMAT))


def test_damage_is_found_and_pruned_and_the_rest_stays(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["index", "verify", str(folder)]) == 0
    vectors = next(folder.glob("dense-*")) / "vectors.npy"
    vectors.write_bytes(vectors.read_bytes()[:-1] + b"x")
    (next(folder.glob("chunks-*")) / "manifest.json").write_text("{")
    assert main(["index", "verify", str(folder)]) == 1
    assert "4 whole, 2 damaged" in capsys.readouterr().out
    assert {one.kind for one in prune(folder, FORMAT)} == {"dense", "chunks"}
    assert len(inventory(folder, FORMAT)) == 4
    assert main(["index", "verify", str(folder)]) == 0


def test_other_formats_and_leftovers_go_but_not_under_a_builder_s_hands(folder: Path) -> None:
    (folder / ".building-dense-abc-x1y2").mkdir()
    (folder / ".building-dense-def-x1y2").mkdir()
    (folder / ".sparse-gone.lock").touch()
    (folder / "embeddings.sqlite").touch()
    with _locked(folder / ".dense-def.lock"):
        dropped = {one.path.name for one in prune(folder, FORMAT)}
    assert dropped == {".building-dense-abc-x1y2", ".sparse-gone.lock"}
    assert (folder / ".building-dense-def-x1y2").is_dir() and (folder / "embeddings.sqlite").exists()
    assert len(prune(folder, "another")) == 7
    assert [path.name for path in folder.iterdir()] == ["embeddings.sqlite"]


def test_those_unused_for_longest_go_first(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    recent = sum(one.bytes for one in inventory(folder, FORMAT) if one.used > 2_000_000)
    assert main(["index", "prune", str(folder), "--max", str(recent)]) == 0
    assert "3 dropped" in capsys.readouterr().out
    assert all(one.used > 2_000_000 for one in inventory(folder, FORMAT))
    assert main(["index", "prune", str(folder), "--max", "much"]) == 2
    assert main(["index", "list", str(folder / "nowhere")]) == 2
