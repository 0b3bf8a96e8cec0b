"""Writing batches of rows: which earlier rows a new row replaces, and what is deleted with them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import duckdb

KEYS = {
    "experiments": ("experiment_id",),
    "runs": ("run_id",),
    "experiment_runs": ("experiment_id", "run_id"),
    "contexts": ("context_id",),
    "questions": ("corpus_fingerprint", "question_id"),
    "builds": ("run_id", "context_id"),
    "answers": ("run_id", "question_id"),
    "hits": ("run_id", "question_id", "rank"),
    "calls": ("call_id",),
    "texts": ("hash",),
    "scores": ("run_id", "question_id", "metric"),
    "spending": ("session_id", "run_id"),
    "probes": ("run_id", "question_id"),
}
METRIC_POSITIONS = 1_000  # an answer's own metrics stand below, verdicts of judges from here on
_CONFLICTS = {  # sums only grow; a rerun keeps when a run began and ended, what it took, how much was planned
    "runs": "ON CONFLICT (run_id) DO UPDATE SET status = excluded.status, price = excluded.price, "
    "questions_planned = greatest(runs.questions_planned, excluded.questions_planned), "
    "workbench_version = excluded.workbench_version, environment = excluded.environment, "
    '"window" = excluded."window", window_source = excluded.window_source, prompt_cache = excluded.prompt_cache',
    "spending": "ON CONFLICT (session_id, run_id) DO UPDATE SET calls = greatest(spending.calls, excluded.calls), "
    "usd = greatest(spending.usd, excluded.usd), tokens = greatest(spending.tokens, excluded.tokens)",
}
_ONCE = frozenset({"texts", "contexts", "questions", "experiments"})  # content-addressed: the first row is the row


def insert(connection: duckdb.DuckDBPyConnection, table: str, rows: Sequence[Mapping[str, Any]]) -> None:
    import pandas as pd

    frame = pd.DataFrame(rows, dtype=object)
    connection.register("incoming", frame)
    names = ", ".join(f'"{name}"' for name in frame.columns)
    clause = "OR IGNORE" if table in _ONCE else "" if table in _CONFLICTS else "OR REPLACE"
    update = _CONFLICTS.get(table, "")
    connection.execute(f"INSERT {clause} INTO {table} ({names}) SELECT {names} FROM incoming {update}")
    connection.unregister("incoming")


def delete_stale(
    connection: duckdb.DuckDBPyConnection,
    rows: Mapping[str, Mapping[tuple[Any, ...], Any]],
    answered: Mapping[tuple[str, str], Sequence[str]],
    rescored: Iterable[tuple[str, str]],
) -> None:
    """Delete the rows that new answers and new scores replace, but not the rows just written."""
    judged = set(rescored) - set(answered)
    kept_calls = [(*owner, call) for owner, calls in answered.items() for call in calls]
    for table, last, owners, kept, only in (
        ("hits", "rank", answered, rows.get("hits", ()), "true"),
        ("calls", "call_id", answered, kept_calls, "t.phase = 'answer'"),
        ("scores", "metric", answered, rows.get("scores", ()), "true"),
        ("scores", "metric", judged, rows.get("scores", ()), f"t.position < {METRIC_POSITIONS}"),
    ):
        if not owners:
            continue
        connection.register("renewed", _frame(["run_id", "question_id"], owners))
        connection.register("kept", _frame(["run_id", "question_id", "last"], kept))
        connection.execute(
            f"DELETE FROM {table} t USING renewed n WHERE t.run_id = n.run_id AND t.question_id = n.question_id "
            f"AND {only} AND NOT EXISTS (SELECT 1 FROM kept k WHERE k.run_id = t.run_id "
            f"AND k.question_id = t.question_id AND k.last = t.{last}::VARCHAR)"
        )
        connection.unregister("renewed")
        connection.unregister("kept")


def _frame(columns: Sequence[str], keys: Iterable[tuple[Any, ...]]) -> Any:
    import pandas as pd

    return pd.DataFrame([tuple(map(str, key)) for key in keys], columns=list(columns), dtype="string[python]")
