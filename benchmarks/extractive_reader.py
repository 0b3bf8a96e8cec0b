"""How fast the embedded reader reads: tokens a second on one core, against counting the same tokens with tiktoken.

python benchmarks/extractive_reader.py
"""

from __future__ import annotations

import time

from corpora.world import load
from workbench.llm.model import ChatRequest
from workbench.llm.reading.extractive import ExtractiveReader
from workbench.method.prompts import ANSWER_RULE
from workbench.records import Message
from workbench.text import encoding

TOKENS = 64_000


def main() -> None:
    """Print tokens a second for fresh texts, and the ratio to tiktoken's own speed."""
    corpus = load(tokens=TOKENS, contexts=8, questions=8, seed=99)
    reader = ExtractiveReader(window=TOKENS * 2)
    tokens, seconds = 0, 0.0
    for question in corpus.questions:
        text = "\n\n".join(document.text for document in corpus.contexts[question.context_id].documents)
        prompt = f"{text}\n\n{ANSWER_RULE}\n\nQuestion: {question.text}\nAnswer:"
        started = time.thread_time()
        tokens += reader.complete(ChatRequest((Message("user", prompt),), max_tokens=64)).prompt_tokens
        seconds += time.thread_time() - started
    started = time.thread_time()
    for context in corpus.contexts.values():
        for document in context.documents:
            encoding().encode_ordinary(document.text)
    counting = (time.thread_time() - started) / (TOKENS * len(corpus.contexts))
    print(f"extractive reader: {tokens / seconds:,.0f} tokens/s on one core ({tokens:,} tokens in {seconds:.2f} s)")
    print(
        f"rival tiktoken o200k (counting only): {1 / counting:,.0f} tokens/s; ratio {counting * tokens / seconds:.2f}"
    )


if __name__ == "__main__":
    main()
