"""Counts how often the evidence was retrieved and the answer right, to show whether retriever or reader fails.

Found but wrong: the reader had the evidence and failed. Missed and wrong: the retriever failed. Missed but right: the
model knew the answer, or the answer is also in other places than the gold spans.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

CELLS = ("found_right", "found_wrong", "missed_right", "missed_wrong")


def retrieval_gap(
    answers: pd.DataFrame,
    hits: pd.DataFrame,
    questions: pd.DataFrame,
    *,
    right_from: float = 0.5,
    found_from: float = 1.0,
    by: tuple[str, ...] = ("corpus", "model", "pipeline"),
) -> pd.DataFrame:
    """One row per group of runs (`by`) with the counts of the four combinations, from frames of a `RunLogReader`.

    Found: at least the share `found_from` of the question's evidence spans (1: all of them) is overlapped by chunks
    that were read. Right: the headline score is at least `right_from`; a failed answer is wrong. Further columns: `n`,
    `evidence_found` (share of n), `accuracy_found` and `accuracy_missed` (shares that are right among found and missed;
    None where there are none), and `no_evidence` and `unscored`: answers left out because the question has no evidence
    spans, or no metric applied. Runs without any hit do not retrieve, and have no row.
    """
    import pandas as pd

    columns = [*by, "n", *CELLS, "evidence_found", "accuracy_found", "accuracy_missed", "no_evidence", "unscored"]
    if answers.empty or hits.empty:
        return pd.DataFrame(columns=columns)
    spans: dict[tuple[str, str], list[Mapping[str, Any]]] = {
        (str(fingerprint), str(question_id)): evidence if isinstance(evidence, list) else []
        for fingerprint, question_id, evidence in _columns(questions, "corpus_fingerprint", "question_id", "evidence")
    }
    read: dict[tuple[str, str], list[tuple[str, int, int]]] = {}
    names = ("run_id", "question_id", "document_id", "start", "end")
    for run_id, question_id, document_id, start, end in _columns(hits, *names):
        read.setdefault((run_id, question_id), []).append((document_id, start, end))
    retrieving = set(hits["run_id"])
    rows = []
    for keys, group in answers[answers["run_id"].isin(retrieving)].groupby(list(by), sort=False, dropna=False):
        rows.append({**dict(zip(by, keys, strict=True)), **_counts(group, read, spans, right_from, found_from)})
    return pd.DataFrame(rows, columns=columns)


def _counts(
    group: pd.DataFrame,
    read: Mapping[tuple[str, str], list[tuple[str, int, int]]],
    spans: Mapping[tuple[str, str], list[Mapping[str, Any]]],
    right_from: float,
    found_from: float,
) -> dict[str, Any]:
    import pandas as pd

    cells = dict.fromkeys(CELLS, 0)
    no_evidence = unscored = 0
    names = ("corpus_fingerprint", "run_id", "question_id", "status", "score")
    for fingerprint, run_id, question_id, status, score in _columns(group, *names):
        evidence = spans.get((fingerprint, question_id), [])
        failed = status != "ok"
        if not evidence:
            no_evidence += 1
        elif pd.isna(score) and not failed:
            unscored += 1
        else:
            share = _share_found(evidence, read.get((run_id, question_id), ()))
            right = not failed and score >= right_from
            cells[f"{'found' if share >= found_from else 'missed'}_{'right' if right else 'wrong'}"] += 1
    found = cells["found_right"] + cells["found_wrong"]
    missed = cells["missed_right"] + cells["missed_wrong"]
    return {
        "n": found + missed,
        **cells,
        "evidence_found": found / (found + missed) if found + missed else None,
        "accuracy_found": cells["found_right"] / found if found else None,
        "accuracy_missed": cells["missed_right"] / missed if missed else None,
        "no_evidence": no_evidence,
        "unscored": unscored,
    }


def _columns(frame: pd.DataFrame, *names: str) -> Iterator[tuple[Any, ...]]:
    return zip(*(frame[name].tolist() for name in names), strict=True)


def _share_found(evidence: Iterable[Mapping[str, Any]], hits: Iterable[tuple[str, int, int]]) -> float:
    """Share of the evidence spans that a hit overlaps by at least one character."""
    by_document: dict[str, list[tuple[int, int]]] = {}
    for document_id, start, end in hits:
        by_document.setdefault(document_id, []).append((start, end))
    found = [
        any(start < span["end"] and span["start"] < end for start, end in by_document.get(span["document_id"], ()))
        for span in evidence
    ]
    return sum(found) / len(found)


def gap_of(database: str | Path, experiment: str | None = None, **options: Any) -> pd.DataFrame:
    """`retrieval_gap` of a run log. Example: `gap_of("runs/demo.duckdb")`."""
    from workbench.runlog.reader import RunLogReader

    log = RunLogReader(database)
    return retrieval_gap(log.answers(experiment), log.hits(experiment), log.questions(), **options)
