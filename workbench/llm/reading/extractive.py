"""The embedded reader: a baseline that quotes, not a language model.

It gets the same rendered messages as any model and nothing else. It picks the sentences that match the question,
follows names over at most three of them, compares, counts and trims to the type of answer asked for, and says that
there is no answer when nothing fits. Deterministic. Good for trying out the workbench and for tests; its accuracy
says little about what a language model would do with the same prompts. Plug in a real one with a provider string.
"""

from __future__ import annotations

import json
import time

from workbench.errors import ContextOverflow, InputError
from workbench.llm.model import ChatRequest, Completion, count_messages
from workbench.llm.reading.answering import answer
from workbench.llm.reading.notes import notes
from workbench.llm.reading.passages import Sentence, read
from workbench.llm.reading.request import Reading, understand
from workbench.llm.reading.structured_reply import fill
from workbench.text import count_tokens

VERSION = "2"  # part of the response cache's keys: another version replies otherwise


class ExtractiveReader:
    """The model `extractive`. `window` tokens of prompt and reply together (o200k), enforced."""

    is_async = False
    free = True  # no call costs anything
    max_parallel = 1  # it computes in this process: a second thread would only blur the times
    token_source = "tiktoken:o200k_base"  # noqa: S105 - a tokenizer, no secret
    tokens_per_second = 150_000  # for plans; measured by benchmarks/extractive_reader.py

    def __init__(self, window: int = 8_192, max_output_tokens: int = 2_048) -> None:
        if window < 256:
            raise InputError("window must be at least 256 tokens", field="model extractive", fix="window: 8192")
        self.name = "extractive" if window == 8_192 else f"extractive[window={window}]"
        self.cache_identity = f"{self.name}@{VERSION}"
        self.window = window
        self.max_output_tokens = max_output_tokens

    def count(self, text: str) -> int:
        return count_tokens(text)

    def complete(self, request: ChatRequest) -> Completion:
        started = time.thread_time()
        prompt_tokens = count_messages(self, request.messages)
        if prompt_tokens + request.max_tokens > self.window:
            raise ContextOverflow(prompt_tokens, request.max_tokens, self.window)
        reply, spared_s = self._reply(request)
        text, finish = self._cut(reply, request.max_tokens)
        # every call takes as long as if it were the first to read its text: a method's latency must not depend on
        # which method read the same paragraphs before
        seconds = time.thread_time() - started + spared_s
        return Completion(
            text=text,
            prompt_tokens=prompt_tokens,
            completion_tokens=self.count(text),
            finish_reason=finish,
            token_source=self.token_source,
            first_token_s=seconds,  # it speaks all at once
            total_s=seconds,
        )

    async def acomplete(self, request: ChatRequest) -> Completion:
        return self.complete(request)

    def _reply(self, request: ChatRequest) -> tuple[str, float]:
        """The reply, and the seconds spared because paragraphs are analysed once."""
        reading = understand(request.messages)
        text = read(reading.text)
        return self._said(request, reading, text.sentences), text.spared_s

    def _said(self, request: ChatRequest, reading: Reading, sentences: list[Sentence]) -> str:
        if request.schema is not None:
            found = answer(reading.question, sentences, reading.options) if reading.question else None
            kept = notes(reading.question, sentences) if reading.question else []
            return json.dumps(fill(request.schema, sentences, found, kept), ensure_ascii=False)
        if reading.kind == "answer":
            return answer(reading.question, sentences, reading.options) or reading.refusal
        if reading.kind == "notes":
            return " ".join(notes(reading.question, sentences)) or _nothing(reading)
        return " ".join(sentence.text for sentence in sentences[:12])

    def _cut(self, text: str, max_tokens: int) -> tuple[str, str]:
        if self.count(text) <= max_tokens:
            return text, "stop"
        low, high = 0, len(text)
        while low < high:
            middle = (low + high + 1) // 2
            low, high = (middle, high) if self.count(text[:middle]) <= max_tokens else (low, middle - 1)
        return text[:low], "length"


def _nothing(reading: Reading) -> str:
    """What a reader of notes writes when it found nothing: the mark the prompt offers, or a sentence."""
    return reading.refusal if reading.refusal.startswith("[") else "Nothing in this part helps to answer the question."
