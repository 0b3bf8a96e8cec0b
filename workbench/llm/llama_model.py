"""Any llama-index `LLM` object, given from Python, as a model of the gateway."""

from __future__ import annotations

import time
from typing import Any

from workbench.errors import ModelError
from workbench.llama import chat_messages
from workbench.llm.model import ChatRequest, Completion, count_messages
from workbench.llm.tokens import counter_for


class LlamaIndexModel:
    """Wraps `llm.chat`. Window and reply limit are the LLM's metadata; usage is the raw reply's, if it has one."""

    is_async = False

    def __init__(self, llm: Any) -> None:
        metadata = llm.metadata
        self._llm = llm
        self.name = f"llama-index/{metadata.model_name or type(llm).__name__}"
        self.window = int(metadata.context_window)
        self.max_output_tokens = int(metadata.num_output) if metadata.num_output and metadata.num_output > 0 else 4_096
        self._counter = counter_for(str(metadata.model_name))
        self.token_source = self._counter.source

    def count(self, text: str) -> int:
        return self._counter.count(text)

    def complete(self, request: ChatRequest) -> Completion:
        started = time.perf_counter()
        try:
            response = self._llm.chat(chat_messages(request.messages), max_tokens=request.max_tokens)
        except Exception as error:  # any of a hundred integrations' own exceptions
            raise ModelError(f"{self.name}: {type(error).__name__}: {error}") from error
        seconds = time.perf_counter() - started
        text = response.message.content or ""
        raw = getattr(response, "raw", None)
        usage = raw.get("usage") if isinstance(raw, dict) else getattr(raw, "usage", None)
        if usage is None:
            prompt, completion, source = count_messages(self, request.messages), self.count(text), self.token_source
        else:
            take = usage.get if isinstance(usage, dict) else lambda name: getattr(usage, name, None)
            prompt, completion, source = int(take("prompt_tokens") or 0), int(take("completion_tokens") or 0), "server"
        return Completion(
            text=text, prompt_tokens=prompt, completion_tokens=completion, token_source=source, total_s=seconds
        )

    async def acomplete(self, request: ChatRequest) -> Completion:
        return self.complete(request)
