"""Two helpers that every index needs: the k best of many scores, and strings stored as arrays."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_BLOCK = 512


def best(scores: NDArray[np.float64], k: int) -> list[tuple[int, float]]:
    """The `k` best positions with their scores, best first, ties by position; scores of 0 are left out.

    Exact. Long arrays are cut into blocks, and only blocks whose maximum is at least the k-th largest block maximum are
    searched: each of the k best is in such a block.
    """
    import numpy as np

    positions = np.flatnonzero(scores) if len(scores) <= 8 * _BLOCK else _promising(scores, k)
    values = scores[positions]
    if len(values) > k:
        bound = np.partition(values, len(values) - k)[len(values) - k]
        kept = values >= bound
        positions, values = positions[kept], values[kept]
    order = np.lexsort((positions, -values))[:k]
    return [(int(positions[i]), float(values[i])) for i in order]


def _promising(scores: NDArray[np.float64], k: int) -> NDArray[np.int64]:
    import numpy as np

    whole = len(scores) // _BLOCK * _BLOCK
    tops = scores[:whole].reshape(-1, _BLOCK).max(axis=1)
    if k >= len(tops):
        return np.flatnonzero(scores)
    bound = np.partition(tops, len(tops) - k)[len(tops) - k]
    if bound <= 0:  # fewer than k blocks hold a positive score, so there is little to search anyway
        return np.flatnonzero(scores)
    blocks = np.flatnonzero(tops >= bound)
    inside = (blocks[:, None] * _BLOCK + np.arange(_BLOCK)).ravel()
    inside = np.concatenate([inside, np.arange(whole, len(scores))])
    kept: NDArray[np.int64] = inside[scores[inside] >= bound]
    return kept


def packed_strings(strings: Iterable[str]) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Strings as UTF-8 bytes and the end offset of each, so that they can be saved without pickle."""
    import numpy as np

    raw = [string.encode("utf-8", "surrogatepass") for string in strings]
    ends = np.cumsum([len(item) for item in raw], dtype=np.int64)
    return np.frombuffer(b"".join(raw), dtype=np.uint8), ends


def unpacked_strings(packed: NDArray[Any], ends: NDArray[Any]) -> list[str]:
    """The strings of `packed_strings`."""
    raw = packed.tobytes()
    bounds = list(pairwise([0, *ends.tolist()]))
    if raw.isascii():  # one byte per character, so the whole can be decoded at once
        text = raw.decode()
        return [text[start:end] for start, end in bounds]
    return [raw[start:end].decode("utf-8", "surrogatepass") for start, end in bounds]
