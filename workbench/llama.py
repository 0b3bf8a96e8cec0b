"""The only module that imports llama_index, and only inside functions: it takes 1.5 s and 1,300 modules to load."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

from workbench.records import Message


def chat_messages(messages: Sequence[Message]) -> list[Any]:
    """Our messages as llama-index ChatMessages."""
    from llama_index.core.llms import ChatMessage

    return [ChatMessage(role=message.role, content=message.content) for message in messages]


class _Words:
    """A tokenizer in the form SentenceSplitter wants: text to a list whose length is the token count."""

    def __init__(self, encode: Callable[[str], list[int]]) -> None:
        self._encode = encode

    def __call__(self, text: str) -> list[int]:
        return self._encode(text)


@lru_cache(maxsize=32)
def sentence_splitter(chunk_tokens: int, overlap: int) -> Any:
    """llama-index's SentenceSplitter, counting with our default encoding."""
    from llama_index.core.node_parser import SentenceSplitter

    from workbench.text import encoding, sentence_tiles

    return SentenceSplitter(
        chunk_size=chunk_tokens,
        chunk_overlap=overlap,
        tokenizer=_Words(encoding().encode_ordinary),
        chunking_tokenizer_fn=sentence_tiles,  # the default would download a model for nltk
    )


def split_sentences(text: str, chunk_tokens: int, overlap: int) -> list[str]:
    """The texts of SentenceSplitter's chunks, in order."""
    return list(sentence_splitter(chunk_tokens, overlap).split_text(text))


def embed_with(embedding: Any, texts: Sequence[str], *, query: bool = False) -> list[list[float]]:
    """Vectors of a llama-index embedding object."""
    if query:
        return [embedding.get_query_embedding(text) for text in texts]
    return list(embedding.get_text_embedding_batch(list(texts)))
