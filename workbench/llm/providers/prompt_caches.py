"""What providers want to hear to keep the shared beginning of prompts, and how they keep it.

Most cache by themselves. Claude caches what is marked, from a least length on, and takes more for writing it. OpenAI
sends requests with the same `prompt_cache_key` to the same machine, where the beginning is known.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from workbench.llm.model import ChatRequest
from workbench.records import Message
from workbench.text import text_hash

TTLS = {"5m": 300, "1h": 3_600}  # seconds
# Least lengths by Anthropic's documentation, the first family that fits.
_LEAST = (
    (re.compile(r"opus-4-[5-9]|opus-[5-9]|haiku-(?:4-[5-9]|[5-9])", re.I), 4_096),
    (re.compile(r"sonnet-4-[6-9]|sonnet-[5-9]|haiku", re.I), 2_048),
)
_LEAST_ELSE = 1_024
_CLAUDE = re.compile(r"claude|anthropic", re.I)
_PASSED_ON = frozenset({"openrouter", "litellm", "bedrock", "vertex"})


@dataclass(frozen=True, slots=True)
class PromptCache:
    """How a provider caches prompts. `marked`: only what is marked is kept, and writing costs extra; else every
    prompt's beginning is kept, in steps of `step` tokens from `least` tokens on. `lifetime_s` is in seconds."""

    marked: bool
    least: int = 1_024
    step: int = 128
    lifetime_s: int = 300


def least_marked(model: str) -> int:
    """The fewest tokens that Claude caches.

    >>> least_marked("claude-sonnet-4-5"), least_marked("claude-opus-4-5"), least_marked("claude-3-5-haiku")
    (1024, 4096, 2048)
    """
    return next((least for pattern, least in _LEAST if pattern.search(model)), _LEAST_ELSE)


def wants_marks(provider: str, model: str) -> bool:
    """Whether prompts must be marked to be cached: Claude's, also behind gateways that pass marks on."""
    return provider == "anthropic" or (provider in _PASSED_ON and _CLAUDE.search(model) is not None)


def cache_of(provider: str, model: str, ttl: str | None) -> PromptCache | None:
    """How the prompts of a model are cached; None with `ttl` off."""
    if ttl == "off":
        return None
    if wants_marks(provider, model):
        return PromptCache(True, least_marked(model), 1, TTLS[ttl or "5m"])
    if provider in ("vllm", "sglang", "llamacpp", "lmstudio", "ollama", "tgi"):
        return PromptCache(False, 16, 16, 3_600)  # blocks of the KV cache, for as long as there is room
    return PromptCache(False, lifetime_s=TTLS[ttl or "5m"])


def has_shared(request: ChatRequest) -> bool:
    """Whether a request has a part that the provider is to be asked to keep."""
    return request.marks and any(message.shared for message in request.messages)


def marked_content(message: Message, *, ttl: str | None) -> list[dict[str, Any]] | None:
    """A message's content as two blocks, the shared one marked; None where nothing is shared.

    `ttl` is what to say of the lifetime; None says nothing, which means five minutes. A part that seems too short for
    Claude to cache is marked all the same: by its tokenizer, which we do not have, it may be long enough, and if it is
    not the mark costs nothing.
    """
    shared = message.shared
    if not shared:
        return None
    control = {"type": "ephemeral", **({"ttl": ttl} if ttl else {})}
    blocks: list[dict[str, Any]] = [{"type": "text", "text": message.content[:shared], "cache_control": control}]
    if message.content[shared:]:
        blocks.append({"type": "text", "text": message.content[shared:]})
    return blocks


def cache_key_of(messages: tuple[Message, ...]) -> str | None:
    """OpenAI's `prompt_cache_key`: one name for all prompts that begin alike; None where nothing is shared."""
    parts: list[str] = []
    for message in messages:
        if message.shared:
            return text_hash("".join(parts) + message.content[: message.shared])[:16]
        parts.append(message.content)
    return None
