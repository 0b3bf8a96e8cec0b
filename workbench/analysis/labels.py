"""The names and labels that answers are grouped by: distinct corpora and models, and labels of questions."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable

import numpy as np
import pandas as pd

from workbench.errors import UnknownName

GROUP = ["corpus", "model"]  # only pipelines on the same corpus and model are compared with each other
NO_LABEL = "(none)"  # the group of questions without the label
MOST_NUMBERS = 8  # distinct values of a numeric label that are shown one by one; more become four ranges


def distinct_corpora(answers: pd.DataFrame) -> pd.DataFrame:
    """The answers with the fingerprint added to a corpus's name where several versions have the same name."""
    versions = answers.groupby("corpus")["corpus_fingerprint"].transform("nunique")
    named = answers["corpus"].where(versions == 1, answers["corpus"] + "@" + answers["corpus_fingerprint"].str[:6])
    return answers.assign(corpus=named)


def distinct_models(answers: pd.DataFrame, runs: pd.DataFrame) -> pd.DataFrame:
    """The answers with the differing options added to a model's name where it ran with several sets of options."""
    if "model_options" not in runs:
        return answers
    names: dict[str, str] = {}
    for model, group in runs.groupby("model", sort=False):
        options = {
            run_id: dict(given or {}) for run_id, given in zip(group["run_id"], group["model_options"], strict=True)
        }
        keys = sorted({key for given in options.values() for key in given})
        differing = [key for key in keys if len({json.dumps(given.get(key)) for given in options.values()}) > 1]
        for run_id, given in options.items():
            shown = ",".join(f"{key}={given[key]}" for key in differing if key in given)
            names[run_id] = f"{model}[{shown}]" if shown else str(model)
    return answers.assign(model=answers["run_id"].map(names).fillna(answers["model"]))


def with_label(answers: pd.DataFrame, by: str) -> pd.DataFrame:
    """The answers with a column `label`: the task, or the questions' label `by`. Depths become fifths, and numeric
    labels with many values (e.g. lengths in tokens) four ranges with about equally many questions.

    Raises UnknownName when no question has such a label.
    """
    labelled = answers.copy()
    if by == "task":
        labelled["label"] = labelled["task"].replace("", "all")
        return labelled
    values = [metadata.get(by) if isinstance(metadata, dict) else None for metadata in labelled["metadata"]]
    if all(value is None for value in values):
        known = sorted({key for metadata in labelled["metadata"] if isinstance(metadata, dict) for key in metadata})
        raise UnknownName("question label", by, ["task", *known])
    if by == "depth":
        values = [
            None if value is None else f"{min(int(value * 5), 4) * 20}-{min(int(value * 5), 4) * 20 + 20} %"
            for value in values
        ]
    labelled["label"] = _ranges(values, labelled) or [NO_LABEL if value is None else str(value) for value in values]
    return labelled


def labels_of(questions: pd.DataFrame) -> list[str]:
    """What questions can be broken down by: the task, and every label with more than one value among them."""
    values: dict[str, set[str]] = {}
    for metadata in questions["metadata"]:
        for name, value in (metadata if isinstance(metadata, dict) else {}).items():
            if isinstance(value, str | int | float):
                values.setdefault(name, set()).add(str(value))
    return ["task", *sorted(name for name, found in values.items() if len(found) > 1)]


def _ranges(values: list[object], answers: pd.DataFrame) -> list[str] | None:
    """A numeric label with more than MOST_NUMBERS values as ranges between its quartiles over questions; None for
    other labels."""
    known = [value for value in values if value is not None]
    if any(isinstance(value, bool) or not isinstance(value, int | float) for value in known):
        return None
    if len(set(known)) <= MOST_NUMBERS:
        return None
    numbers = pd.Series(values, index=answers.index, dtype=float)
    asked = numbers[~answers.duplicated(["corpus_fingerprint", "question_id"])].dropna()
    edges = np.unique(np.quantile(asked, [0.25, 0.5, 0.75], method="inverted_cdf"))
    place = np.searchsorted(edges, numbers)  # a value at an edge belongs to the range that ends there
    names = {}
    for number in np.unique(place[numbers.notna()]):
        inside = numbers[(place == number) & numbers.notna()]
        low, high = (f"{bound:,.6g}" if bound < 1e6 else f"{bound:,.0f}" for bound in (inside.min(), inside.max()))
        names[number] = low if low == high else f"{low} to {high}"
    return [NO_LABEL if unknown else names[at] for unknown, at in zip(numbers.isna(), place, strict=True)]


def in_order(labels: Iterable[str]) -> list[str]:
    """Labels in reading order: numbers by size, words alphabetically, `(none)` last.

    >>> in_order(["16384", "4096", "(none)", "4,100 to 9,000"])
    ['4096', '4,100 to 9,000', '16384', '(none)']
    """
    return sorted(set(labels), key=_reading_order)


def _reading_order(label: str) -> tuple[bool, list[tuple[int, float, str]]]:
    parts = re.split(r"(\d[\d,]*(?:\.\d+)?)", label)
    key = [(0, float(part.replace(",", "")), "") if at % 2 else (1, 0.0, part) for at, part in enumerate(parts) if part]
    return label == NO_LABEL, key
