"""The chunk index: the same for whoever asks, on disk or not, however its builders end."""

from __future__ import annotations

import errno
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import workbench.retrieval.indexes.in_memory as index_module
from tests.conftest import ROOT
from workbench.errors import InputError, MethodError, StoreError
from workbench.records import Chunk, Context, Document
from workbench.retrieval.embedders.embedder import unit_rows
from workbench.retrieval.embedders.lsa import LsaEmbedder
from workbench.retrieval.embedders.wrapped import LateEmbedder
from workbench.retrieval.indexes.bm25 import Bm25Options
from workbench.retrieval.indexes.building import build_index
from workbench.retrieval.indexes.chunk_index import ChunkIndex
from workbench.retrieval.indexes.parts import FORMAT, IndexOptions
from workbench.retrieval.indexes.shelf import _locked
from workbench.text import count_tokens

TEXTS = [
    " ".join(f"In {1700 + i} the {trade} of Place {i} moved {7 * i} carts of {good}." for i in range(40))
    for trade, good in (("miller", "corn"), ("weaver", "wool"), ("smith", "iron"))
]
CONTEXT = Context(tuple(Document(f"d{i}", text) for i, text in enumerate(TEXTS)))
QUERY = "How much wool did the weaver of Place 7 move in 1707?"


@pytest.fixture(autouse=True)
def forgotten() -> Iterator[None]:
    """Every test begins as a new process does: nothing in memory."""
    index_module._MEMORY.clear()
    yield
    index_module._MEMORY.clear()


def made(
    directory: Path | None = None, embedder: Any = None, *, context: Context = CONTEXT, **options: Any
) -> ChunkIndex:
    options = {"chunk_tokens": 60, "overlap": 0, "splitter": "packed", **options}
    embedder = embedder or LsaEmbedder(32)
    counter = {"count": count_tokens, "tokenizer": "tiktoken:o200k_base"}
    return build_index(context, embedder=embedder, directory=directory, **{**counter, **options})


class Counting:
    """An embedder that counts what it is asked, and knows texts by their letters."""

    def __init__(self, name: str = "counting") -> None:
        self.name = name
        self.asked = 0

    def fit(self, texts: Sequence[str]) -> Counting:
        return self

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        self.asked += len(texts)
        return unit_rows([[text.count(letter) for letter in "aeiourstln"] for text in texts])


def test_the_right_chunk_is_found_by_each_retriever() -> None:
    index = made()
    for retriever in ("dense", "sparse", "hybrid"):
        hits = index.search(QUERY, 5, retriever)
        assert [hit.rank for hit in hits] == [1, 2, 3, 4, 5]
        assert all(CONTEXT.holds(hit.chunk) for hit in hits)
        assert any("weaver of Place 7 " in hit.chunk.text for hit in hits)
        assert [hit.score for hit in hits] == sorted((hit.score for hit in hits), reverse=True)
    with pytest.raises(MethodError, match="unknown retriever"):
        index.search(QUERY, 5, "psychic")


def test_hybrid_is_the_fusion_of_both() -> None:
    index = made()
    dense = [hit.chunk for hit in index.search(QUERY, 50, "dense")]
    sparse = [hit.chunk for hit in index.search(QUERY, 50, "sparse")]
    best = index.search(QUERY, 1)[0]
    parts = [1 / (60 + ranking.index(best.chunk) + 1) for ranking in (dense, sparse) if best.chunk in ranking]
    assert best.score == pytest.approx(sum(parts))


def test_an_index_from_disk_answers_like_the_one_that_was_built(tmp_path: Path) -> None:
    built = made(tmp_path)
    before = [built.search(QUERY, 9, retriever) for retriever in ("dense", "sparse", "hybrid")]
    index_module._MEMORY.clear()
    again = made(tmp_path)
    assert again is not built
    assert [again.search(QUERY, 9, retriever) for retriever in ("dense", "sparse", "hybrid")] == before
    without = made(None)
    assert [without.search(QUERY, 9, retriever) for retriever in ("dense", "sparse", "hybrid")] == before
    assert not again.dense.vectors.flags.owndata and not again.dense.vectors.flags.writeable  # mapped, not read


def test_nothing_is_embedded_twice_and_nothing_for_a_sparse_search(tmp_path: Path) -> None:
    embedder = Counting()
    index = made(tmp_path, embedder)
    index.search(QUERY, 3, "sparse")
    assert embedder.asked == 0
    index.search(QUERY, 3, "dense")
    assert embedder.asked == len(index.chunks) + 1
    index_module._MEMORY.clear()
    made(tmp_path, embedder).search(QUERY, 3, "hybrid")
    assert embedder.asked == len(index.chunks) + 2


def test_chunks_of_the_index_are_not_embedded_again(tmp_path: Path) -> None:
    embedder = Counting()
    index = made(tmp_path, embedder).prepare("dense")
    asked = embedder.asked
    picked = [index.chunks[3], index.chunks[0]]
    assert index.vectors_of(picked) == pytest.approx(index.vectors[[3, 0]])
    assert embedder.asked == asked
    other = Chunk.of(CONTEXT.documents[1], 5, 25)  # not in the index
    assert index.vectors_of([picked[0], other]).shape == (2, index.vectors.shape[1])
    assert embedder.asked == asked + 2
    window = made(tmp_path, embedder, splitter="window:1").prepare("dense")
    hits = window.search(QUERY, 2, "dense")
    assert len(window.vectors_of([hit.chunk for hit in hits])) == len(hits)  # reads are no chunks: embedded


class Tokens(Counting):
    """Late chunking by letters: a span's vector is of its letters and of those of the whole text."""

    def __init__(self) -> None:
        super().__init__("tokens")
        self.documents: list[str] = []

    def embed_spans(self, text: str, spans: Sequence[tuple[int, int]]) -> NDArray[np.float32]:
        self.documents.append(text)
        whole = np.array([text.count(letter) for letter in "nltsruoiea"])
        return unit_rows([[text[a:b].count(c) for c in "aeiourstln"] + 0.1 * whole for a, b in spans])


def test_late_chunks_are_embedded_in_their_document_each_document_once(tmp_path: Path) -> None:
    context = Context((*CONTEXT.documents, Document("blank", " \n ")))
    inner = Tokens()
    index = made(tmp_path, LateEmbedder(inner), context=context, splitter="single").prepare("dense")
    assert inner.documents == TEXTS and not inner.asked  # whole, once each; no chunk by itself
    assert len(index.vectors) == len(index.chunks) == 120
    for place in (0, 57, 119):  # rows are the chunks', across documents
        chunk = index.chunks[place]
        (own,) = inner.embed_spans(context.document(chunk.document_id).text, [(chunk.start, chunk.end)])
        assert index.vectors[place] == pytest.approx(own, abs=1e-6)
    alone = made(embedder=inner, context=context, splitter="single")
    assert not np.allclose(index.vectors[0], alone.vectors[0], atol=1e-3)  # the surroundings are in it
    index_module._MEMORY.clear()
    again = made(tmp_path, LateEmbedder(Tokens()), context=context, splitter="single")
    assert again.vectors == pytest.approx(index.vectors)
    assert again.search(QUERY, 3, "dense")[0].score == pytest.approx(index.search(QUERY, 3, "dense")[0].score)
    assert index.unfitted_embedder.name == "late:tokens"


def test_late_chunking_needs_the_documents_own_texts() -> None:
    index = made(embedder=LateEmbedder(Tokens()))
    with pytest.raises(InputError, match="late chunking embeds the documents themselves"):
        _ = index.configured(texts=["a"] * len(index.chunks)).dense


def test_what_changes_an_index_changes_its_address(tmp_path: Path) -> None:
    first = made(tmp_path)
    for other in (
        made(tmp_path, chunk_tokens=61),
        made(tmp_path, overlap=5),
        made(tmp_path, splitter="words"),
        made(tmp_path, LsaEmbedder(16)),
    ):
        assert other is not first
    assert made(tmp_path) is first


def test_tokenizers_share_chunks_only_where_they_are_not_asked(tmp_path: Path) -> None:
    def letters(text: str) -> int:
        return len(text) // 4 + 1

    for splitter in ("sentence", "tokens", "words", "single", "window:2"):
        other = made(tmp_path, splitter=splitter, count=letters, tokenizer="letters")
        assert other is made(tmp_path, splitter=splitter), splitter
    assert len(list(tmp_path.glob("chunks-*"))) == 5
    for splitter in ("packed", "paragraphs", "markdown", "hierarchical:20", "code"):
        other = made(tmp_path, splitter=splitter, count=letters, tokenizer="letters")
        assert other is not made(tmp_path, splitter=splitter), splitter
    assert made(tmp_path, splitter="single", chunk_tokens=9) is made(tmp_path, splitter="single")


@pytest.mark.parametrize("harm", ["flip", "cut", "drop", "manifest", "facts", "version"])
def test_a_damaged_index_is_built_again(harm: str, tmp_path: Path) -> None:
    before = made(tmp_path).prepare().search(QUERY, 9)
    index_module._MEMORY.clear()
    for folder in tmp_path.glob("[cds]*-*"):
        file = max((f for f in folder.iterdir() if f.suffix == ".npy"), key=lambda f: f.stat().st_size)
        raw = bytearray(file.read_bytes())
        manifest = folder / "manifest.json"
        if harm == "flip":
            raw[-3] ^= 1
            file.write_bytes(raw)
        elif harm == "cut":
            file.write_bytes(raw[:-8])
        elif harm == "drop":
            file.unlink()
        elif harm == "manifest":
            manifest.write_text("{")
        elif harm == "facts":
            manifest.write_text(manifest.read_text().replace('"recall_at_10": 1.0', '"recall_at_10": 0.5'))
        else:
            manifest.write_text(json.dumps({**json.loads(manifest.read_text()), "version": "0"}))
    assert made(tmp_path).search(QUERY, 9) == before
    index_module._MEMORY.clear()
    embedder = Counting("lsa-32")  # were the mended index not on disk, this one would be asked for all texts
    made(tmp_path, embedder)
    for folder in tmp_path.glob("[cds]*-*"):
        kept = json.loads((folder / "manifest.json").read_text())
        assert kept["version"] == FORMAT
        assert kept["facts"].get("recall_at_10", 1.0) == 1.0


BUILDER = """
import sys, time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from tests.retrieval.indexes.test_chunk_index import Counting, made
class Slow(Counting):
    def embed(self, texts):
        if len(texts) > 1:
            print("embedding", flush=True)
            time.sleep(float(sys.argv[2]))
        return super().embed(texts)
index = made(Path(sys.argv[1]), Slow())
print("found", [hit.chunk.chunk_id for hit in index.search("wool", 3)], flush=True)
"""


def builder(directory: Path, seconds: float) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", BUILDER, str(directory), str(seconds)],
        cwd=ROOT,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        stdout=subprocess.PIPE,
        text=True,
    )


def test_two_processes_that_build_at_once_make_one_index(tmp_path: Path) -> None:
    said = [process.communicate(timeout=60)[0].splitlines() for process in [builder(tmp_path, 2) for _ in range(2)]]
    assert sorted(lines.count("embedding") for lines in said) == [0, 1]
    assert said[0][-1] == said[1][-1] and said[0][-1].startswith("found ['d")
    kinds = sorted(path.name.partition("-")[0] for path in tmp_path.iterdir() if path.is_dir())
    assert kinds == ["chunks", "dense", "sparse"]


def test_a_builder_that_is_killed_leaves_nothing_to_trust(tmp_path: Path) -> None:
    process = builder(tmp_path, 60)
    assert process.stdout is not None and process.stdout.readline() == "embedding\n"
    half = tmp_path / f".building-{'dense-x'}-half"
    half.mkdir()  # what a kill during the writing would leave beside
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    assert not list(tmp_path.glob("dense-*"))
    started = time.monotonic()
    embedder = Counting()
    index = made(tmp_path, embedder)
    index.search(QUERY, 3, "dense")
    assert embedder.asked == len(index.chunks) + 1
    assert time.monotonic() - started < 20  # the dead builder's lock is not waited for


def test_no_lock_file_is_left_and_those_who_wait_still_take_turns(tmp_path: Path) -> None:
    """Twelve builders at once, each of whom finds the lock file of the one before taken away."""
    inside: list[int] = []
    most: list[int] = []

    def hold(number: int) -> None:
        with _locked(tmp_path / ".x.lock"):
            inside.append(number)
            most.append(len(inside))
            time.sleep(0.005)
            inside.remove(number)

    with ThreadPoolExecutor(12) as pool:
        list(pool.map(hold, range(12)))
    assert most == [1] * 12
    assert not list(tmp_path.iterdir())


def test_a_folder_that_cannot_be_written_is_one_clear_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = tmp_path / "indexes"
    place.write_text("a file")
    with pytest.raises(StoreError, match=r"indexes cannot be kept in .*indexes: .*beside the experiment's `database`"):
        made(place)
    place.unlink()

    def full(*_: Any, **__: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(np, "save", full)
    with pytest.raises(StoreError, match="No space left on device"):
        made(place)
    assert not [path for path in place.iterdir() if path.name != "embeddings.sqlite"]


def test_a_disk_that_is_full_for_the_approximate_index_is_the_same_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import faiss

    def full(*_: Any) -> None:
        raise RuntimeError("Error: 'ret == (size)' failed: write error: 13 != 52 (No space left on device)")

    monkeypatch.setattr(faiss, "write_index", full)
    index = made(tmp_path).configured(IndexOptions(dense="hnsw"))
    with pytest.raises(StoreError, match=r"indexes cannot be kept in .*No space left on device"):
        index.prepare("dense")
    assert not list(tmp_path.glob("dense-*")) and not list(tmp_path.glob(".building-*"))


def test_a_build_killed_while_it_writes_is_swept_away(tmp_path: Path) -> None:
    embedder = Counting()
    made(tmp_path, embedder).search(QUERY, 1, "dense")
    (whole,) = tmp_path.glob("dense-*")
    half = tmp_path / f".building-{whole.name}-abc"
    whole.rename(half)  # the state just before the rename that makes it count
    (half / "manifest.json").unlink()
    index_module._MEMORY.clear()
    made(tmp_path, embedder).search(QUERY, 1, "dense")
    assert whole.is_dir() and not half.exists()


def test_windows_that_overlap_are_read_once() -> None:
    index = made(splitter="window:2")
    hits = index.search(QUERY, 4)
    assert 1 < len(hits) <= 4
    spans = [hit.chunk for hit in hits]
    assert not any(a.overlap(b) for i, a in enumerate(spans) for b in spans[:i])
    assert all(CONTEXT.holds(chunk) for chunk in spans)
    assert any("the weaver of Place 7 " in chunk.text and "Place 6 " in chunk.text for chunk in spans)


@pytest.mark.parametrize("retriever", ["dense", "sparse", "hybrid"])
@pytest.mark.parametrize(("splitter", "overlap"), [("window:3", 0), ("hierarchical:20", 0), ("hierarchical:20", 40)])
@pytest.mark.parametrize("k", [1, 5])
def test_never_more_is_read_than_k_single_reads_are_long(retriever: str, splitter: str, overlap: int, k: int) -> None:
    index = made(splitter=splitter, chunk_tokens=120, overlap=overlap)
    assert index._reads is not None
    longest = max(len(chunk.text) for chunk in index._reads)
    hits = index.search(QUERY, k, retriever)
    assert hits and sum(len(hit.chunk.text) for hit in hits) <= k * longest
    assert max(len(hit.chunk.text) for hit in hits) <= k * longest
    if splitter.startswith("hierarchical"):
        assert len(hits) == k  # parents have no text in common, so each is a hit of its own


def test_lower_candidates_never_enlarge_what_is_read() -> None:
    index = made(splitter="window:1")
    alone = index.search(QUERY, 1)[0].chunk
    centre = next(c for c, read in zip(index.chunks, index._reads or (), strict=True) if read == alone)
    assert "Place 7 " in centre.text  # a window of one sentence either side, though its neighbours are candidates too


def test_parents_are_read_for_their_children() -> None:
    hits = made(splitter="hierarchical:20", chunk_tokens=120).search(QUERY, 2)
    assert all(60 < count_tokens(hit.chunk.text) <= 120 for hit in hits)


def test_parents_are_sought_until_there_are_enough() -> None:
    """All children of the first parent come before any other's: four candidates a hit would find one parent only."""
    family = " ".join(f"Alpha alpha alpha {i}." for i in range(30))
    others = " ".join(f"Alpha then came a long and winding story of river {i}." for i in range(30))
    context = Context((Document("d0", family), Document("d1", others)))
    index = made(context=context, splitter="hierarchical:8", chunk_tokens=400)
    assert {hit.chunk.document_id for hit in index.search("alpha", 2, "sparse")} == {"d0", "d1"}


@pytest.mark.parametrize("query", ["zzzz qqqq", "", "   ", "who is the"])
def test_a_query_of_which_nothing_is_known_finds_nothing(query: str) -> None:
    index = made()
    for retriever in ("dense", "sparse", "hybrid"):
        assert index.search(query, 4, retriever) == [], retriever


def test_the_same_chunks_can_be_indexed_otherwise(tmp_path: Path) -> None:
    index = made(tmp_path)
    plus = index.configured(IndexOptions(bm25=Bm25Options("plus"), dense="hnsw"))
    assert plus.chunks is index.chunks and plus.dense.kind == "hnsw" and plus.sparse.options.variant == "plus"
    assert index.configured(IndexOptions(bm25=Bm25Options("plus"), dense="hnsw")) is plus
    assert index.configured() is index
    assert plus.search(QUERY, 1)[0].chunk == index.search(QUERY, 1)[0].chunk


def test_texts_with_a_context_are_searched_and_the_chunks_are_read(tmp_path: Path) -> None:
    index = made(tmp_path)
    texts = [f"zebra {i}. {chunk.text}" if i == 3 else chunk.text for i, chunk in enumerate(index.chunks)]
    told = index.configured(texts=texts)
    for retriever in ("sparse", "hybrid"):
        assert told.search("zebra", 1, retriever)[0].chunk == index.chunks[3]
    assert index.search("zebra", 1, "sparse") == []
    with pytest.raises(MethodError, match="1 texts"):
        index.configured(texts=["one"])


def test_a_german_index_speaks_german_on_both_sides(tmp_path: Path) -> None:
    context = Context((Document("d", "Die Häuser brannten. Der Fluss war tief. Die Kirche stand. Das Korn verdarb."),))
    index = made(tmp_path, LsaEmbedder(), context=context, splitter="single")
    index = index.configured(IndexOptions(bm25=Bm25Options(language="german")))
    assert index.embedder.name == "lsa-256-german"
    for retriever in ("dense", "sparse"):
        assert index.search("Welches Haus brannte?", 1, retriever)[0].chunk.text == "Die Häuser brannten."


def test_several_wordings_and_a_vector_go_into_one_ranking() -> None:
    index = made()
    hits = index.find(["wool weaver", "Place 7"], 3)
    assert len(hits) == 3
    vector = index.embedder.embed([TEXTS[2][:200]])[0]
    assert index.find([QUERY], 1, "dense", vector=vector)[0].chunk.document_id == "d2"


def test_an_empty_context_has_no_hits(tmp_path: Path) -> None:
    index = made(tmp_path, context=Context((Document("d", ""),)), splitter="sentence")
    assert index.prepare().search("anything", 3) == []


def test_an_index_of_chunks_alone_needs_no_context() -> None:
    chunks = [Chunk("d", 0, 5, "wool."), Chunk("d", 6, 11, "corn.")]
    assert ChunkIndex(chunks, LsaEmbedder()).search("corn", 1)[0].chunk == chunks[1]
