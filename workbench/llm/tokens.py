"""Counting tokens before a call, and saying by which tokenizer it was done."""

from __future__ import annotations

from typing import Protocol

from workbench.text import count_tokens

# OpenAI's older models use cl100k; newer ones, and every model whose tokenizer we do not have, are counted in o200k.
_CL100K = ("gpt-4-", "gpt-3.5", "text-embedding", "gpt-4")


class TokenCounter(Protocol):
    """Counts the tokens of a text; `source` is recorded with every figure."""

    source: str

    def count(self, text: str) -> int:
        """Number of tokens."""


class TiktokenCounter:
    """A tiktoken encoding from the copy that llama-index-core ships; no network."""

    def __init__(self, encoding: str = "o200k_base") -> None:
        self._encoding = encoding
        self.source = f"tiktoken:{encoding}"

    def count(self, text: str) -> int:
        return count_tokens(text, self._encoding)


class HuggingFaceCounter:
    """A Hugging Face `tokenizer.json` on disk, through the `tokenizers` package when it is installed."""

    def __init__(self, path: str) -> None:
        from workbench.errors import InputError

        try:
            from tokenizers import Tokenizer
        except ImportError as error:
            raise InputError(
                "needs the package `tokenizers`", field="tokenizer", fix="pip install tokenizers"
            ) from error
        try:
            self._tokenizer = Tokenizer.from_file(path)
        except Exception as error:  # the package raises a bare Exception for every kind of bad file
            raise InputError("is no tokenizer.json", file=path, field="tokenizer") from error
        self.source = f"huggingface:{path}"

    def count(self, text: str) -> int:
        return len(self._tokenizer.encode(text, add_special_tokens=False).ids)


def counter_for(model: str, tokenizer: str | None = None) -> TokenCounter:
    """The counter for a model name; `tokenizer` is a tiktoken encoding or the path of a tokenizer.json."""
    if tokenizer and tokenizer.endswith(".json"):
        return HuggingFaceCounter(tokenizer)
    if tokenizer:
        return TiktokenCounter(tokenizer)
    old = model.startswith(_CL100K) and not model.startswith(("gpt-4o", "gpt-4.1", "gpt-4.5"))
    return TiktokenCounter("cl100k_base" if old else "o200k_base")
