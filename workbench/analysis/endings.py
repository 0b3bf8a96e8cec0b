"""How answers ended, in counts and in words, and what is to be said of the windows that they were asked in."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

ENDS = ("answered", "declined", "empty", "cut", "withheld", "refused", "broken", "failed")
_SAID: Mapping[str, str] = {
    "empty": "are empty",
    "cut": "are cut at their limit",
    "withheld": "are withheld by the provider's filter",
    "refused": "are refused by the model",
    "broken": "broke off",
}


def ended_column(answers: pd.DataFrame) -> pd.Series:
    """How each answer ended; told from status and abstention where a log of an earlier version does not say."""
    plain = pd.Series("answered", index=answers.index)
    if "abstained" in answers:
        plain = plain.mask(answers["abstained"].fillna(False).astype(bool), "declined")
    plain = plain.mask(answers["status"] != "ok", "failed")
    return answers["ended"].fillna(plain) if "ended" in answers else plain


def counts(answers: pd.DataFrame) -> dict[str, int]:
    """The number of answers by how they ended, in the order of `ENDS`, without zeros."""
    found = ended_column(answers).value_counts()
    return {end: int(found[end]) for end in ENDS if end in found}


def ends(answers: pd.DataFrame) -> list[str]:
    """Notes on answers that are none, or not whole, and on those that another model gave, with their share."""
    notes = []
    for model, group in answers.groupby("model", sort=False):
        told = counts(group)
        parts = [f"{number:,} ({number / len(group):.0%}) {_SAID[end]}" for end, number in told.items() if end in _SAID]
        if parts:
            notes.append(f"{model}: of {len(group):,} answers {', '.join(parts)}")
        if "served_model" not in group:
            continue
        for served, count in group["served_model"].dropna().value_counts().items():
            share = f"{count:,} of {len(group):,} answers ({count / len(group):.0%})"
            notes.append(f"{model}: {share} came from {served!r}, says the server, which is not what was asked for")
    return notes


def windows(runs: pd.DataFrame) -> list[str]:
    """Notes on models whose window is an assumption: what does not fit it was cut, whatever the model could have
    read."""
    if "window_source" not in runs:
        return []
    assumed = runs[runs["window_source"] == "assumed"].drop_duplicates("model")
    return [assumed_window(str(row["model"]), int(row["window"])) for _, row in assumed.iterrows()]


def assumed_window(model: str, window: int) -> str:
    """What is said of a window that nobody has told.

    >>> assumed_window("server/m", 8_192)
    'server/m: its window of 8,192 tokens is an assumption, nobody tells it; if it is another, write window: in its
    entry'
    """
    return (
        f"{model}: its window of {window:,} tokens is an assumption, nobody tells it; "
        "if it is another, write window: in its entry"
    )
