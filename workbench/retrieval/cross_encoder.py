"""Cross-encoders: a model that reads question and passage together and says how well they match."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Sequence
from functools import lru_cache
from typing import Any, Protocol
from urllib.parse import urlsplit

from workbench.errors import InputError, ModelError
from workbench.no_redirects import open_url

DEFAULT = "cross-encoder/ms-marco-MiniLM-L-6-v2"


class CrossEncoder(Protocol):
    """Scores of passages for a question; larger is better."""

    def scores(self, question: str, passages: Sequence[str]) -> list[float]:
        """One score a passage, in order."""


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

    def scores(self, question: str, passages: Sequence[str]) -> list[float]:
        """One score a passage, in order."""
        found = self._model.predict([(question, passage) for passage in passages], show_progress_bar=False)
        return [float(score) for score in found]


class ServerCrossEncoder:
    """A server with `/rerank` as vLLM, Jina and Cohere have it: `MODEL@http://host/v1`."""

    def __init__(self, model: str, base_url: str, key: str | None = None) -> None:
        self._model = model
        self._url = f"{base_url.rstrip('/')}/rerank"
        self._key = key

    def scores(self, question: str, passages: Sequence[str]) -> list[float]:
        """One score a passage, in order. Raises ModelError."""
        headers = {"Content-Type": "application/json"}
        if self._key:
            headers["Authorization"] = f"Bearer {self._key}"
        body = {"model": self._model, "query": question, "documents": list(passages), "top_n": len(passages)}
        request = urllib.request.Request(self._url, json.dumps(body).encode(), headers)  # noqa: S310 - checked below
        try:
            with open_url(request, timeout=120) as response:
                rows = json.loads(response.read())["results"]
            found = {int(row["index"]): float(row["relevance_score"]) for row in rows}
            return [found[position] for position in range(len(passages))]
        except (urllib.error.URLError, KeyError, TypeError, ValueError, TimeoutError) as error:
            raise ModelError(f"reranking by {self._model} failed: {error}") from error


@lru_cache(maxsize=4)
def open_cross_encoder(name: str = "") -> CrossEncoder:
    """`MODEL@URL` for a server, else a model on this machine. Raises InputError."""
    import os

    model, at, address = name.partition("@")
    if not at:
        return LocalCrossEncoder(model or DEFAULT)
    if urlsplit(address).scheme not in ("http", "https"):
        raise InputError(f"{name!r} has no server address", field="cross_encoder", fix="write MODEL@http://host/v1")
    return ServerCrossEncoder(model, address, os.environ.get("WORKBENCH_API_KEY"))
