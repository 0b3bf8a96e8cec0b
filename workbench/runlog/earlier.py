"""What a rerun needs to know of a log: what is answered, what was paid, and answers to be scored again."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from workbench.runlog.batches import METRIC_POSITIONS

if TYPE_CHECKING:
    import duckdb


def spent(
    connection: duckdb.DuckDBPyConnection, run_ids: Sequence[str]
) -> dict[tuple[str, str], tuple[int, float, int]]:
    """Calls, USD and tokens that sessions have paid for these runs, by session and run."""
    rows = connection.execute(
        "SELECT session_id, run_id, calls, usd, tokens FROM spending WHERE list_contains(?, run_id)",
        [list(run_ids)],
    ).fetchall()
    return {(session, run): (calls, usd, tokens) for session, run, calls, usd, tokens in rows}


def done(connection: duckdb.DuckDBPyConnection, run_id: str) -> dict[str, str]:
    """How the questions of a run have ended so far: question id to status."""
    rows = connection.execute("SELECT question_id, status FROM answers WHERE run_id = ?", [run_id]).fetchall()
    return dict(rows)


def has_answers(connection: duckdb.DuckDBPyConnection, run_id: str) -> bool:
    """Whether a run has brought an answer that is one, and is not cut or empty."""
    found = connection.execute(
        "SELECT count(*) FROM answers WHERE run_id = ? AND status = 'ok' "
        "AND coalesce(ended, 'answered') IN ('answered', 'declined')",
        [run_id],
    ).fetchone()
    return bool(found and found[0])


def lacks_own_costs(connection: duckdb.DuckDBPyConnection, run_id: str) -> bool:
    """Whether an answer of a run has a cost, but not yet the one that the run would have by itself."""
    found = connection.execute(
        "SELECT count(*) FROM answers WHERE run_id = ? AND cost_own_usd IS NULL AND cost_usd IS NOT NULL AND calls > 0",
        [run_id],
    ).fetchone()
    return bool(found and found[0])


def probed(connection: duckdb.DuckDBPyConnection, run_id: str) -> set[str]:
    """The questions of a run that were asked once more, alone, with success."""
    rows = connection.execute("SELECT question_id FROM probes WHERE run_id = ? AND status = 'ok'", [run_id]).fetchall()
    return {question_id for (question_id,) in rows}


def answered(connection: duckdb.DuckDBPyConnection, run_id: str) -> dict[str, dict[str, Any]]:
    """What is needed to score a run's answers again, by question id; see `RunLog.answered`."""
    answers = connection.execute(
        "SELECT question_id, text, citations, truncated_tokens, abstained FROM answers "
        "WHERE run_id = ? AND status = 'ok'",
        [run_id],
    ).fetchall()
    hits = connection.execute(
        'SELECT question_id, document_id, start, "end", score, rank FROM hits WHERE run_id = ? ORDER BY rank',
        [run_id],
    ).fetchall()
    scores = connection.execute(
        "SELECT question_id, metric, version FROM scores WHERE run_id = ? AND position < ? ORDER BY position, metric",
        [run_id, METRIC_POSITIONS],
    ).fetchall()
    found: dict[str, dict[str, Any]] = {
        name: {"text": text, "citations": json.loads(citations or "[]"), "dropped_tokens": dropped or 0,
               "abstained": bool(abstained), "hits": [], "scores": []}
        for name, text, citations, dropped, abstained in answers
    }  # fmt: skip
    for name, *hit in hits:
        if name in found:
            found[name]["hits"].append(hit)
    for name, metric, version in scores:
        if name in found:
            found[name]["scores"].append((metric, version))
    return found
