"""LongMemEval's measures for the retrieval of sessions and turns (xiaowu0162/LongMemEval at 9e0b455).

Its answers are judged by a language model: `workbench.judging.prompts` has the prompts by question type.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

DEPTHS = (1, 3, 5, 10, 30, 50)


def turn_to_session(turn_id: str) -> str:
    """The session id of a turn id, which is the turn id without its last part: `answer_x_2` is a turn of `answer_x`.

    >>> turn_to_session("answer_4be1b6b4_2_7")
    'answer_4be1b6b4_2'
    """
    return turn_id.rpartition("_")[0] or turn_id


def session_depth(turns: Sequence[str], k: int) -> int:
    """How many turns from the top of a ranking cover `k` sessions; all turns when there are fewer sessions.

    >>> session_depth(["s1_1", "s1_2", "s2_1", "s3_1"], 2)
    3
    """
    seen: set[str] = set()
    for depth, turn in enumerate(turns, 1):
        seen.add(turn_to_session(turn))
        if depth >= k and len(seen) >= k:
            return depth
    return len(turns)


def turn_ranking_scores(turns: Sequence[str], gold: Sequence[str], k: int) -> dict[str, float]:
    """Session-level scores of a ranking of all turns (`turn2session`), cut where it covers `k` sessions.

    A session counts in nDCG once for each of its turns in the ranking.
    """
    depth = session_depth(turns, k)
    sessions = [turn_to_session(turn) for turn in turns]
    wanted = list(dict.fromkeys(map(turn_to_session, gold)))
    return {
        "recall_any": recall_any(sessions, wanted, depth),
        "recall_all": recall_all(sessions, wanted, depth),
        "ndcg_any": ndcg_any(sessions, wanted, depth),
    }


def recall_any(ranking: Sequence[str], gold: Sequence[str], k: int) -> float:
    """1 when one of the first `k` items is gold."""
    return float(any(item in set(ranking[:k]) for item in gold))


def recall_all(ranking: Sequence[str], gold: Sequence[str], k: int) -> float:
    """1 when all gold items are among the first `k`."""
    return float(all(item in set(ranking[:k]) for item in gold))


def ndcg_any(ranking: Sequence[str], gold: Sequence[str], k: int) -> float:
    """Binary nDCG@k of a ranking of the whole haystack; the gain at rank 1 is 1, at rank r >= 2 it is 1 / log2(r)."""

    def gain(relevances: Sequence[int]) -> float:
        return sum(rel / (1.0 if rank == 1 else math.log2(rank)) for rank, rel in enumerate(relevances, 1))

    relevances = [int(item in set(gold)) for item in ranking]
    best = gain(sorted(relevances, reverse=True)[:k])
    return gain(relevances[:k]) / best if best else 0.0
