"""Judges' verdicts compared with the metrics of the same answers."""

from __future__ import annotations

import pandas as pd

JUDGE = "judge"  # verdicts are scores named judge:<prompt>:<model>


def agreement(answers: pd.DataFrame, scores: pd.DataFrame) -> pd.DataFrame:
    """One row per judge, corpus, model and pipeline: `n` verdicts, `without_verdict`, `judged` (mean verdict), `scored`
    (mean headline score of the same answers, by `metric`), and the agreement of both over all answers of that corpus
    that the judge judged: Pearson's and Spearman's correlation (None where one side does not vary), and Cohen's kappa
    of right (0.5 or more) against wrong. `answers` and `scores` are frames as `RunLogReader` gives them."""
    found = scores[scores["metric"].astype(str).str.startswith(f"{JUDGE}:")]
    keep = ["run_id", "question_id", "pipeline", "model", "corpus", "score"]
    joined = found.rename(columns={"metric": "judge", "value": "verdict"})[
        ["run_id", "question_id", "judge", "verdict"]
    ]
    joined = joined.merge(answers[[*keep, "metric"]], on=["run_id", "question_id"])
    rows = []
    for (judge, corpus), of_corpus in joined.groupby(["judge", "corpus"], sort=True):
        figures = _figures(of_corpus.dropna(subset=["verdict", "score"]))
        for (model, pipeline), group in of_corpus.groupby(["model", "pipeline"], sort=True):
            told = group.dropna(subset=["verdict"])
            rows.append(
                {
                    "judge": judge,
                    "corpus": corpus,
                    "model": model,
                    "pipeline": pipeline,
                    "n": len(told),
                    "without_verdict": len(group) - len(told),
                    "judged": float(told["verdict"].mean()) if len(told) else None,
                    "scored": float(told["score"].mean()) if told["score"].notna().any() else None,
                    "metric": " ".join(sorted({str(name) for name in group["metric"].dropna()})),
                    **figures,
                }
            )
    return pd.DataFrame(rows)


def _figures(both: pd.DataFrame) -> dict[str, float | None]:
    verdict, score = both["verdict"].astype(float), both["score"].astype(float)
    varies = len(both) > 1 and verdict.nunique() > 1 and score.nunique() > 1
    return {
        "pearson": float(verdict.corr(score)) if varies else None,
        "spearman": float(verdict.rank().corr(score.rank())) if varies else None,
        "kappa": _kappa(verdict >= 0.5, score >= 0.5),
    }


def _kappa(a: pd.Series, b: pd.Series) -> float | None:
    """Cohen's kappa of two boolean columns; None where it is undefined."""
    if len(a) == 0:
        return None
    chance = float(a.mean() * b.mean() + (1 - a.mean()) * (1 - b.mean()))
    return None if chance == 1 else float(((a == b).mean() - chance) / (1 - chance))
