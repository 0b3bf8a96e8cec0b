"""Cross-encoders: models that read question and passage together and score how well they match."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urlsplit

from workbench.errors import InputError
from workbench.retrieval.embedders.server import VectorCache, shares
from workbench.retrieval.server_connection import SHORT, ServerConnection
from workbench.retrieval.server_reply import Usage, listed, ranked_scores, usage_in
from workbench.retrieval.spending import Bill, is_dry, tell
from workbench.text import combined_hash, count_tokens

DEFAULT = "cross-encoder/ms-marco-MiniLM-L-6-v2"


class CrossEncoder(Protocol):
    """Scores passages for a question; larger is better."""

    def scores(self, question: str, passages: Sequence[str], *, directory: Path | None = None) -> list[float | None]:
        """One score per passage, in order; None for one that the model left out, which ranks below all others. Scores
        that cost money may be cached in `directory`."""


class LocalCrossEncoder:
    """A sentence-transformers cross-encoder on this machine, by name or folder (extra `[minilm]`)."""

    def __init__(self, model: str) -> None:
        try:
            from sentence_transformers import CrossEncoder as Encoder
        except ImportError as error:
            raise InputError(
                "cross-encoders on this machine are not installed",
                field="rerank",
                fix="pip install 'rag-vs-long-context-workbench[minilm]', or name a server: MODEL@http://host/v1",
            ) from error
        self._model: Any = Encoder(model)

    def scores(self, question: str, passages: Sequence[str], *, directory: Path | None = None) -> list[float | None]:
        """One score per passage, in order; nothing is cached."""
        found = self._model.predict([(question, passage) for passage in passages], show_progress_bar=False)
        return [float(score) for score in found]


class ServerCrossEncoder:
    """A server with `/rerank` as TEI, Jina, Cohere, Voyage or vLLM have it: `MODEL@http://host/v1`.

    Which of these it is is found by asking. A score depends on one question and one passage only, so each pair is paid
    for once: it is cached in `rerank.sqlite` in the given folder. Where the server leaves passages out, whether one has
    a score depends on the others; such scores are cached for that list of passages only.
    """

    def __init__(self, model: str, base_url: str, key: str | None = None) -> None:
        self._model = model
        self._url = f"{base_url.rstrip('/')}/rerank"
        self._connection = ServerConnection(self._url, key, f"reranking by {model}", most=1_000)
        self._lock = threading.Lock()
        self._caches: dict[Path, VectorCache] = {}

    def scores(self, question: str, passages: Sequence[str], *, directory: Path | None = None) -> list[float | None]:
        """One score per passage, in order, None for those that the server left out although it was asked for all.
        Raises ModelError."""
        import numpy as np

        if is_dry():
            tokens = self._count(question, passages)
            tell(Bill("rerank", self._model, len(passages), tokens, 0.0, estimated=True))
            return [0.0] * len(passages)
        cache = self._cache(directory)
        asked = {combined_hash(self._url, self._model, question, passage): passage for passage in passages}
        whole = combined_hash(self._url, self._model, question, *asked)  # the list, with nan for those left out
        kept = cache.get([*asked, whole]) if cache else {}
        known: dict[str, float | None] = {}
        if whole in kept:
            scores = kept[whole].tolist()
            known = {digest: None if math.isnan(score) else score for digest, score in zip(asked, scores, strict=True)}
        else:
            known = {digest: float(row[0]) for digest, row in kept.items()}
        if cache and known:
            tokens, seconds, estimated = cache.cost(kept)
            tell(Bill("rerank", self._model, len(known), tokens, seconds, reused=True, estimated=estimated))
        missing = {digest: passage for digest, passage in asked.items() if digest not in known}
        if missing:
            fresh, usage, took = self._asked(question, missing)
            known |= fresh
            if cache and None in fresh.values():
                row = np.array([math.nan if (score := known[digest]) is None else score for digest in asked])
                cache.put({whole: row}, {whole: usage.tokens}, estimated=usage.estimated)
                cache.took({whole: took})
            elif cache:
                rows = {digest: np.array([score]) for digest, score in fresh.items()}
                cache.put(rows, shares(usage.tokens, missing), estimated=usage.estimated)
                cache.took(shares(took, missing))
        return [known[combined_hash(self._url, self._model, question, passage)] for passage in passages]

    def _asked(self, question: str, missing: Mapping[str, str]) -> tuple[dict[str, float | None], Usage, float]:
        """Scores of passages by their digests, what the server reports that they took, and the seconds."""
        parts: list[Usage] = []

        def fetch(part: Sequence[str]) -> list[float | None]:
            found, usage = self._request(question, [missing[digest] for digest in part])
            parts.append(usage)
            return found

        started = time.monotonic()
        try:
            scores = [score for part in self._connection.in_parts([*missing], fetch) for score in part]
        finally:  # requests before a failure are paid for, too
            seconds = time.monotonic() - started
            total = Usage.total(parts)
            if parts:
                tell(
                    Bill(
                        "rerank",
                        self._model,
                        len(missing),
                        total.tokens,
                        seconds,
                        estimated=total.estimated,
                        search_units=total.search_units,
                    )
                )
        return dict(zip(missing, scores, strict=True)), total, seconds

    def _cache(self, directory: Path | None) -> VectorCache | None:
        if directory is None:
            return None
        with self._lock:
            if directory not in self._caches:
                self._caches[directory] = VectorCache(directory / "rerank.sqlite", "float64")
            return self._caches[directory]

    def _request(self, question: str, passages: Sequence[str]) -> tuple[list[float | None], Usage]:
        """Scores, and what the server reports that they took."""
        what = self._connection.what

        def read(reply: Any) -> tuple[list[float | None], Usage]:
            scores = ranked_scores(listed(reply, ("results", "data"), what), len(passages), what)
            return scores, usage_in(reply, lambda: self._count(question, passages))

        alone = (question, *passages) if len(passages) == 1 else ()
        forms, short = self._forms(question, passages), self._forms(SHORT, [SHORT])
        return self._connection.ask(forms, short, read, alone=alone)

    def _forms(self, question: str, passages: Sequence[str]) -> list[dict[str, Any]]:
        """A request for the scores of all passages in each form there is. Servers that ignore fields they do not know
        take the first, which asks for all of them in either way; strict ones a later one."""
        texts = list(passages)
        named = {"model": self._model, "query": question, "documents": texts}
        bare, top_n, top_k = {"return_documents": False}, {"top_n": len(texts)}, {"top_k": len(texts)}
        return [
            {**named, **top_n, **top_k, **bare},
            {"query": question, "texts": texts},  # TEI
            {**named, **top_n, **bare},  # Jina, Cohere's first version
            {**named, **top_n},  # Cohere
            {**named, **top_k, **bare},  # Voyage
            {**named, **top_k},
            named,
        ]

    @staticmethod
    def _count(question: str, passages: Sequence[str]) -> int:
        return len(passages) * count_tokens(question) + sum(map(count_tokens, passages))


@lru_cache(maxsize=4)
def open_cross_encoder(name: str = "") -> CrossEncoder:
    """The cross-encoder `MODEL@URL` on a server, else a model on this machine. Raises InputError."""
    import os

    model, at, address = name.partition("@")
    if not at:
        return LocalCrossEncoder(model or DEFAULT)
    if urlsplit(address).scheme not in ("http", "https"):
        raise InputError(f"{name!r} has no server address", field="cross_encoder", fix="write MODEL@http://host/v1")
    return ServerCrossEncoder(model, address, os.environ.get("WORKBENCH_API_KEY"))
