"""Splitters by count: so many tokens, or so many words, wherever that cuts."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

from workbench.errors import InputError
from workbench.retrieval.chunks.by_sentence import packed
from workbench.retrieval.chunks.splitter_job import Job, Pieces
from workbench.text import DEFAULT_ENCODING, encoding, token_ids

_WORD = re.compile(r"\S+")


def encoding_called(name: str) -> Any:
    """tiktoken's encoding of that name, the usual one for an empty name. Raises InputError when it is not at hand."""
    try:
        return encoding(name or DEFAULT_ENCODING)
    except (ValueError, OSError) as error:
        raise InputError(f"encoding {name!r} is not at hand", field="splitter", fix="write tokens") from error


def tokens(text: str, job: Job) -> Pieces:
    """Exactly `chunk_tokens` tokens each, wherever that cuts (GraphRAG, LightRAG); `tokens:ENCODING` counts in another
    encoding than o200k_base. A character of several tokens stays whole, in the later chunk."""
    coder = encoding_called(job.argument)
    ids = token_ids(text, coder.name)
    decoded, offsets = coder.decode_with_offsets(ids)
    if decoded != text:  # half a surrogate pair: no tokenizer gives it back
        return packed(text, replace(job, count=lambda part: len(token_ids(part, coder.name))))
    bounds = [*offsets, len(text)]
    found: Pieces = []
    step = max(1, job.chunk_tokens - job.overlap)
    for first in range(0, len(ids), step):
        last = min(first + job.chunk_tokens, len(ids))
        span = (bounds[first], bounds[last])
        if span[0] < span[1] and span != (found[-1] if found else None):  # a character may have more tokens than a step
            found.append(span)
        if last == len(ids):
            break
    return found


def words(text: str, job: Job) -> Pieces:
    """`chunk_tokens` words each, separated by white space (Self-Route takes 300, TracLLM 100)."""
    bounds = [0, *(match.start() for match in _WORD.finditer(text))][1:]
    if not bounds:
        return [(0, len(text))] if text else []
    step = max(1, job.chunk_tokens - job.overlap)
    found: Pieces = []
    for first in range(0, len(bounds), step):
        last = first + job.chunk_tokens
        found.append((bounds[first] if first else 0, bounds[last] if last < len(bounds) else len(text)))
        if last >= len(bounds):
            break
    return found
