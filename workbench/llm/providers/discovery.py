"""What a running server says about itself: its window and its tokenizer. A silent server gives defaults, not errors."""

from __future__ import annotations

import json
import re
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from workbench.errors import InputError
from workbench.http_requests import open_without_redirects
from workbench.llm.tokens import HuggingFaceCounter, ServerCounter, TokenCounter

_PATIENCE_S = 3.0
_OLLAMA_DEFAULT = 4_096


# The names under which servers tell a model's window, the one in force first.
_WINDOW = (
    *("loaded_context_length", "n_ctx", "max_model_len", "context_length", "context_window", "max_context_length"),
    *("max_context_window_tokens", "max_input_tokens", "max_total_tokens", "input_token_limit", "n_ctx_train"),
)


@dataclass(frozen=True, slots=True)
class Found:
    """The window in tokens, a counter with the server's own tokenizer, and the tokens that the server's KV cache holds;
    None where the server does not say. `aliases` are other names by which the server may call the model."""

    window: int | None = None
    counter: TokenCounter | None = None
    kv_tokens: int | None = None
    aliases: frozenset[str] = frozenset()


def discover(kind: str, base_url: str, model: str, key: str | None) -> Found:
    """Ask the server of provider `kind` (vllm, llamacpp, ollama, server …). Never raises for what the server says."""
    base_url = base_url.partition("?")[0].rstrip("/")
    root = base_url.removesuffix("/v1")
    asked = {"ollama": _ollama, "llamacpp": _llamacpp, "lmstudio": _lmstudio, "tgi": _tgi}.get(kind)
    if asked is not None:
        found = _quietly(lambda: asked(root, model, key))
        if found.window is not None:
            return found
        if kind == "ollama":
            return found  # its list tells what a model was made for, not what it is loaded with
    return _quietly(lambda: _listed(root, base_url, model, key))


def _quietly(ask: Callable[[], Found]) -> Found:
    try:
        return ask()
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return Found()


def window_in(entry: Any) -> int | None:
    """The window that a server's description of a model tells, under any of the names for it.

    >>> window_in({"id": "m", "top_provider": {"context_length": 131072}})
    131072
    """
    if not isinstance(entry, Mapping):
        return None
    for name in _WINDOW:
        value = entry.get(name)
        if isinstance(value, int | float) and not isinstance(value, bool) and value > 0:
            return int(value)
    for name in ("top_provider", "model_info", "meta", "limits", "capabilities", "info", "details", "architecture"):
        if (found := window_in(entry.get(name))) is not None:
            return found
    return None


def _listed(root: str, base_url: str, model: str, key: str | None) -> Found:
    listing = _get(f"{base_url}/models", key)
    entries = listing["data"] if isinstance(listing, Mapping) else listing
    entries = [entry for entry in entries if isinstance(entry, Mapping)]
    served = [entry for entry in entries if model in (entry.get("id"), entry.get("name"), entry.get("model_name"))]
    only = entries if len(entries) == 1 else []
    aliases = frozenset(
        str(entry[name])
        for entry in (*served, *only)
        for name in ("id", "root", "canonical_slug", "name", "parent")
        if entry.get(name)
    )
    if not served:
        # a server of one model answers to any name
        return Found(window_in(only[0]) if only else None, aliases=aliases)
    window = window_in(served[0])
    kv_tokens = _kv_tokens(root, key)
    counter = ServerCounter(root, model, key)
    try:
        counter.measure_chat()
    except OSError:
        return Found(window, kv_tokens=kv_tokens, aliases=aliases)
    # the same tokenizer read from this disk spares a request per text
    folder = served[0].get("root")
    file = Path(str(folder)) / "tokenizer.json"
    if folder and file.is_file():
        try:
            local = HuggingFaceCounter(str(file), counter.chat_overhead)
            if local.count("Is it the same?\n") == counter.count("Is it the same?\n"):
                return Found(window, local, kv_tokens, aliases)
        except InputError:  # no `tokenizers` package here: the server counts
            pass
    return Found(window, counter, kv_tokens, aliases)


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
    """The window that is in force: of the loaded model, or else the `num_ctx` that its file sets. What the model could
    take at most is in force only where it is less than the server's default."""
    for loaded in _get(f"{root}/api/ps", key).get("models") or ():
        if loaded.get("model") in (model, f"{model}:latest") and loaded.get("context_length"):
            return Found(int(loaded["context_length"]))
    shown = _get(f"{root}/api/show", key, {"model": model})
    for line in str(shown.get("parameters") or "").splitlines():
        name, _, value = line.partition(" ")
        if name == "num_ctx":
            return Found(int(value))
    most = [int(value) for name, value in (shown.get("model_info") or {}).items() if name.endswith(".context_length")]
    return Found(most[0] if most and most[0] < _OLLAMA_DEFAULT else None)


def _lmstudio(root: str, model: str, key: str | None) -> Found:
    """LM Studio's own list tells the length that a model is loaded with; of any other, only what it could take."""
    for entry in _get(f"{root}/api/v0/models", key)["data"]:
        if entry.get("id") == model and entry.get("state", "loaded") == "loaded":
            return Found(window_in(entry))
    return Found()


def _tgi(root: str, model: str, key: str | None) -> Found:
    info = _get(f"{root}/info", key)
    aliases = frozenset({str(info["model_id"])} if info.get("model_id") else ())
    return Found(window_in(info), aliases=aliases)


def _get(url: str, key: str | None, body: Mapping[str, Any] | None = None) -> Any:
    headers = {"Content-Type": "application/json", **({"Authorization": f"Bearer {key}"} if key else {})}
    data = json.dumps(body).encode() if body is not None else None
    request = urllib.request.Request(url, data, headers)  # noqa: S310 - known_providers.py let only http and https through
    with open_without_redirects(request, timeout=_PATIENCE_S) as response:
        return json.load(response)
