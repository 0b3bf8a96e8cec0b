"""The providers by name: where they are, which variable holds their key, and how their names and addresses are read."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple
from urllib.parse import parse_qsl, urlsplit

from workbench.errors import InputError, UnknownName


@dataclass(frozen=True, slots=True)
class Provider:
    """A kind of server: where it is by default, and which environment variable holds its key. `window` holds where
    neither the file, nor the server, nor the price list knows better; it is then an assumption and said to be one.
    `listed` is the provider's name in the price list. `address_env` may hold the address."""

    name: str
    base_url: str
    key_env: str
    key_needed: bool
    window: int
    example: str
    note: str = ""
    listed: str = ""
    address_env: str = ""
    local: bool = False
    headers: Mapping[str, str] = field(default_factory=dict)

    def listed_as(self, model: str) -> str:
        """The model's name in the price list, empty where it has none. Vertex names a model's publisher, the list does
        too."""
        return f"{self.listed}/{model.removeprefix(f'{self.listed}/')}" if self.listed else ""


PROVIDERS = {
    p.name: p
    for p in (
        Provider(
            "openai", "https://api.openai.com/v1", "OPENAI_API_KEY", True, 128_000, "openai/gpt-4o-mini",
            listed="openai",
        ),
        Provider(
            "anthropic", "https://api.anthropic.com/v1", "ANTHROPIC_API_KEY", True, 200_000,
            "anthropic/claude-sonnet-4-5", "the shared part of prompts is cached: cache: {ttl: 5m}", listed="anthropic",
        ),
        Provider(
            "azure", "", "AZURE_OPENAI_API_KEY", True, 128_000, "azure/DEPLOYMENT@https://NAME.openai.azure.com",
            "address also from AZURE_OPENAI_ENDPOINT; option api_version", "azure", "AZURE_OPENAI_ENDPOINT",
        ),
        Provider(
            "gemini", "https://generativelanguage.googleapis.com/v1beta/openai", "GEMINI_API_KEY", True, 1_000_000,
            "gemini/gemini-2.5-flash", "through its OpenAI-compatible door", "google",
        ),
        Provider(
            "vertex", "", "VERTEX_ACCESS_TOKEN", True, 1_000_000,
            "vertex/google/gemini-2.5-flash@https://REGION-aiplatform.googleapis.com/v1/projects/ID/locations/REGION/endpoints/openapi",
            "through its OpenAI-compatible door", "google",
        ),
        Provider(
            "bedrock", "", "AWS_BEARER_TOKEN_BEDROCK", True, 128_000,
            "bedrock/openai.gpt-oss-20b-1:0@https://bedrock-runtime.REGION.amazonaws.com/openai/v1",
            "through its OpenAI-compatible door", "aws",
        ),
        Provider(
            "openrouter", "https://openrouter.ai/api/v1", "OPENROUTER_API_KEY", True, 32_000,
            "openrouter/deepseek/deepseek-chat", "window from /models; usage.cost is recorded", "openrouter",
        ),
        Provider(
            "litellm", "http://localhost:4000/v1", "LITELLM_API_KEY", False, 8_192,
            "litellm/NAME@http://127.0.0.1:4000/v1", "a proxy of your own",
        ),
        Provider(
            "deepseek", "https://api.deepseek.com/v1", "DEEPSEEK_API_KEY", True, 64_000, "deepseek/deepseek-chat",
            listed="deepseek",
        ),
        Provider(
            "moonshot", "https://api.moonshot.ai/v1", "MOONSHOT_API_KEY", True, 128_000,
            "moonshot/kimi-k2-0905-preview", listed="moonshotai",
        ),
        Provider(
            "mistral", "https://api.mistral.ai/v1", "MISTRAL_API_KEY", True, 128_000, "mistral/mistral-small-latest",
            listed="mistral",
        ),
        Provider(
            "groq", "https://api.groq.com/openai/v1", "GROQ_API_KEY", True, 131_072, "groq/llama-3.3-70b-versatile",
            listed="groq",
        ),
        Provider("xai", "https://api.x.ai/v1", "XAI_API_KEY", True, 131_072, "xai/grok-4", listed="x-ai"),
        Provider(
            "vllm", "http://localhost:8000/v1", "VLLM_API_KEY", False, 8_192, "vllm/NAME@http://127.0.0.1:8000/v1",
            "window and tokenizer are asked of the server", local=True,
        ),
        Provider(
            "sglang", "http://localhost:30000/v1", "SGLANG_API_KEY", False, 8_192,
            "sglang/NAME@http://127.0.0.1:30000/v1", "window asked of the server", local=True,
        ),
        Provider(
            "ollama", "http://localhost:11434/v1", "OLLAMA_API_KEY", False, 4_096, "ollama/llama3.2",
            "give it a longer num_ctx for long contexts: it cuts what is over it", local=True,
        ),
        Provider(
            "llamacpp", "http://localhost:8080/v1", "LLAMACPP_API_KEY", False, 8_192, "llamacpp/model", local=True
        ),
        Provider(
            "lmstudio", "http://localhost:1234/v1", "LMSTUDIO_API_KEY", False, 8_192, "lmstudio/NAME",
            "window asked of the server", local=True,
        ),
        Provider(
            "tgi", "http://localhost:8080/v1", "TGI_API_KEY", False, 8_192, "tgi/NAME@http://127.0.0.1:8080/v1",
            local=True,
        ),
        Provider(
            "server", "", "WORKBENCH_API_KEY", False, 8_192, "server/NAME@https://example.org/v1",
            "any other OpenAI-compatible server",
        ),
    )
}  # fmt: skip
LOCAL_EXAMPLE = "extractive"
_ADDRESS = re.compile(r"@(?=https?://)", re.I)
_BARE_HOST = re.compile(r"@(?:localhost|[\w.-]+:\d{2,5})(?:/|$)", re.I)  # an address that lacks its http://
_SECRET_FIELD = re.compile(r"key|token|secret|passw|sig$|signature|credential|code$", re.I)


class Named(NamedTuple):
    """A provider string taken apart; `address` is empty where the provider's own is meant."""

    provider: str
    model: str
    address: str

    @property
    def short(self) -> str:
        """`provider/model`, without the address."""
        return f"{self.provider}/{self.model}" if self.model else self.provider


def taken_apart(spec: str) -> Named:
    """The parts of a provider string. The address begins after the last `@` that an `http://` or `https://` follows,
    since names of models may hold an `@` themselves.

    >>> taken_apart("server/claude-sonnet-4@20250514@http://127.0.0.1:1/v1")
    Named(provider='server', model='claude-sonnet-4@20250514', address='http://127.0.0.1:1/v1')
    """
    found = list(_ADDRESS.finditer(spec))
    path, address = (spec[: found[-1].start()], spec[found[-1].end() :]) if found else (spec, "")
    provider, _, model = path.partition("/")
    return Named(provider, model, address)


def provider_of(spec: str) -> tuple[Provider, Named]:
    """The provider of a string, and its parts. Raises UnknownName and InputError."""
    named = taken_apart(spec)
    if not named.model:
        raise UnknownName("model", spec, [LOCAL_EXAMPLE, *(p.example for p in PROVIDERS.values())])
    if named.provider not in PROVIDERS:
        raise UnknownName("model provider", named.provider, [LOCAL_EXAMPLE, *PROVIDERS])
    provider = PROVIDERS[named.provider]
    if "://" in named.model or _BARE_HOST.search(named.model):
        raise InputError(f"{spec!r} has no server address", field="models", fix=f"write {provider.example}")
    return provider, named


def checked_address(spec: str, address: str, example: str) -> str:
    """An address without its last slash. A query may stay, such as Azure's `api-version`, but nothing that could be a
    secret: the address is part of the model's name in the log. Raises InputError."""
    parts = urlsplit(address)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise InputError(f"{spec!r} has no server address", field="models", fix=f"write {example}")
    fields = [name for name, _ in parse_qsl(parts.query, keep_blank_values=True)]
    secret = next((name for name in fields if _SECRET_FIELD.search(name)), None)
    bare = any("=" not in part for part in parts.query.split("&")) if parts.query else False
    if parts.username or parts.password or secret or bare:
        what = f"has {secret} in its address" if secret else "has a password in its address"
        raise InputError(what, field="models", fix="put the key into a variable and name that by key_env")
    return address if parts.query else address.rstrip("/")


def endpoint(base: str, path: str) -> str:
    """The URL of an API's path under an address that may have a query.

    >>> endpoint("https://x.example/d/gpt?api-version=1", "chat/completions")
    'https://x.example/d/gpt/chat/completions?api-version=1'
    """
    address, mark, query = base.partition("?")
    return f"{address.rstrip('/')}/{path}{mark}{query}"
