"""What a running server says about itself: its window and its tokenizer. A silent server gives defaults, not errors."""

from __future__ import annotations

import json
import re
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from workbench.errors import InputError
from workbench.http_requests import open_without_redirects
from workbench.llm.tokens import HuggingFaceCounter, ServerCounter, TokenCounter

_PATIENCE_S = 3.0


@dataclass(frozen=True, slots=True)
class Found:
    """The window in tokens, a counter with the server's own tokenizer, and the tokens that the server's KV cache holds;
    None where the server does not say."""

    window: int | None = None
    counter: TokenCounter | None = None
    kv_tokens: int | None = None


def discover(kind: str, base_url: str, model: str, key: str | None) -> Found:
    """Ask the server of provider `kind` (vllm, llamacpp, ollama, server). Never raises for what the server says."""
    root = base_url.rstrip("/").removesuffix("/v1")
    try:
        if kind == "ollama":
            return _ollama(root, model, key)
        if kind == "llamacpp":
            return _llamacpp(root, model, key)
        return _vllm(root, base_url.rstrip("/"), model, key)
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return Found()


def _vllm(root: str, base_url: str, model: str, key: str | None) -> Found:
    served = [entry for entry in _get(f"{base_url}/models", key)["data"] if entry.get("id") == model]
    if not served:
        return Found()
    window = served[0].get("max_model_len")
    kv_tokens = _kv_tokens(root, key)
    counter = ServerCounter(root, model, key)
    try:
        counter.measure_chat()
    except OSError:
        return Found(window, kv_tokens=kv_tokens)
    # the same tokenizer read from this disk spares a request per text
    folder = served[0].get("root")
    file = Path(str(folder)) / "tokenizer.json"
    if folder and file.is_file():
        try:
            local = HuggingFaceCounter(str(file), counter.chat_overhead)
            if local.count("Is it the same?\n") == counter.count("Is it the same?\n"):
                return Found(window, local, kv_tokens)
        except InputError:  # no `tokenizers` package here: the server counts
            pass
    return Found(window, counter, kv_tokens)


def _kv_tokens(root: str, key: str | None) -> int | None:
    """Tokens that vLLM's KV cache holds, from its metrics: blocks × tokens of a block."""
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    request = urllib.request.Request(f"{root}/metrics", headers=headers)  # noqa: S310 - as in _get
    try:
        with open_without_redirects(request, timeout=_PATIENCE_S) as response:
            text = response.read().decode("utf-8", "replace")
    except OSError:
        return None
    line = next((line for line in text.splitlines() if line.startswith("vllm:cache_config_info{")), "")
    size, blocks = (re.search(rf'\b{name}="(\d+)"', line) for name in ("block_size", "num_gpu_blocks"))
    return int(size[1]) * int(blocks[1]) if size and blocks else None


def _llamacpp(root: str, model: str, key: str | None) -> Found:
    settings = _get(f"{root}/props", key)
    window = settings["default_generation_settings"]["n_ctx"]
    counter = ServerCounter(root, model, key, field="content")
    return Found(int(window), counter if counter.count("x") and counter.source.startswith("server") else None)


def _ollama(root: str, model: str, key: str | None) -> Found:
    """The window that is in force: of the loaded model, or else the `num_ctx` that its file sets."""
    for loaded in _get(f"{root}/api/ps", key).get("models") or ():
        if loaded.get("model") in (model, f"{model}:latest") and loaded.get("context_length"):
            return Found(int(loaded["context_length"]))
    shown = _get(f"{root}/api/show", key, {"model": model})
    for line in str(shown.get("parameters") or "").splitlines():
        name, _, value = line.partition(" ")
        if name == "num_ctx":
            return Found(int(value))
    return Found()


def _get(url: str, key: str | None, body: Mapping[str, Any] | None = None) -> Any:
    headers = {"Content-Type": "application/json", **({"Authorization": f"Bearer {key}"} if key else {})}
    data = json.dumps(body).encode() if body is not None else None
    request = urllib.request.Request(url, data, headers)  # noqa: S310 - provider.py let only http and https through
    with open_without_redirects(request, timeout=_PATIENCE_S) as response:
        return json.load(response)
