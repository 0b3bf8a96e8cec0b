"""What `retrieval.py` measures with: a corpus of any size and its queries, latencies, the least of several builds."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

WORDS = 60
VOCABULARY = 200_000
PER_DOCUMENT = 1_000
TOP_K = 10
REPEATED_UP_TO = 10_000


def corpus(number: int, seed: int = 0) -> tuple[Any, list[tuple[int, int, int]], list[str]]:
    """A context, the chunks' spans, and 200 queries."""
    from workbench.records import Context, Document

    draw = np.random.default_rng(seed)
    letters = np.array(list("bcdfghjklmnprstvwz"))
    vowels = np.array(list("aeiou"))
    names = np.array(
        [
            "".join(f"{letters[i // 18**j % 18]}{vowels[i // 5**j % 5]}" for j in range(1 + (i > 90) + (i > 2_000) + 1))
            + ("" if i < 30_000 else str(i % 97))
            for i in range(VOCABULARY)
        ]
    )
    documents, spans, queries = [], [], []
    wanted = set(draw.choice(number, min(200, number), replace=False).tolist())
    for place in range(0, number, PER_DOCUMENT):
        rows = min(PER_DOCUMENT, number - place)
        common = np.minimum(draw.zipf(1.3, (rows, WORDS // 2)) - 1, VOCABULARY - 1)
        topic = draw.integers(0, 400, (rows, 1)) * 400 + 500
        own = (topic + np.minimum(draw.zipf(1.2, (rows, WORDS - WORDS // 2)) - 1, 5_000)) % VOCABULARY
        drawn = names[np.concatenate([common, own], axis=1)]
        texts = [" ".join(row) for row in drawn.tolist()]
        at = 0
        for offset, text in enumerate(texts):
            spans.append((len(documents), at, at + len(text)))
            at += len(text) + 1
            if place + offset in wanted:
                queries.append(" ".join(draw.choice(drawn[offset], 6).tolist()))
        documents.append(Document(f"d{len(documents)}", "\n".join(texts)))
    return Context(tuple(documents)), spans, queries


def latencies(search: Callable[[str], Any], queries: Sequence[str], at_most: float = 60.0) -> dict[str, float]:
    """p50 and p95 in milliseconds, after ten queries to warm up (fewer, when they take a third of the time); stops
    after `at_most` seconds."""
    begun = time.perf_counter()
    for query in queries[:10]:
        search(query)
        if time.perf_counter() - begun > at_most / 3:
            break
    times: list[float] = []
    begun = time.perf_counter()
    for query in queries:
        started = time.perf_counter()
        search(query)
        times.append(1e3 * (time.perf_counter() - started))
        if time.perf_counter() - begun > at_most:
            break
    return {"p50_ms": float(np.percentile(times, 50)), "p95_ms": float(np.percentile(times, 95)), "queries": len(times)}


def least(number: int, build: Callable[[Path | None], Any], folder: Path | None = None) -> float:
    """The least CPU seconds of three builds (of one, for many chunks), each into a new folder when one is given."""
    times = []
    for turn in range(3 if number <= REPEATED_UP_TO else 1):
        into = folder / f"turn{turn}" if folder else None
        started = time.process_time()
        build(into)
        times.append(time.process_time() - started)
    return min(times)


def probe(scores: Any) -> list[float]:
    """The best scores, to be compared between systems."""
    return [float(score) for score in sorted(scores, reverse=True)[:20]]
