"""The other libraries in `retrieval.py`, each as its documentation uses it over the same chunks, terms and embedder."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from retrieval_measures import TOP_K, corpus, latencies, least, probe


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

    from workbench.retrieval.embedders.lsa import LsaEmbedder

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
