"""Cross-encoders: models that read question and passage together and score how well they match."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urlsplit

from workbench.errors import BadReply, InputError
from workbench.retrieval.embedders.server import VectorCache, shares
from workbench.retrieval.server_request import counted, in_order, listed, post
from workbench.retrieval.spending import Bill, is_dry, tell
from workbench.text import combined_hash, count_tokens

DEFAULT = "cross-encoder/ms-marco-MiniLM-L-6-v2"


class CrossEncoder(Protocol):
    """Scores passages for a question; larger is better."""

    def scores(self, question: str, passages: Sequence[str], *, directory: Path | None = None) -> list[float]:
        """One score per passage, in order. Scores that cost money may be cached in `directory`."""


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

    def scores(self, question: str, passages: Sequence[str], *, directory: Path | None = None) -> list[float]:
        """One score per passage, in order; nothing is cached."""
        found = self._model.predict([(question, passage) for passage in passages], show_progress_bar=False)
        return [float(score) for score in found]


class ServerCrossEncoder:
    """A server with the `/rerank` API of vLLM, Jina and Cohere: `MODEL@http://host/v1`.

    A score depends on one question and one passage only, so each pair is paid for once: it is cached in
    `rerank.sqlite` in the given folder.
    """

    def __init__(self, model: str, base_url: str, key: str | None = None) -> None:
        self._model = model
        self._url = f"{base_url.rstrip('/')}/rerank"
        self._key = key
        self._lock = threading.Lock()
        self._caches: dict[Path, VectorCache] = {}

    def scores(self, question: str, passages: Sequence[str], *, directory: Path | None = None) -> list[float]:
        """One score per passage, in order. Raises ModelError."""
        import numpy as np

        if is_dry():
            texts = sum(count_tokens(question) + count_tokens(passage) for passage in passages)
            tell(Bill("rerank", self._model, len(passages), texts, 0.0))
            return [0.0] * len(passages)
        cache = self._cache(directory)
        asked = {combined_hash(self._url, self._model, question, passage): passage for passage in passages}
        known = {digest: float(row[0]) for digest, row in cache.get(asked).items()} if cache else {}
        missing = {digest: passage for digest, passage in asked.items() if digest not in known}
        if cache and known:
            tell(Bill("rerank", self._model, len(known), *cache.cost(known), reused=True))
        if missing:
            started = time.monotonic()
            scores, tokens = self._request(question, list(missing.values()))
            seconds = time.monotonic() - started
            tell(Bill("rerank", self._model, len(missing), tokens, seconds))
            fresh = dict(zip(missing, scores, strict=True))
            known |= fresh
            if cache:
                cache.put({digest: np.array([score]) for digest, score in fresh.items()}, shares(tokens, missing))
                cache.took(shares(seconds, missing))
        return [known[combined_hash(self._url, self._model, question, passage)] for passage in passages]

    def _cache(self, directory: Path | None) -> VectorCache | None:
        if directory is None:
            return None
        with self._lock:
            if directory not in self._caches:
                self._caches[directory] = VectorCache(directory / "rerank.sqlite", "float64")
            return self._caches[directory]

    def _request(self, question: str, passages: Sequence[str]) -> tuple[list[float], int]:
        """Scores, and the number of tokens that the server reports."""
        what = f"reranking by {self._model}"

        def read(reply: Any) -> tuple[list[float], int]:
            rows = in_order(listed(reply, "results", what), len(passages), what)
            given: list[Any] = [row.get("relevance_score") for row in rows]
            if not all(isinstance(score, int | float) and math.isfinite(score) for score in given):
                raise BadReply(f"{what}: a score is no number")
            return [float(score) for score in given], counted(reply, "total_tokens")

        body = {"model": self._model, "query": question, "documents": list(passages), "top_n": len(passages)}
        return post(self._url, body, self._key, what, read)


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
