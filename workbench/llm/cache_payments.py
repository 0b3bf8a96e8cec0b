"""What sessions have paid, kept in the response cache's file until their run log holds it.

A payment is written in the same transaction as the reply that it paid for, so that a program killed between the two
leaves neither or both.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Collection

from workbench.llm.accounting import Payment

TABLE = """
CREATE TABLE IF NOT EXISTS paid (
    session_id TEXT NOT NULL, run_id TEXT NOT NULL, calls INTEGER NOT NULL, usd REAL NOT NULL, tokens INTEGER NOT NULL,
    PRIMARY KEY (session_id, run_id)
) WITHOUT ROWID;
"""
_ADD = """
INSERT INTO paid VALUES (?, ?, 1, ?, ?) ON CONFLICT (session_id, run_id)
DO UPDATE SET calls = calls + 1, usd = usd + excluded.usd, tokens = tokens + excluded.tokens
"""


def add_payment(connection: sqlite3.Connection, payment: Payment) -> None:
    """Add one call to what its session has paid for its run."""
    connection.execute(_ADD, payment)


def payments_of(
    connection: sqlite3.Connection, session_ids: Collection[str]
) -> dict[tuple[str, str], tuple[int, float, int]]:
    """Calls, USD and tokens by session and run, of these sessions."""
    rows = connection.execute("SELECT session_id, run_id, calls, usd, tokens FROM paid").fetchall()
    return {(session, run): (calls, usd, tokens) for session, run, calls, usd, tokens in rows if session in session_ids}


def forget_payments(connection: sqlite3.Connection, session_ids: Collection[str]) -> None:
    """Delete the payments of these sessions."""
    connection.executemany("DELETE FROM paid WHERE session_id = ?", [(name,) for name in session_ids])
