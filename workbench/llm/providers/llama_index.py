"""Any llama-index `LLM` object, given from Python, as a model of the gateway."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Mapping
from typing import Any

from workbench.errors import ModelError
from workbench.llama import chat_messages
from workbench.llm.model import SERVER, ChatRequest, Completion, count_messages
from workbench.llm.providers.refusals import hide_secrets
from workbench.llm.tokens import counter_for
from workbench.text import text_hash

_SECRET_FIELD = re.compile(r"key|token$|secret|password|credential|headers", re.I)


class LlamaIndexModel:
    """Wraps `llm.chat`, called from the gateway's threads.

    Window and reply limit come from the LLM's metadata unless given; usage from the raw reply if it is there. The LLM's
    own settings (temperature, base URL, …) are part of what the response cache knows it by; its secrets are not.
    Retries are the gateway's: set the LLM's own to 0, or they count as one attempt.
    """

    is_async = False

    def __init__(
        self,
        llm: Any,
        *,
        window: int | None = None,
        max_output_tokens: int | None = None,
        tokenizer: str | None = None,
        rpm: float | None = None,
        tpm: float | None = None,
    ) -> None:
        metadata = llm.metadata
        listed = metadata.num_output if metadata.num_output and metadata.num_output > 0 else 4_096
        self._llm = llm
        self.name = f"llama-index/{metadata.model_name or type(llm).__name__}"
        self.window = int(window or metadata.context_window)
        self.max_output_tokens = int(max_output_tokens or listed)
        self.rpm, self.tpm = rpm, tpm
        self.cache_identity = f"{self.name}#{_settings_hash(llm)}"
        self._counter = counter_for(str(metadata.model_name), tokenizer)
        self.token_source = self._counter.source

    def count(self, text: str) -> int:
        return self._counter.count(text)

    def complete(self, request: ChatRequest) -> Completion:
        started = time.perf_counter()
        try:
            response = self._llm.chat(chat_messages(request.messages), max_tokens=request.max_tokens)
        except Exception as error:  # any of a hundred integrations' own exceptions
            raise ModelError(f"{self.name}: {type(error).__name__}: {hide_secrets(str(error))}") from error
        seconds = time.perf_counter() - started
        text = response.message.content or ""
        usage = _usage(getattr(response, "raw", None))
        if "prompt_tokens" not in usage:
            return Completion(
                text=text,
                prompt_tokens=count_messages(self, request.messages),
                completion_tokens=self.count(text),
                token_source=self.token_source,
                total_s=seconds,
            )
        return Completion(
            text=text,
            prompt_tokens=usage["prompt_tokens"],
            completion_tokens=usage.get("completion_tokens", 0),
            token_source=SERVER,
            total_s=seconds,
        )

    async def acomplete(self, request: ChatRequest) -> Completion:
        return self.complete(request)


def _usage(raw: Any) -> dict[str, int]:
    """Prompt and completion tokens of a raw reply, which is a mapping or an object, in either of the usual names."""
    usage = raw.get("usage") if isinstance(raw, Mapping) else getattr(raw, "usage", None)
    found = {}
    for ours, names in (
        ("prompt_tokens", ("prompt_tokens", "input_tokens")),
        ("completion_tokens", ("completion_tokens", "output_tokens")),
    ):
        for name in names:
            value = usage.get(name) if isinstance(usage, Mapping) else getattr(usage, name, None)
            if isinstance(value, int):
                found[ours] = value
                break
    return found


def _settings_hash(llm: Any) -> str:
    """Hash of an LLM's settings without its secrets, so that a changed temperature is another cache entry."""
    try:
        settings: Mapping[str, Any] = llm.dict()
    except Exception:  # a third party's object that cannot say what it is
        settings = {}
    plain = {name: value for name, value in settings.items() if not _SECRET_FIELD.search(name)}
    return text_hash(type(llm).__qualname__ + json.dumps(plain, sort_keys=True, default=str))[:12]
