"""A ranking from pairwise judgements: Bradley-Terry strengths with bootstrap intervals.

The probability that i beats j is s_i / (s_i + s_j) (Bradley and Terry 1952); a tie counts as half a win for each. The
maximum likelihood is found by Hunter's MM iteration (2004). Questions, not battles, are resampled, since the battles
over one question are not independent.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from workbench.analysis.statistics import SEED
from workbench.errors import InputError

SCALE = 400 / np.log(10)  # Elo's scale: 400 points are odds of 10 to 1
COLUMNS = ("a", "b", "score", "question_id")


PAIR = "pair"  # scores of judged pairs are named pair:<prompt>:<judge>:<run id of the other answer>


def battles(scores: pd.DataFrame, runs: pd.DataFrame) -> pd.DataFrame:
    """The judged pairs of a log's scores: columns `a`, `b` (pipelines), `score`, `question_id`, `corpus`, `model`,
    `judge`, `prompt`. `scores` and `runs` are frames as `RunLogReader` gives them."""
    found = scores[scores["metric"].astype(str).str.startswith(f"{PAIR}:")]
    named = runs.drop_duplicates("run_id").set_index("run_id")
    rows = []
    for run_id, question_id, name, value in found[["run_id", "question_id", "metric", "value"]].itertuples(index=False):
        _, prompt, rest = str(name).split(":", 2)
        judge, _, other = rest.rpartition(":")  # a judge's name may contain colons itself
        if run_id in named.index and other in named.index:
            own = named.loc[run_id]
            pair = (own["pipeline"], named.loc[other, "pipeline"], value, question_id)
            rows.append((*pair, own["corpus"], own["model"], judge, prompt))
    return pd.DataFrame(rows, columns=[*COLUMNS, "corpus", "model", "judge", "prompt"]).astype({"score": float})


def bradley_terry(
    battles: pd.DataFrame,
    *,
    prior: float = 0.5,
    draws: int = 1_000,
    seed: int = SEED,
    names: Sequence[str] | None = None,
) -> pd.DataFrame:
    """Rank the competitors of battles, best first.

    `battles`: one row per judged pair with columns `a`, `b`, `score` (of a: 1 won, 0.5 tied, 0 lost; rows without a
    verdict are left out) and `question_id`. `prior`: number of imaginary ties of every competitor with an average one;
    they keep the strength of an undefeated competitor finite, and connect groups that never met. Result: one row per
    competitor with `name`, `rating` (Elo scale, mean 1000), `low`, `high` (95 %), `rank`, `rank_best`, `rank_worst`
    (95 %), `wins`, `ties`, `losses`, `win_rate`, `battles`. Raises InputError without verdicts.
    """
    missing = [column for column in COLUMNS if column not in battles]
    if missing:
        raise InputError(f"battles have no column {', '.join(missing)}", fix=f"they need {', '.join(COLUMNS)}")
    judged = battles.dropna(subset=["score"])
    judged = judged[judged["a"] != judged["b"]]
    if judged.empty:
        raise InputError("no pair has a verdict", fix="judge pairs of at least two pipelines first")
    known = list(names) if names is not None else sorted({*judged["a"], *judged["b"]})
    place = {name: i for i, name in enumerate(known)}
    won = _wins_by_question(judged, place)
    strengths = _strengths(won.sum(axis=0)[None], prior)[0]
    generator = np.random.default_rng(seed)
    chosen = generator.multinomial(len(won), np.full(len(won), 1 / len(won)), size=draws)
    resampled = _strengths(np.tensordot(chosen.astype(np.float64), won, axes=1), prior)
    ratings = _ratings(resampled)
    ranks = (-ratings).argsort(axis=1).argsort(axis=1) + 1
    return _table(judged, known, _ratings(strengths[None])[0], ratings, ranks)


def _wins_by_question(judged: pd.DataFrame, place: dict[str, int]) -> NDArray[np.float64]:
    """How often i beat j in the battles over each question, ties counting half; shape (questions, names, names)."""
    _, question = np.unique(judged["question_id"].astype(str), return_inverse=True)
    a = judged["a"].map(place).to_numpy(dtype=np.int64)
    b = judged["b"].map(place).to_numpy(dtype=np.int64)
    score = judged["score"].to_numpy(dtype=np.float64)
    won = np.zeros((question.max() + 1, len(place), len(place)))
    np.add.at(won, (question, a, b), score)
    np.add.at(won, (question, b, a), 1 - score)
    return won


def _strengths(won: NDArray[np.float64], prior: float, *, steps: int = 10_000) -> NDArray[np.float64]:
    """Log strengths with mean 0 for a batch of win matrices, by MM with `prior` ties against a strength of 1."""
    games = won + won.transpose(0, 2, 1)
    wins = won.sum(axis=2) + prior / 2
    strength = np.ones_like(wins)
    for _ in range(steps):
        meetings = games / (strength[:, :, None] + strength[:, None, :])
        updated = wins / (meetings.sum(axis=2) + prior / (strength + 1))
        change = np.abs(np.log(updated) - np.log(strength)).max()
        strength = updated
        if change < 1e-9:
            break
    logs: NDArray[np.float64] = np.log(strength)
    centred: NDArray[np.float64] = logs - logs.mean(axis=1, keepdims=True)
    return centred


def _ratings(logs: NDArray[np.float64]) -> NDArray[np.float64]:
    rated: NDArray[np.float64] = 1_000 + SCALE * logs
    return rated


def _table(
    judged: pd.DataFrame,
    names: list[str],
    rating: NDArray[np.float64],
    ratings: NDArray[np.float64],
    ranks: NDArray[np.int64],
) -> pd.DataFrame:
    low, high = np.quantile(ratings, [0.025, 0.975], axis=0)
    best, worst = np.quantile(ranks, [0.025, 0.975], axis=0)
    rows = []
    for i, name in enumerate(names):
        own = pd.concat([judged.loc[judged["a"] == name, "score"], 1 - judged.loc[judged["b"] == name, "score"]])
        rows.append(
            {
                "name": name,
                "rating": float(rating[i]),
                "low": float(min(low[i], rating[i])),
                "high": float(max(high[i], rating[i])),
                "rank_best": int(best[i]),
                "rank_worst": int(np.ceil(worst[i])),
                "wins": int((own == 1).sum()),
                "ties": int((own == 0.5).sum()),
                "losses": int((own == 0).sum()),
                "win_rate": float(own.mean()) if len(own) else float("nan"),
                "battles": len(own),
            }
        )
    table = pd.DataFrame(rows).sort_values(["rating", "name"], ascending=[False, True], ignore_index=True)
    table.insert(4, "rank", range(1, len(table) + 1))
    return table


def expected_score(rating_a: float, rating_b: float) -> float:
    """The probability that a beats b, given their ratings.

    >>> round(expected_score(1400, 1000), 4)
    0.9091
    """
    return float(1 / (1 + 10 ** ((rating_b - rating_a) / 400)))
