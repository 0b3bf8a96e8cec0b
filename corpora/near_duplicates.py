"""Finds documents with nearly the same text: versions, reprints, pages with another footer."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Sequence
from itertools import combinations
from zlib import crc32

from workbench.records import Document

_WORDS = 8  # words in a shingle
_KEPT = 8  # one shingle in this many is compared, chosen by its hash and so the same in every document
_COMMON = 50  # a shingle in more documents than this is boilerplate and ignored
_WORD = re.compile(r"\w+")


def near_duplicates(documents: Sequence[Document], threshold: float = 0.8) -> list[tuple[str, str, float]]:
    """Pairs (first, second, similarity) of documents whose sets of eight-word shingles have a Jaccard similarity of at
    least `threshold`, estimated on the eighth of the shingles that their hash selects; in document order."""
    shingles = [_shingles(document.text) for document in documents]
    holders: dict[int, list[int]] = defaultdict(list)
    for number, found in enumerate(shingles):
        for shingle in found:
            holders[shingle].append(number)
    shared: Counter[tuple[int, int]] = Counter()
    for numbers in holders.values():
        if 1 < len(numbers) <= _COMMON:
            shared.update(combinations(numbers, 2))
    pairs = []
    for (a, b), both in sorted(shared.items()):
        similarity = both / (len(shingles[a]) + len(shingles[b]) - both)
        if similarity >= threshold:
            pairs.append((documents[a].document_id, documents[b].document_id, round(similarity, 3)))
    return pairs


def _shingles(text: str) -> set[int]:
    words = _WORD.findall(text.lower())
    if len(words) < _WORDS:
        return {crc32(" ".join(words).encode())} if words else set()
    every = {crc32(" ".join(words[at : at + _WORDS]).encode()) for at in range(len(words) - _WORDS + 1)}
    kept = {shingle for shingle in every if shingle % _KEPT == 0}
    return kept if len(kept) >= 4 else every  # in short documents all are compared
