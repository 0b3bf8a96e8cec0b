"""A model whose replies are written down beforehand: for tests, docs and notebooks."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence

from workbench.errors import WorkbenchError
from workbench.llm.model import ChatRequest, Completion, count_messages
from workbench.text import count_tokens

Script = Callable[[ChatRequest], str | Exception]


class ScriptedModel:
    """Replies from a queue or a function; `history` holds the requests in order. A queued exception is raised.

    `logprobs` and `prompt_logprobs` give the likeliest first tokens, and the log probabilities of the prompt's last
    tokens, for a request that asks for them.

    >>> model = ScriptedModel(["42"])
    >>> from workbench.records import Message
    >>> model.complete(ChatRequest((Message("user", "6 x 7?"),), 10)).text
    '42'
    """

    is_async = False
    token_source = "tiktoken:o200k_base"  # noqa: S105 - a tokenizer, no secret

    def __init__(
        self,
        replies: Iterable[str | Exception] | Script,
        *,
        name: str = "scripted",
        window: int = 8_192,
        max_output_tokens: int = 4_096,
        seconds: float = 0.0,
        logprobs: Callable[[ChatRequest], Mapping[str, float] | None] | None = None,
        prompt_logprobs: Callable[[ChatRequest], Sequence[float] | None] | None = None,
    ) -> None:
        self.name = name
        self.window = window
        self.max_output_tokens = max_output_tokens
        self.history: list[ChatRequest] = []
        self.gives_logprobs = logprobs is not None
        self.gives_prompt_logprobs = prompt_logprobs is not None
        self._logprobs, self._prompt_logprobs = logprobs, prompt_logprobs
        self._seconds = seconds
        self._script = replies if callable(replies) else None
        self._queue: deque[str | Exception] = deque() if callable(replies) else deque(replies)
        self._lock = threading.Lock()

    def enqueue(self, *replies: str | Exception) -> None:
        """Add replies to the queue."""
        self._queue.extend(replies)

    def count(self, text: str) -> int:
        return count_tokens(text)

    def complete(self, request: ChatRequest) -> Completion:
        with self._lock:
            self.history.append(request)
            if self._script is None and not self._queue:
                raise WorkbenchError(f"the script has no reply left for call {len(self.history)}")
            reply = self._script(request) if self._script else self._queue.popleft()
        if isinstance(reply, Exception):
            raise reply
        return Completion(
            text=reply,
            prompt_tokens=count_messages(self, request.messages),
            completion_tokens=self.count(reply),
            token_source=self.token_source,
            total_s=self._seconds,
            first_token_s=self._seconds,
            first_token_logprobs=self._logprobs(request) if self._logprobs and request.top_logprobs else None,
            prompt_logprobs=self._prompt_logprobs(request)
            if self._prompt_logprobs and request.prompt_logprobs
            else None,
        )

    async def acomplete(self, request: ChatRequest) -> Completion:
        return self.complete(request)
