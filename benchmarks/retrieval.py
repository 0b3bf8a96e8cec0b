"""Retrieval against its rivals: index build, peak memory and query latency on the same chunks, terms and embedder.

    python benchmarks/retrieval.py                          1k to 1M chunks: 4 GB and a quarter of an hour on two cores
    python benchmarks/retrieval.py --sizes 1000 10000       the small ones: two minutes

Every measurement is a process of its own with one thread of arithmetic (other work on the machine makes more threads
wait for each other, which says nothing of either side), so that peak memory is its own; each system first builds a tiny
index, so that no import is timed. Rivals stop at `--rivals-up-to` chunks. Chunks are made of words drawn by Zipf's law
within topics, 60 words each; queries are six words of a chunk, so that common and rare ones meet. Needs the extra
`[benchmarks]`.

Dense builds are compared with llama-index's `VectorStoreIndex` over the same embedder in five ways, for most of the
time is the embedder's, which is the same on both sides. Fitted beforehand or fitted within the time; in memory alone or
kept on disk (ours: checked and mapped; llama-index's: `storage_context.persist`); and with vectors that are known
already, which is what each side does itself. Each is the least of three up to 10,000 chunks, in CPU seconds: other work
on the machine does not change them, and neither side uses more than one core. (Waiting for the disk is not in them; the
row "ours" has wall seconds.)
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

WORDS = 60
VOCABULARY = 200_000
PER_DOCUMENT = 1_000
TOP_K = 10
REPEATED_UP_TO = 10_000


def corpus(number: int, seed: int = 0) -> tuple[Any, list[tuple[int, int, int]], list[str]]:
    """A context, the chunks' spans, and 200 queries."""
    from workbench.records import Context, Document

    draw = np.random.default_rng(seed)
    letters = np.array(list("bcdfghjklmnprstvwz"))
    vowels = np.array(list("aeiou"))
    names = np.array(
        [
            "".join(f"{letters[i // 18**j % 18]}{vowels[i // 5**j % 5]}" for j in range(1 + (i > 90) + (i > 2_000) + 1))
            + ("" if i < 30_000 else str(i % 97))
            for i in range(VOCABULARY)
        ]
    )
    documents, spans, queries = [], [], []
    wanted = set(draw.choice(number, min(200, number), replace=False).tolist())
    for place in range(0, number, PER_DOCUMENT):
        rows = min(PER_DOCUMENT, number - place)
        common = np.minimum(draw.zipf(1.3, (rows, WORDS // 2)) - 1, VOCABULARY - 1)
        topic = draw.integers(0, 400, (rows, 1)) * 400 + 500
        own = (topic + np.minimum(draw.zipf(1.2, (rows, WORDS - WORDS // 2)) - 1, 5_000)) % VOCABULARY
        drawn = names[np.concatenate([common, own], axis=1)]
        texts = [" ".join(row) for row in drawn.tolist()]
        at = 0
        for offset, text in enumerate(texts):
            spans.append((len(documents), at, at + len(text)))
            at += len(text) + 1
            if place + offset in wanted:
                queries.append(" ".join(draw.choice(drawn[offset], 6).tolist()))
        documents.append(Document(f"d{len(documents)}", "\n".join(texts)))
    return Context(tuple(documents)), spans, queries


def latencies(search: Callable[[str], Any], queries: Sequence[str], at_most: float = 60.0) -> dict[str, float]:
    """p50 and p95 in milliseconds, after ten queries to warm up (fewer, when they take a third of the time); stops
    after `at_most` seconds."""
    begun = time.perf_counter()
    for query in queries[:10]:
        search(query)
        if time.perf_counter() - begun > at_most / 3:
            break
    times: list[float] = []
    begun = time.perf_counter()
    for query in queries:
        started = time.perf_counter()
        search(query)
        times.append(1e3 * (time.perf_counter() - started))
        if time.perf_counter() - begun > at_most:
            break
    return {"p50_ms": float(np.percentile(times, 50)), "p95_ms": float(np.percentile(times, 95)), "queries": len(times)}


class Ready:
    """An embedder that was fitted beforehand, or vectors that are known: nothing is fitted any more."""

    def __init__(self, name: str, embed: Callable[[Sequence[str]], Any]) -> None:
        self.name = name
        self.embed = embed

    def fit(self, texts: Sequence[str]) -> Ready:
        return self


def least(number: int, build: Callable[[Path | None], Any], folder: Path | None = None) -> float:
    """The least CPU seconds of three builds (of one, for many chunks), each into a new folder when one is given."""
    times = []
    for turn in range(3 if number <= REPEATED_UP_TO else 1):
        into = folder / f"turn{turn}" if folder else None
        started = time.process_time()
        build(into)
        times.append(time.process_time() - started)
    return min(times)


def ours(number: int, folder: Path) -> dict[str, Any]:
    """The chunk index: dense and sparse built and kept, then opened again and asked."""
    from workbench.retrieval.chunk_table import ChunkTable
    from workbench.retrieval.embedding import open_embedder
    from workbench.retrieval.index import index_chunks

    context, spans, queries = corpus(number)
    table = ChunkTable(context, spans)
    held = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    started = time.perf_counter()
    index = index_chunks(context, table, open_embedder("lsa"), folder)
    _ = index.dense
    dense_s = time.perf_counter() - started
    _ = index.sparse
    both_s = time.perf_counter() - started
    del index
    started = time.perf_counter()
    index = index_chunks(context, table, open_embedder("lsa"), folder).prepare()
    load_s = time.perf_counter() - started
    found: dict[str, Any] = {"dense_build_s": dense_s, "build_s": both_s, "load_s": load_s}
    found |= {"kind": index.dense.kind, "recall_at_10": index.dense.recall, "corpus_gb": held / 2**20}
    for retriever in ("dense", "sparse", "hybrid"):
        found[retriever] = latencies(lambda query, name=retriever: index.search(query, TOP_K, name), queries)
    return found


def our_dense(number: int, folder: Path) -> dict[str, Any]:
    """Our dense index by itself, built in the five ways."""
    from workbench.retrieval.chunk_table import ChunkTable
    from workbench.retrieval.index import index_chunks
    from workbench.retrieval.lsa import LsaEmbedder

    context, spans, queries = corpus(number)
    table = ChunkTable(context, spans)
    fitted = LsaEmbedder().fit(list(table.texts()))
    vectors = fitted.embed(list(table.texts()))
    whole, ready = LsaEmbedder(), Ready("ready", fitted.embed)
    known = Ready("known", lambda texts: vectors if len(texts) == number else fitted.embed(texts))
    built: list[Any] = []

    def build(embedder: Any) -> Callable[[Path | None], None]:
        return lambda into: built.append(index_chunks(context, table, embedder, into).prepare("dense"))

    found = {
        "whole_kept_s": least(number, build(whole), folder / "whole"),
        "ready_kept_s": least(number, build(ready), folder / "ready"),
        "whole_s": least(number, build(whole)),
        "ready_s": least(number, build(ready)),
        "known_s": least(number, build(known)),
    }
    found["build_s"] = found["whole_kept_s"]
    return {**found, **latencies(lambda query: built[0].search(query, TOP_K, "dense"), queries)}


def bm25(number: int, folder: Path) -> dict[str, Any]:
    """Our BM25 by itself, on the terms that its rivals get."""
    from workbench.retrieval.bm25 import Bm25Index

    context, spans, queries = corpus(number)
    texts = [context.documents[d].text[s:e] for d, s, e in spans]
    started = time.perf_counter()
    index = Bm25Index(texts)
    built = time.perf_counter() - started
    scores = index.scores(queries[0])
    return {"build_s": built, "probe": probe(scores), **latencies(lambda query: index.search(query, TOP_K), queries)}


def probe(scores: Any) -> list[float]:
    """The best scores, to be compared between systems."""
    return [float(score) for score in sorted(scores, reverse=True)[:20]]


def rank_bm25(number: int, folder: Path) -> dict[str, Any]:
    """rank_bm25's Okapi, the definition of our scores."""
    from rank_bm25 import BM25Okapi

    from workbench.retrieval.analysis import terms

    context, spans, queries = corpus(number)
    started = time.perf_counter()
    index = BM25Okapi([terms(context.documents[d].text[s:e]) for d, s, e in spans])
    built = time.perf_counter() - started

    def search(query: str) -> Any:
        scores = index.get_scores(terms(query))
        return np.argsort(-scores, kind="stable")[:TOP_K]

    return {
        "build_s": built,
        "probe": probe(index.get_scores(terms(queries[0]))),
        **latencies(search, queries[:30] if number > 20_000 else queries),
    }


def bm25s(number: int, folder: Path) -> dict[str, Any]:
    """bm25s with the same terms (its numpy backend, as it installs)."""
    import bm25s as library

    from workbench.retrieval.analysis import terms

    context, spans, queries = corpus(number)
    started = time.perf_counter()
    index = library.BM25(k1=1.5, b=0.75)
    index.index([terms(context.documents[d].text[s:e]) for d, s, e in spans], show_progress=False)
    built = time.perf_counter() - started

    def search(query: str) -> Any:
        known = [term for term in terms(query) if term in index.vocab_dict]
        return index.retrieve([known], k=TOP_K, show_progress=False)

    return {"build_s": built, **latencies(search, queries)}


def _nodes(context: Any, spans: Sequence[tuple[int, int, int]]) -> list[Any]:
    from llama_index.core.schema import TextNode

    return [TextNode(text=context.documents[d].text[s:e], id_=str(i)) for i, (d, s, e) in enumerate(spans)]


def llama_dense(number: int, folder: Path) -> dict[str, Any]:
    """llama-index's VectorStoreIndex over our embedder, built in the five ways."""
    from llama_index.core import VectorStoreIndex
    from llama_index.core.base.embeddings.base import BaseEmbedding

    from workbench.retrieval.lsa import LsaEmbedder

    context, spans, queries = corpus(number)
    texts = [context.documents[d].text[s:e] for d, s, e in spans]
    fit_s = least(number, lambda into: LsaEmbedder().fit(texts))
    fitted = LsaEmbedder().fit(texts)
    vectors = fitted.embed(texts).tolist()
    place = {text: row for row, text in enumerate(texts)}

    class Ours(BaseEmbedding):
        def _get_text_embedding(self, text: str) -> list[float]:
            return fitted.embed([text])[0].tolist()

        def _get_text_embeddings(self, texts: list[str]) -> list[list[float]]:
            return fitted.embed(texts).tolist()

        def _get_query_embedding(self, query: str) -> list[float]:
            return fitted.embed([query])[0].tolist()

        async def _aget_query_embedding(self, query: str) -> list[float]:
            return self._get_query_embedding(query)

    class Known(Ours):
        def _get_text_embeddings(self, texts: list[str]) -> list[list[float]]:
            return [vectors[place[text]] for text in texts]

    built: list[Any] = []

    def build(model: type[Ours]) -> Callable[[Path | None], None]:
        def make(into: Path | None) -> None:
            # its default batch of 10 texts is slower; new nodes each time, for it keeps the vectors in them
            built[:] = [VectorStoreIndex(_nodes(context, spans), embed_model=model(embed_batch_size=2_048))]
            if into:
                built[0].storage_context.persist(str(into))

        return make

    nodes_s = least(number, lambda into: _nodes(context, spans))
    found = {
        "ready_kept_s": least(number, build(Ours), folder / "ready") - nodes_s,
        "known_s": least(number, build(Known)) - nodes_s,
        "ready_s": least(number, build(Ours)) - nodes_s,
    }
    found |= {"whole_s": found["ready_s"] + fit_s, "whole_kept_s": found["ready_kept_s"] + fit_s, "fit_s": fit_s}
    found["build_s"] = found["whole_kept_s"]
    retriever = built[0].as_retriever(similarity_top_k=TOP_K)
    return {**found, **latencies(retriever.retrieve, queries[:50], 30.0)}


def llama_bm25(number: int, folder: Path) -> dict[str, Any]:
    """llama-index's BM25Retriever."""
    from llama_index.retrievers.bm25 import BM25Retriever

    context, spans, queries = corpus(number)
    nodes = _nodes(context, spans)
    started = time.perf_counter()
    retriever = BM25Retriever.from_defaults(nodes=nodes, similarity_top_k=TOP_K)
    built = time.perf_counter() - started
    return {"build_s": built, **latencies(retriever.retrieve, queries[:50], 30.0)}


SYSTEMS: dict[str, Callable[[int, Path], dict[str, Any]]] = {
    "ours": ours,
    "our dense": our_dense,
    "our bm25": bm25,
    "bm25s": bm25s,
    "rank_bm25": rank_bm25,
    "llama VectorStoreIndex": llama_dense,
    "llama BM25Retriever": llama_bm25,
}


# it keeps vectors as Python lists in one dictionary: 100,000 chunks take minutes and gigabytes
MOST = {"llama VectorStoreIndex": 10_000, "our dense": 100_000}
WAYS = {
    "ready_kept_s": "kept on disk, embedder fitted beforehand (target 5)",
    "whole_kept_s": "kept on disk, with the fit",
    "ready_s": "in memory, embedder fitted beforehand",
    "whole_s": "in memory, with the fit",
    "known_s": "in memory, vectors known",
}


def one(system: str, number: int) -> None:
    """Measure in this process, and print it as JSON."""
    with tempfile.TemporaryDirectory(dir="/var/tmp" if Path("/var/tmp").is_dir() else None) as folder:
        SYSTEMS[system](100, Path(folder) / "tiny")  # loads libraries
        found = SYSTEMS[system](number, Path(folder))
    found["peak_gb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(json.dumps(found))


def measured(system: str, number: int) -> dict[str, Any]:
    """The same in a process of its own."""
    command = [sys.executable, __file__, "--one", system, "--sizes", str(number)]
    environment = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", **os.environ}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    if done.returncode != 0:
        raise SystemExit(f"{system} at {number:,} chunks failed:\n{done.stderr[-2_000:]}")
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def tokens(number: int) -> float:
    """Tokens of the corpus, from a sample of a thousand chunks."""
    from workbench.text import count_tokens

    context, spans, _ = corpus(min(number, 1_000))
    return count_tokens(context.documents[0].text) / len(spans) * number


def _ours(mine: dict[str, Any], whole: float) -> list[str]:
    rows = [
        f"  ours: built in {mine['build_s']:.1f} s ({whole / mine['build_s']:,.0f} tokens/s; dense alone "
        f"{mine['dense_build_s']:.1f} s), opened in {mine['load_s']:.2f} s, peak {mine['peak_gb']:.2f} GB (of it "
        f"{mine['corpus_gb']:.2f} the corpus), {mine['kind']}, recall@10 {mine['recall_at_10']:.3f}"
    ]
    for name in ("dense", "sparse", "hybrid"):
        rows.append(f"    {name:8} p50 {mine[name]['p50_ms']:8.2f} ms   p95 {mine[name]['p95_ms']:8.2f} ms")
    return rows


def table(number: int, results: dict[str, dict[str, Any]]) -> list[str]:
    """What was measured at one size, and the ratios that the targets are about."""
    mine, sparse = results.get("ours"), results.get("our bm25")
    whole = tokens(number)
    rows = [f"\n{number:,} chunks, {whole / 1e6:,.1f} M tokens"]
    rows += _ours(mine, whole) if mine else []
    for name, found in results.items():
        if name != "ours":
            rows.append(
                f"  {name:24} built in {found['build_s']:7.1f} s, peak {found['peak_gb']:.2f} GB, "
                f"p50 {found['p50_ms']:9.2f} ms, p95 {found['p95_ms']:9.2f} ms"
            )
    ratios = []
    if sparse and "rank_bm25" in results:
        rival = results["rank_bm25"]
        ratios.append(f"query {rival['p50_ms'] / sparse['p50_ms']:,.0f}x faster than rank_bm25 (target 100 at 100k)")
        worst = max(abs(a - b) for a, b in zip(rival["probe"], sparse["probe"], strict=True))
        ratios.append(f"largest difference from its scores {worst:.1e} (target 1e-9)")
    if sparse and "bm25s" in results:
        ratios.append(f"query {results['bm25s']['p50_ms'] / sparse['p50_ms']:.1f}x bm25s's speed (target 1)")
        ratios.append(f"BM25 build {results['bm25s']['build_s'] / sparse['build_s']:.1f}x bm25s's speed")
    if "our dense" in results and "llama VectorStoreIndex" in results:
        own, rival = results["our dense"], results["llama VectorStoreIndex"]
        for way, words in WAYS.items():
            seconds = f"{rival[way]:.3f} s, ours {own[way]:.3f} s"
            ratios.append(f"dense build {rival[way] / own[way]:.1f}x VectorStoreIndex's ({seconds}): {words}")
        ratios.append(f"dense query {rival['p50_ms'] / own['p50_ms']:,.0f}x VectorStoreIndex's")
    if mine and "llama BM25Retriever" in results:
        rival = results["llama BM25Retriever"]
        ratios.append(f"sparse query {rival['p50_ms'] / mine['sparse']['p50_ms']:,.0f}x BM25Retriever's")
    return [*rows, *(f"  -> {ratio}" for ratio in ratios)]


def main() -> None:
    """Measure all systems at all sizes."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", type=int, nargs="+", default=[1_000, 10_000, 100_000, 1_000_000])
    parser.add_argument("--rivals-up-to", type=int, default=100_000, help="chunks that the other libraries get at most")
    parser.add_argument("--systems", nargs="+", choices=SYSTEMS, default=list(SYSTEMS), help="measure these only")
    parser.add_argument("--one", choices=SYSTEMS, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.one:
        one(arguments.one, arguments.sizes[0])
        return
    for number in arguments.sizes:
        results = {}
        for name in arguments.systems:
            if number > MOST.get(name, number):
                print(f"{number:,} chunks: {name} is left out, it would take too long (up to {MOST[name]:,})")
            elif number <= arguments.rivals_up_to or name.startswith("our"):
                results[name] = measured(name, number)
                print(f"{number:,} {name}: {json.dumps(results[name])}", file=sys.stderr, flush=True)
        print("\n".join(table(number, results)), flush=True)


if __name__ == "__main__":
    main()
