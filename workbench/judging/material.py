"""What judges are shown of a run log: the answers, their questions, and the documents of their contexts."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workbench.errors import InputError
from workbench.text import combined_hash

if TYPE_CHECKING:
    import pandas as pd


def records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """The rows of a frame, each as a mapping of column names to values."""
    return [{str(name): value for name, value in row.items()} for row in frame.to_dict("records")]


def answers_to_judge(database: Path, experiment: str | None, limit: int | None) -> pd.DataFrame:
    """The answers of an experiment (None: of the newest) that did not fail, to at most `limit` questions a corpus.

    Raises InputError for a log without answers.
    """
    from workbench.runlog.reader import RunLogReader

    reader = RunLogReader(database)
    if experiment is None:
        experiments = reader.experiments()
        experiment = None if experiments.empty else str(experiments["experiment_id"].iloc[0])
    frame = reader.answers(experiment)
    frame = frame[(frame["status"] == "ok") & frame["text"].notna()]
    if frame.empty:
        raise InputError("holds no answers yet", file=database, fix="run an experiment first: workbench run FILE")
    if limit is None:
        return frame
    # the same questions for every pipeline, and a smaller limit is a part of a larger one
    keys = sorted(
        {(f, q) for f, q in zip(frame["corpus_fingerprint"], frame["question_id"], strict=True)},
        key=lambda key: combined_hash(*key),
    )
    taken: dict[str, set[str]] = {}
    for fingerprint, question_id in keys:
        chosen = taken.setdefault(fingerprint, set())
        if len(chosen) < limit:
            chosen.add(question_id)
    kept = [q in taken[f] for f, q in zip(frame["corpus_fingerprint"], frame["question_id"], strict=True)]
    return frame[kept]


def questions_of(database: Path) -> Mapping[tuple[str, str], Mapping[str, Any]]:
    """The questions of a log as its rows, by the fingerprint of their corpus and their id."""
    from workbench.runlog.reader import RunLogReader

    return {
        (str(row["corpus_fingerprint"]), str(row["question_id"])): row
        for row in records(RunLogReader(database).questions())
    }


def documents_of(database: Path) -> Callable[[str], tuple[str, ...]]:
    """What gives the texts of a context's documents, in order and each below its title, by the context's id. A context
    that the log does not hold has none; a text that it does not hold is empty."""
    from workbench.runlog.reader import RunLogReader

    reader = RunLogReader(database)
    contexts = {str(row["context_id"]): row["documents"] for row in records(reader.contexts())}

    @lru_cache(maxsize=2)  # answers are judged in the order of their contexts
    def documents(context_id: str) -> tuple[str, ...]:
        rows = contexts.get(context_id, [])
        texts = reader.texts([row["text_hash"] for row in rows])
        told = [(row["title"], texts.get(row["text_hash"], "")) for row in rows]
        return tuple(f"Title: {title}\n{text}" if title else text for title, text in told)

    return documents
