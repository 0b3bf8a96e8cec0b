"""Provider strings: `extractive`, `openai/gpt-4o-mini`, `vllm/tiny@http://127.0.0.1:8000/v1`; keys from variables."""

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
    """A kind of server: where it is by default, and which environment variable holds its key. `window` holds where
    neither the file, nor the server, nor the price list knows better."""

    name: str
    base_url: str
    key_env: str
    key_needed: bool
    window: int
    example: str
    note: str = ""


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
            "vllm",
            "http://localhost:8000/v1",
            "VLLM_API_KEY",
            False,
            8_192,
            "vllm/NAME@http://127.0.0.1:8000/v1",
            "window and tokenizer are asked of the server",
        ),
        Provider(
            "ollama",
            "http://localhost:11434/v1",
            "OLLAMA_API_KEY",
            False,
            4_096,
            "ollama/llama3.2",
            "give it a longer num_ctx for long contexts: it cuts what is over it",
        ),
        Provider("llamacpp", "http://localhost:8080/v1", "LLAMACPP_API_KEY", False, 8_192, "llamacpp/model"),
        Provider(
            "server",
            "",
            "WORKBENCH_API_KEY",
            False,
            8_192,
            "server/NAME@https://example.org/v1",
            "any other OpenAI-compatible server",
        ),
    )
}
# what the runner, the price list and the rate limits read from the same mapping
_ELSEWHERE = frozenset({"price", "price_as", "gpu_hour", "concurrency"})
_OPTIONS = (
    "window",
    "max_output_tokens",
    "tokenizer",
    "timeout",
    "token_timeout",
    "key_env",
    "json_schema",
    "rpm",
    "tpm",
    "first_token_target",
    "kv_tokens",
)
_POSITIVE = (
    *("window", "max_output_tokens", "timeout", "token_timeout", "rpm", "tpm", "first_token_target"),
    "kv_tokens",
)


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
                "note": provider.note,
            }
        )
    return rows


def open_model(spec: str | Any, *, to_call: bool = True, **options: Any) -> Model:
    """The model of a provider string, or a Python object: one of our `Model`s or any llama-index `LLM`.

    Options: `window` and `max_output_tokens` (tokens), `tokenizer` (tiktoken encoding or a tokenizer.json), `timeout`
    and `token_timeout` (seconds for a whole reply, and between two bytes of it), `key_env` (name of the variable that
    holds the key), `json_schema` (False for servers without structured replies), `rpm` and `tpm` (requests and tokens
    per minute that the provider allows), `first_token_target` (seconds; a slower first token counts as overload),
    `kv_tokens` (what the server's KV cache holds, where it does not say so itself: bounds the contexts in flight).
    A model that is not `to_call`, but to count tokens and tell prices for a plan, needs no key. Raises InputError.
    """
    own = {name: value for name, value in options.items() if name not in _ELSEWHERE}
    if not isinstance(spec, str):
        return _wrapped(spec, own)
    if spec == "extractive":
        from workbench.llm.reading.extractive import ExtractiveReader

        _check(own, tuple(inspect.signature(ExtractiveReader).parameters), spec)
        return ExtractiveReader(**own)
    path, _, address = spec.partition("@")
    kind, slash, name = path.partition("/")
    if not slash or not name:
        raise UnknownName("model", spec, ["extractive", *(p.example for p in _PROVIDERS.values())])
    if kind not in _PROVIDERS:
        raise UnknownName("model provider", kind, ["extractive", *_PROVIDERS])
    _check(own, _OPTIONS, spec)
    return _server(_PROVIDERS[kind], spec, name, address, own, to_call)


def _server(provider: Provider, spec: str, name: str, address: str, options: Mapping[str, Any], to_call: bool) -> Model:
    from workbench.llm.providers.anthropic import API_VERSION, AnthropicMessages
    from workbench.llm.providers.discovery import Found, discover
    from workbench.llm.providers.openai_compatible import OpenAiCompatible
    from workbench.llm.providers.transport import Connection
    from workbench.llm.tokens import counter_for

    base_url = (address or provider.base_url).rstrip("/")
    parts = urlsplit(base_url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise InputError(f"{spec!r} has no server address", field="models", fix=f"write {provider.example}")
    if parts.username or parts.password or parts.query:
        # the address becomes the model's name in the log, so it must not hold a secret
        raise InputError("has a password or query in its address", field="models", fix="put the key into a variable")
    key_env = str(options.get("key_env") or provider.key_env)
    key = os.environ.get(key_env)
    if to_call and not key and provider.key_needed and not address:
        raise InputError(f"{spec} needs a key", field="models", fix=f"set the environment variable {key_env}")
    found = Found() if provider.key_needed else discover(provider.name, base_url, name, key)
    counter = counter_for(name, options["tokenizer"]) if options.get("tokenizer") else found.counter
    anthropic = provider.name == "anthropic"
    if anthropic:
        headers = {"anthropic-version": API_VERSION, **({"x-api-key": key} if key else {})}
    else:
        headers = {"Authorization": f"Bearer {key}"} if key else {}
    connection = Connection(
        spec,
        headers=headers,
        secret=key,
        timeout=float(options.get("timeout") or 900),
        token_timeout=float(options.get("token_timeout") or 300),
    )
    common: dict[str, Any] = {
        "connection": connection,
        "window": int(options.get("window") or found.window or _listed_window(provider, name) or provider.window),
        "max_output_tokens": int(options.get("max_output_tokens") or 4_096),
        "counter": counter or counter_for(name),
        "rpm": options.get("rpm"),
        "tpm": options.get("tpm"),
        "first_token_target": options.get("first_token_target"),
        "kv_tokens": int(options["kv_tokens"]) if options.get("kv_tokens") else found.kv_tokens,
    }
    if anthropic:
        return AnthropicMessages(spec, name, f"{base_url}/messages", **common)
    return OpenAiCompatible(
        spec,
        name,
        f"{base_url}/chat/completions",
        json_schema=bool(options.get("json_schema", True)),
        output_field="max_completion_tokens" if provider.name == "openai" and not address else "max_tokens",
        usage_in_every_event=provider.name == "vllm",
        **common,
    )


def _listed_window(provider: Provider, name: str) -> int | None:
    """The window that the price list gives for a hosted model."""
    if not provider.key_needed:
        return None
    from workbench.llm.prices import listed_window

    return listed_window(f"{provider.name}/{name}")


def _check(options: Mapping[str, Any], known: tuple[str, ...], spec: str) -> None:
    for name, value in options.items():
        if name not in known:
            raise UnknownName(f"option of {spec}", name, [*known, *_ELSEWHERE])
        if name in _POSITIVE and (not isinstance(value, int | float) or isinstance(value, bool) or not value > 0):
            raise InputError(f"{spec}: {name} is {value!r}", field="models", fix="give a number above 0")


def _wrapped(thing: Any, options: Mapping[str, Any]) -> Model:
    if all(hasattr(thing, name) for name in ("complete", "count", "window", "is_async")):
        model: Model = thing
        return model
    if hasattr(thing, "chat") and hasattr(thing, "metadata"):
        from workbench.llm.providers.llama_index import LlamaIndexModel

        _check(options, ("window", "max_output_tokens", "tokenizer", "rpm", "tpm"), type(thing).__name__)
        return LlamaIndexModel(thing, **options)
    raise InputError(f"{type(thing).__name__} is no model", fix="give a provider string, a Model or a llama-index LLM")
