"""The compressors of the `llmlingua` package, opened once per process (extra `[llmlingua]`, which brings torch).

Weights come from the Hugging Face cache or a local folder, and compression runs in this process. A missing package or
missing weights raise an InputError that says what to install, before any model call.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from workbench.errors import InputError


@dataclass(frozen=True, slots=True)
class Compressed:
    """A shortened text, with its tokens before and after as the package counts them, and the seconds it took."""

    text: str
    tokens_before: int
    tokens_after: int
    seconds: float


@dataclass(frozen=True)
class Compressor:
    """A loaded compressor. It compresses for one caller at a time; other threads wait."""

    backend: Any
    _lock: threading.Lock = field(default_factory=threading.Lock, compare=False)

    def compress(self, texts: Sequence[str], **options: Any) -> Compressed:
        """Compress texts together. `options` are those of `PromptCompressor.compress_prompt`."""
        started = time.perf_counter()
        with self._lock:
            made = self.backend.compress_prompt(list(texts), **options)
        return Compressed(
            str(made["compressed_prompt"]),
            int(made["origin_tokens"]),
            int(made["compressed_tokens"]),
            time.perf_counter() - started,
        )


def check_installed(method: str) -> None:
    """Raise InputError when the package is missing."""
    from importlib.util import find_spec

    if find_spec("llmlingua") is None:
        raise InputError(
            "the package llmlingua is not installed",
            field=f"pipeline {method}",
            fix="pip install 'rag-vs-long-context-workbench[llmlingua]'",
        )


@lru_cache(maxsize=2)
def open_compressor(method: str, weights: str, device: str, *, second: bool) -> Compressor:
    """The compressor with these weights; `second` selects LLMLingua-2's token classifiers. Raises InputError when the
    package or the weights are missing."""
    check_installed(method)
    from llmlingua import PromptCompressor

    options: dict[str, Any] = {"use_llmlingua2": True} if second else {}
    try:
        return Compressor(PromptCompressor(weights, device_map=device, **options))
    except (OSError, ValueError, RuntimeError) as error:  # what transformers raises without network or weights
        raise InputError(
            f"the weights {weights!r} cannot be loaded ({type(error).__name__})",
            field=f"pipeline {method}",
            fix="give `compressor` a local folder with them, or download them while there is a network",
        ) from error
