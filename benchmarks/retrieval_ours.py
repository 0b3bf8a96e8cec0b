"""Our side of `retrieval.py`: the chunk index, and its two halves on the terms that their rivals get."""

from __future__ import annotations

import resource
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from retrieval_measures import TOP_K, corpus, latencies, least, probe


class Ready:
    """An embedder that was fitted beforehand, or vectors that are known: nothing is fitted any more."""

    def __init__(self, name: str, embed: Callable[[Sequence[str]], Any]) -> None:
        self.name = name
        self.embed = embed

    def fit(self, texts: Sequence[str]) -> Ready:
        return self


def ours(number: int, folder: Path) -> dict[str, Any]:
    """The chunk index: dense and sparse built and kept, then opened again and asked."""
    from workbench.retrieval.chunks.chunk_table import ChunkTable
    from workbench.retrieval.embedders.opening import open_embedder
    from workbench.retrieval.indexes.building import index_chunks

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
    from workbench.retrieval.chunks.chunk_table import ChunkTable
    from workbench.retrieval.embedders.lsa import LsaEmbedder
    from workbench.retrieval.indexes.building import index_chunks

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
    from workbench.retrieval.indexes.bm25 import Bm25Index

    context, spans, queries = corpus(number)
    texts = [context.documents[d].text[s:e] for d, s, e in spans]
    started = time.perf_counter()
    index = Bm25Index(texts)
    built = time.perf_counter() - started
    scores = index.scores(queries[0])
    return {"build_s": built, "probe": probe(scores), **latencies(lambda query: index.search(query, TOP_K), queries)}
