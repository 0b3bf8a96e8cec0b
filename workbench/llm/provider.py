"""Provider strings: `extractive`, `openai/gpt-4o-mini`, `vllm/tiny@http://127.0.0.1:8000/v1`."""

from __future__ import annotations

import inspect
import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from workbench.errors import InputError, UnknownName
from workbench.llm.model import Model


@dataclass(frozen=True, slots=True)
class Provider:
    """A kind of server: where it is by default, and which environment variable holds its key."""

    name: str
    base_url: str
    key_env: str
    key_needed: bool
    window: int
    example: str


_PROVIDERS = {
    p.name: p
    for p in (
        Provider("openai", "https://api.openai.com/v1", "OPENAI_API_KEY", True, 128_000, "openai/gpt-4o-mini"),
        Provider(
            "anthropic",
            "https://api.anthropic.com/v1",
            "ANTHROPIC_API_KEY",
            True,
            200_000,
            "anthropic/claude-sonnet-4-5",
        ),
        Provider(
            "vllm", "http://127.0.0.1:8000/v1", "VLLM_API_KEY", False, 8_192, "vllm/NAME@http://127.0.0.1:8000/v1"
        ),
        Provider("ollama", "http://127.0.0.1:11434/v1", "OLLAMA_API_KEY", False, 8_192, "ollama/llama3.2"),
        Provider("llamacpp", "http://127.0.0.1:8080/v1", "LLAMACPP_API_KEY", False, 8_192, "llamacpp/model"),
        Provider("server", "", "WORKBENCH_API_KEY", False, 8_192, "server/NAME@https://example.org/v1"),
    )
}
# what the runner and the price list read from the same mapping
_ELSEWHERE = frozenset({"price", "price_as", "gpu_hour", "concurrency"})
_OPTIONS = ("window", "max_output_tokens", "tokenizer", "timeout", "token_timeout", "key_env", "json_schema")


def providers() -> list[Mapping[str, str]]:
    """What can be named in `models:`, one row a provider."""
    rows: list[Mapping[str, str]] = [
        {
            "provider": "extractive",
            "example": "extractive",
            "address": "in this process",
            "key": "none",
            "note": "baseline reader, no language model: for trying out the workbench",
        }
    ]
    for provider in _PROVIDERS.values():
        rows.append(
            {
                "provider": provider.name,
                "example": provider.example,
                "address": provider.base_url or "given after @",
                "key": provider.key_env + ("" if provider.key_needed else " (if the server wants one)"),
                "note": "",
            }
        )
    return rows


def open_model(spec: str | Any, **options: Any) -> Model:
    """The model of a provider string, or a Python object: one of our `Model`s or any llama-index `LLM`.

    Options: `window` and `max_output_tokens` (tokens), `tokenizer` (tiktoken encoding or a tokenizer.json), `timeout`,
    `token_timeout` (seconds), `key_env` (name of the variable that holds the key), `json_schema` (False for servers
    without structured replies). Raises InputError.
    """
    own = {name: value for name, value in options.items() if name not in _ELSEWHERE}
    if not isinstance(spec, str):
        return _wrapped(spec)
    if spec == "extractive":
        from workbench.llm.extractive import ExtractiveReader

        _check(own, tuple(inspect.signature(ExtractiveReader).parameters), spec)
        return ExtractiveReader(**own)
    path, _, address = spec.partition("@")
    kind, slash, name = path.partition("/")
    if not slash or not name:
        raise UnknownName("model", spec, ["extractive", *(p.example for p in _PROVIDERS.values())])
    if kind not in _PROVIDERS:
        raise UnknownName("model provider", kind, ["extractive", *_PROVIDERS])
    _check(own, _OPTIONS, spec)
    return _server(_PROVIDERS[kind], spec, name, address, own)


def _server(provider: Provider, spec: str, name: str, address: str, options: Mapping[str, Any]) -> Model:
    from workbench.llm.client import OpenAiCompatible
    from workbench.llm.tokens import counter_for

    base_url = address or provider.base_url
    parts = urlsplit(base_url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise InputError(f"{spec!r} has no server address", field="models", fix=f"write {provider.example}")
    if parts.username or parts.password:
        raise InputError("has a password in its address", field="models", fix="put the key into the environment")
    key_env = str(options.get("key_env") or provider.key_env)
    key = os.environ.get(key_env)
    if not key and provider.key_needed and not address:
        raise InputError(f"{spec} needs a key", field="models", fix=f"set the environment variable {key_env}")
    return OpenAiCompatible(
        spec,
        name,
        base_url,
        key=key,
        window=int(options.get("window") or provider.window),
        max_output_tokens=int(options.get("max_output_tokens") or 4_096),
        counter=counter_for(name, options.get("tokenizer")),
        timeout=float(options.get("timeout") or 600),
        token_timeout=float(options.get("token_timeout") or 120),
        json_schema=bool(options.get("json_schema", True)),
        headers={"anthropic-version": "2023-06-01"} if provider.name == "anthropic" else None,
    )


def _check(options: Mapping[str, Any], known: tuple[str, ...], spec: str) -> None:
    for name in options:
        if name not in known:
            raise UnknownName(f"option of {spec}", name, [*known, *_ELSEWHERE])


def _wrapped(thing: Any) -> Model:
    if all(hasattr(thing, name) for name in ("complete", "count", "window", "is_async")):
        model: Model = thing
        return model
    if hasattr(thing, "chat") and hasattr(thing, "metadata"):
        from workbench.llm.llama_model import LlamaIndexModel

        return LlamaIndexModel(thing)
    raise InputError(f"{type(thing).__name__} is no model", fix="give a provider string, a Model or a llama-index LLM")
