"""The response cache's file: SQLite in WAL mode, marked as ours, open once in every thread that uses it."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from workbench.errors import StoreError
from workbench.llm import cache_payments

_APPLICATION_ID = 0x57424B43  # marks the file as ours in its header
_VERSION = 1
_SCHEMA = f"""
CREATE TABLE IF NOT EXISTS replies (
    key TEXT PRIMARY KEY, model TEXT NOT NULL, completion BLOB NOT NULL, request BLOB NOT NULL,
    created_at REAL NOT NULL, used_at REAL NOT NULL
);
CREATE INDEX IF NOT EXISTS replies_used ON replies (used_at);
CREATE TABLE IF NOT EXISTS blocks (block_id INTEGER PRIMARY KEY, hash TEXT NOT NULL UNIQUE, body BLOB NOT NULL);
{cache_payments.TABLE}
PRAGMA application_id = {_APPLICATION_ID};
PRAGMA user_version = {_VERSION};
"""
_FIXES = {  # a part of SQLite's words, and what to do
    "full": "free space on its disk, then run again: what is kept is not paid for twice",
    "readonly": "make the file and its folder writable",
    "unable to open": "make the file and its folder writable",
    "locked": "another program keeps it open; close that",
    "malformed": "the file is damaged; move it away and a new one is made",
    "not a database": "it is another kind of file; name a new one",
    "disk I/O": "see to its disk",
}
_PATIENCE_S = 60.0  # for another process that writes


class CacheFile:
    """An open cache file; threads share it, each over a connection of its own.

    Raises StoreError when the file is no cache of ours, is of another version or cannot be written: that is known
    before a reply is paid for.
    """

    def __init__(self, path: Path) -> None:
        self.path = Path(path)
        self._local = threading.local()
        self._open: list[sqlite3.Connection] = []
        self._lock = threading.Lock()
        with self._named_errors():
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._prepare()

    def _prepare(self) -> None:
        connection = self._connection()
        (identity,) = connection.execute("PRAGMA application_id").fetchone()
        (tables,) = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
        if identity == _APPLICATION_ID:
            (version,) = connection.execute("PRAGMA user_version").fetchone()
            if version != _VERSION:
                raise StoreError(f"{self.path} is a response cache of another version ({version}); name a new file")
            connection.executescript(cache_payments.TABLE)  # files made before there was this table lack it
        elif tables:
            raise StoreError(f"{self.path} is a database of something else; name another file for the response cache")
        else:
            connection.executescript(f"PRAGMA auto_vacuum = INCREMENTAL; PRAGMA journal_mode = WAL; {_SCHEMA}")
        connection.execute("BEGIN IMMEDIATE")  # fails here when the file cannot be written
        connection.execute("ROLLBACK")

    @contextmanager
    def _named_errors(self) -> Iterator[None]:
        """SQLite's errors as one sentence with what to do."""
        try:
            yield
        except (sqlite3.Error, OSError) as error:
            words = str(error)
            fix = next((fix for part, fix in _FIXES.items() if part in words), "see to it, then run again")
            raise StoreError(f"{self.path} cannot be used as response cache: {words} — {fix}") from error

    def _connection(self) -> sqlite3.Connection:
        """This thread's connection."""
        connection: sqlite3.Connection | None = getattr(self._local, "connection", None)
        if connection is None:
            # close() may come from another thread, hence check_same_thread
            connection = sqlite3.connect(self.path, timeout=_PATIENCE_S, isolation_level=None, check_same_thread=False)
            # NORMAL survives kill -9 of our process; only a power cut can lose the last commits
            connection.execute("PRAGMA synchronous = NORMAL")
            self._local.connection = connection
            with self._lock:
                self._open.append(connection)
        return connection

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        """This thread's connection in a transaction, which an error undoes."""
        connection = self._connection()
        connection.execute("BEGIN IMMEDIATE")
        try:
            yield connection
            connection.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:  # a full disk has rolled it back by itself
                connection.execute("ROLLBACK")
            raise

    def close(self) -> None:
        """Close the connections of all threads; one that is asked again opens a new one."""
        with self._lock:
            for connection in self._open:
                connection.close()
            self._open.clear()
        self._local = threading.local()
