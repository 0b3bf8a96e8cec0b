"""Opening a model by its provider string: `extractive`, `openai/gpt-4o-mini`, `vllm/tiny@http://127.0.0.1:8000/v1`."""

from __future__ import annotations

import inspect
import json
import os
from collections.abc import Mapping
from functools import partial
from typing import Any
from urllib.parse import urlsplit

from workbench.errors import InputError, UnknownName
from workbench.llm.known_providers import PROVIDERS, Named, Provider, checked_address, endpoint, provider_of
from workbench.llm.model import Model
from workbench.llm.providers.options import ELSEWHERE, ModelOptions, check_number, checked, identity_of
from workbench.llm.providers.reasoning import reserve_of
from workbench.text import text_hash

_SILENT = frozenset({"openai", "anthropic", "azure", "gemini", "vertex", "bedrock"})  # their lists tell no window
_AZURE_VERSION = "2024-10-21"


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
    for provider in PROVIDERS.values():
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


def open_model(spec: str | Any, *, to_call: bool = True, name: str | None = None, **options: Any) -> Model:
    """The model of a provider string, or a Python object: one of our `Model`s or any llama-index `LLM`.

    Options (docs/models.md has them all): `window` and `max_output_tokens` (tokens; visible ones), `reasoning` (how
    much it thinks), `temperature`, `top_p`, `stream`, `service_tier`, `cache` (what the provider is to keep of
    prompts), `extra_body` and `headers`, `tokenizer` (tiktoken encoding or a tokenizer.json), `timeout` and
    `token_timeout` (seconds for a whole reply, and between two bytes of it), `key_env` (name of the variable that holds
    the key), `json_schema` (False for servers without structured replies), `rpm` and `tpm` (requests and tokens per
    minute that the provider allows), `first_token_target` (seconds; a slower first token counts as overload),
    `kv_tokens` (what the server's KV cache holds, where it does not say so itself: bounds the contexts in flight). Any
    other name is passed on to the server. `name` is what the model is called in the log, if not by its string. A model
    that is not `to_call`, but to count tokens and tell prices for a plan, needs no key. Raises InputError.
    """
    own = {option: value for option, value in options.items() if option not in ELSEWHERE}
    if not isinstance(spec, str):
        return _wrapped(spec, own)
    if spec == "extractive":
        from workbench.llm.reading.extractive import ExtractiveReader

        _check(own, tuple(inspect.signature(ExtractiveReader).parameters), spec)
        return ExtractiveReader(**own)
    provider, named = provider_of(spec)
    return _server(provider, spec, named, checked(own, spec), to_call, name or spec)


def _server(provider: Provider, spec: str, named: Named, options: ModelOptions, to_call: bool, shown: str) -> Model:
    from workbench.llm.providers.anthropic import AnthropicMessages
    from workbench.llm.providers.discovery import Found, discover
    from workbench.llm.providers.openai_compatible import OpenAiCompatible
    from workbench.llm.providers.transport import Connection
    from workbench.llm.tokens import counter_for

    given = named.address or os.environ.get(provider.address_env, "") or provider.base_url
    base_url = checked_address(spec, given, provider.example)
    key_env = options.key_env or provider.key_env
    key = os.environ.get(key_env)
    if to_call and not key and provider.key_needed and not named.address:
        raise InputError(f"{spec} needs a key", field="models", fix=f"set the environment variable {key_env}")
    # OpenRouter tells windows to everyone; of the other hosted ones some tell them to those who have a key
    asks = provider.name not in _SILENT and (not provider.key_needed or bool(key) or provider.name == "openrouter")
    found = discover(provider.name, base_url, named.model, key) if asks else Found()
    counter = counter_for(named.model, options.tokenizer) if options.tokenizer else found.counter
    window, source = _window(provider, named.model, options, found.window)
    identity = identity_of(options)
    common: dict[str, Any] = {
        "connection": Connection(
            shown,
            headers={**_key_headers(provider, base_url, key), **options.headers},
            secrets=[key or "", *options.secrets],
            timeout=options.timeout,
            token_timeout=options.token_timeout,
        ),
        "provider": provider.name,
        "options": options,
        "counter": counter or counter_for(named.model),
        "window": window,
        "window_source": source,
        "window_in_force": partial(_told_window, provider.name, base_url, named.model, key) if asks else None,
        "kv_tokens": options.kv_tokens or found.kv_tokens,
        "aliases": found.aliases,
        "binding": provider.key_needed and provider.name != "azure",  # a deployment is called what one likes
        "cache_identity": f"{spec}#{text_hash(json.dumps(identity, sort_keys=True, default=str))}"
        if identity
        else spec,
    }
    reserve = reserve_of(provider.name, options.reasoning)
    if reserve >= window:
        raise InputError(
            f"{spec}: reasoning keeps {reserve:,} tokens of a window of {window:,}",
            field="models",
            fix="lower reasoning.tokens",
        )
    if provider.name == "anthropic":
        return AnthropicMessages(shown, named.model, endpoint(base_url, "messages"), **common)
    return OpenAiCompatible(shown, named.model, _chat_url(provider, base_url, named.model, options), **common)


def _chat_url(provider: Provider, base_url: str, model: str, options: ModelOptions) -> str:
    """Where chat completions are asked for. Azure has an address for each deployment, with the API's version in it."""
    path = urlsplit(base_url).path
    if provider.name == "azure" and "/openai/v1" not in path:
        version = "" if "api-version=" in base_url else f"?api-version={options.api_version or _AZURE_VERSION}"
        deployment = "" if "/deployments/" in path else f"openai/deployments/{model}/"
        return endpoint(base_url, f"{deployment}chat/completions") + version
    return endpoint(base_url, "chat/completions")


def _key_headers(provider: Provider, base_url: str, key: str | None) -> dict[str, str]:
    """The headers that carry the key."""
    from workbench.llm.providers.anthropic import API_VERSION

    if provider.name == "anthropic":
        return {"anthropic-version": API_VERSION, **({"x-api-key": key} if key else {})}
    if not key:
        return {}
    parts = urlsplit(base_url)
    azure = (parts.hostname or "").endswith(".azure.com") or "/openai/deployments/" in parts.path
    return {"api-key": key} if provider.name == "azure" or azure else {"Authorization": f"Bearer {key}"}


def _window(provider: Provider, model: str, options: ModelOptions, told: int | None) -> tuple[int, str]:
    """The window in tokens, and where it comes from: file, server, listed or assumed."""
    if options.window:
        return options.window, "file"
    if told:
        return told, "server"
    if provider.listed:
        from workbench.llm.prices import listed_window

        if listed := listed_window(provider.listed_as(model)):
            return listed, "listed"
    return provider.window, "assumed"


def _hash(identity: Mapping[str, Any]) -> str:
    return text_hash(json.dumps(identity, sort_keys=True, default=str))[:12]


def _told_window(kind: str, base_url: str, model: str, key: str | None) -> int | None:
    from workbench.llm.providers.discovery import discover

    return discover(kind, base_url, model, key).window


def _check(options: Mapping[str, Any], known: tuple[str, ...], spec: str) -> None:
    for name, value in options.items():
        if name not in known:
            raise UnknownName(f"option of {spec}", name, [*known, *ELSEWHERE])
        check_number(name, value, spec)


def _wrapped(thing: Any, options: Mapping[str, Any]) -> Model:
    if all(hasattr(thing, name) for name in ("complete", "count", "window", "is_async")):
        model: Model = thing
        return model
    if hasattr(thing, "chat") and hasattr(thing, "metadata"):
        from workbench.llm.providers.llama_index import LlamaIndexModel

        _check(options, ("window", "max_output_tokens", "tokenizer", "rpm", "tpm"), type(thing).__name__)
        return LlamaIndexModel(thing, **options)
    raise InputError(f"{type(thing).__name__} is no model", fix="give a provider string, a Model or a llama-index LLM")
