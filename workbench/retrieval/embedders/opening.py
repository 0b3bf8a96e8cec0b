"""Opening an embedder by its name."""

from __future__ import annotations

import os
from functools import lru_cache
from typing import Any
from urllib.parse import urlsplit

from workbench.errors import InputError, UnknownName
from workbench.retrieval.embedders.embedder import Embedder
from workbench.retrieval.embedders.llama_index import LlamaEmbedder
from workbench.retrieval.embedders.lsa import LsaEmbedder
from workbench.retrieval.embedders.minilm import MiniLmEmbedder
from workbench.retrieval.embedders.server import ServerEmbedder
from workbench.retrieval.embedders.wrapped import LateEmbedder, TruncatedEmbedder


def open_embedder(spec: str | Any) -> Embedder:
    """The embedder `lsa`, `lsa-DIMENSIONS`, `minilm`, `openai/MODEL` or `server/MODEL@URL` (also `vllm/` and
    `ollama/`), each with an optional `#DIMENSIONS` to keep the first ones only; `late:minilm` for late chunking; or one
    that wraps a llama-index embedding object.

    Raises InputError for an unknown name or a missing key.
    """
    if not isinstance(spec, str):
        return LlamaEmbedder(spec)
    whole, mark, dimensions = spec.rpartition("#")
    if mark:
        if not dimensions.isdigit():
            raise InputError(f"{spec!r}: {dimensions!r} is no number", field="embedder", fix="write e.g. minilm#128")
        return TruncatedEmbedder(open_embedder(whole), int(dimensions))
    if spec.startswith("late:"):
        return LateEmbedder(open_embedder(spec.removeprefix("late:")))
    if spec == "lsa":
        return LsaEmbedder()
    if spec.startswith("lsa-") and spec[4:].isdigit() and int(spec[4:]) >= 2:
        return LsaEmbedder(int(spec[4:]))
    if spec == "minilm":
        return _minilm()
    path, _, address = spec.partition("@")
    kind, slash, model = path.partition("/")
    if not slash or kind not in ("openai", "server", "vllm", "ollama"):
        raise UnknownName("embedder", spec, ["lsa", "minilm", "openai/text-embedding-3-small", "server/NAME@URL"])
    base_url = address or {"openai": "https://api.openai.com/v1", "ollama": "http://127.0.0.1:11434/v1"}.get(kind, "")
    if urlsplit(base_url).scheme not in ("http", "https"):
        raise InputError(
            f"{spec!r} has no server address", field="embedder", fix="write server/NAME@http://host:port/v1"
        )
    key = os.environ.get({"openai": "OPENAI_API_KEY", "vllm": "VLLM_API_KEY"}.get(kind, "WORKBENCH_API_KEY"))
    if kind == "openai" and not address and not key:
        raise InputError(f"{spec} needs a key", field="embedder", fix="set the environment variable OPENAI_API_KEY")
    return _server(spec, model, base_url, key)


@lru_cache(maxsize=1)
def _minilm() -> MiniLmEmbedder:
    return MiniLmEmbedder()  # cached, so that the weights are loaded once and not for every context


@lru_cache(maxsize=32)
def _server(spec: str, model: str, base_url: str, key: str | None) -> ServerEmbedder:
    return ServerEmbedder(spec, model, base_url, key)  # cached, so that each cache file has one connection
