"""What embedding and reranking servers reply with: rows by index, scores, vectors and token counts, by their names."""

from __future__ import annotations

import base64
import binascii
import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from workbench.errors import BadReply

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_COUNTS = ("prompt_tokens", "input_tokens", "total_tokens")  # OpenAI and llama.cpp; Cohere; Jina and Voyage


@dataclass(frozen=True, slots=True)
class Usage:
    """The `tokens` of one or more requests; `estimated`: the server reported none for one of them, so they are our own
    count. `search_units`: what Cohere bills by."""

    tokens: int = 0
    estimated: bool = False
    search_units: float = 0.0

    @staticmethod
    def total(of: Iterable[Usage]) -> Usage:
        """The sum."""
        each = list(of)
        return Usage(
            sum(one.tokens for one in each),
            any(one.estimated for one in each),
            sum(one.search_units for one in each),
        )


def usage_in(reply: Any, count: Callable[[], int]) -> Usage:
    """What a reply says that it took, in `usage` or in Cohere's `meta`; where it says nothing, or 0, `count()`."""
    whole = reply if isinstance(reply, dict) else {}
    meta = _object(whole.get("meta"))
    billed = _object(meta.get("billed_units"))
    places = (_object(whole.get("usage")), billed, _object(meta.get("tokens")))
    told = (_number(place.get(name)) for place in places for name in _COUNTS)
    tokens = next((int(number) for number in told if number >= 1), 0)
    return Usage(tokens or count(), not tokens, _number(billed.get("search_units")))


def listed(reply: Any, names: tuple[str, ...], what: str) -> list[dict[str, Any]]:
    """The list of objects in the first of a reply's fields `names`, or the reply itself where it is such a list. Raises
    BadReply with the beginning of the reply."""
    rows = reply or None
    if isinstance(reply, dict):
        rows = next((reply[name] for name in names if reply.get(name) is not None), None)
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise BadReply(f"{what}: the reply holds no list {names[0]!r}: {str(reply)[:200]}")
    return rows


def in_order(rows: list[dict[str, Any]], number: int, what: str) -> list[dict[str, Any]]:
    """Rows sorted by their `index`, one for each of `number` inputs; in the given order where none has an index. Raises
    BadReply when rows are missing, too many or wrongly numbered, since they could not be matched to their texts."""
    if len(rows) != number:
        raise BadReply(f"{what}: {len(rows)} results for {number} texts")
    if all(row.get("index") is None for row in rows):
        return rows
    placed = _placed(rows, number, what)
    return [placed[place] for place in range(number)]


def ranked_scores(rows: list[dict[str, Any]], number: int, what: str) -> list[float | None]:
    """The score of each of `number` documents, by the rows' `index` (from 0), None for those that were left out. Raises
    BadReply for numbers that are none, wrong or double, and for scores that are no finite numbers."""
    if number and not rows:
        raise BadReply(f"{what}: no results for {number} texts")
    placed = _placed(rows, number, what)
    scores: list[float | None] = [None] * number
    for place, row in placed.items():
        score = row["relevance_score"] if "relevance_score" in row else row.get("score")
        if isinstance(score, bool) or not isinstance(score, int | float) or not math.isfinite(score):
            raise BadReply(f"{what}: a score is no number: {score!r:.40}")
        scores[place] = float(score)
    return scores


def vector_in(value: Any, what: str) -> NDArray[np.float32]:
    """A vector given as numbers, as base64 of little-endian float32, or as the only row of a matrix (llama.cpp's own
    form). Its values are unchecked. Raises BadReply."""
    import numpy as np

    if isinstance(value, list) and len(value) == 1 and isinstance(value[0], list):
        value = value[0]
    try:
        if isinstance(value, str):
            return np.frombuffer(base64.b64decode(value, validate=True), dtype="<f4").astype(np.float32)
        with np.errstate(over="ignore"):  # values too large for single precision become infinite
            return np.array(value, dtype=np.float32)
    except (TypeError, ValueError, binascii.Error) as error:
        raise BadReply(f"{what}: a vector is no list of numbers, nor base64 of them") from error


def _placed(rows: list[dict[str, Any]], number: int, what: str) -> dict[int, dict[str, Any]]:
    placed = {row["index"]: row for row in rows if type(row.get("index")) is int and 0 <= row["index"] < number}
    if len(placed) != len(rows):
        raise BadReply(f"{what}: the results are not numbered from 0 to {number - 1}, each once")
    return placed


def _object(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _number(value: Any) -> float:
    good = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value) and value > 0
    return float(value) if good else 0.0
