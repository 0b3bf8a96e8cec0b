"""The response cache: every reply that was paid for, in SQLite (WAL), shared by processes.

Keyed by model, messages, parameters, schema and sample number. A reply is committed here before anyone uses it, so that
kill -9 loses nothing that was paid for. Errors and unparsable replies are never kept.
"""

from __future__ import annotations

import json
import sqlite3
import threading
import time
import zlib
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from types import TracebackType

from workbench.errors import StoreError
from workbench.llm.model import ChatRequest, Completion
from workbench.text import combined_hash

_SCHEMA = """
CREATE TABLE IF NOT EXISTS replies (
    key TEXT PRIMARY KEY, model TEXT NOT NULL, completion BLOB NOT NULL, request BLOB NOT NULL,
    bytes INTEGER NOT NULL, created_at REAL NOT NULL, used_at REAL NOT NULL
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS replies_used ON replies (used_at);
"""


def cache_key(model: str, request: ChatRequest) -> str:
    """The content address of a request."""
    parameters = json.dumps(
        [request.max_tokens, request.temperature, request.seed, request.sample, request.schema], sort_keys=True
    )
    parts = (part for message in request.messages for part in (message.role, message.content))
    return combined_hash(model, parameters, *parts)


class ResponseCache:
    """An open response cache; threads share it, each over a connection of its own.

    Raises StoreError when the file is no cache of ours or cannot be opened.
    """

    def __init__(self, path: Path) -> None:
        self.path = Path(path)
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self._local = threading.local()
        self._open: list[sqlite3.Connection] = []
        self._lock = threading.Lock()
        try:
            self._connection().executescript(_SCHEMA)
        except sqlite3.DatabaseError as error:
            raise StoreError(f"{self.path} is no response cache: {error}") from error

    def _connection(self) -> sqlite3.Connection:
        connection: sqlite3.Connection | None = getattr(self._local, "connection", None)
        if connection is None:
            # closed by close() from another thread, hence check_same_thread
            connection = sqlite3.connect(self.path, timeout=30.0, isolation_level=None, check_same_thread=False)
            connection.execute("PRAGMA journal_mode=WAL")
            # NORMAL survives kill -9 of our process; only a power cut can lose the last commits
            connection.execute("PRAGMA synchronous=NORMAL")
            self._local.connection = connection
            with self._lock:
                self._open.append(connection)
        return connection

    def get(self, key: str) -> Completion | None:
        """The reply kept under `key`, with its original token and time figures."""
        row = self._connection().execute("SELECT completion FROM replies WHERE key = ?", (key,)).fetchone()
        if row is None:
            return None
        try:
            return Completion(**json.loads(zlib.decompress(row[0])))
        except (zlib.error, ValueError, TypeError):
            self.forget(key)  # a damaged row is as good as none: it is asked again
            return None

    def put(self, key: str, model: str, request: ChatRequest, completion: Completion) -> None:
        """Commit a reply."""
        kept = zlib.compress(json.dumps(asdict(completion)).encode(), 1)
        asked = zlib.compress(json.dumps(asdict(request), default=str).encode(), 1)
        now = time.time()
        self._connection().execute(
            "INSERT OR REPLACE INTO replies VALUES (?, ?, ?, ?, ?, ?, ?)",
            (key, model, kept, asked, len(kept) + len(asked), now, now),
        )

    def forget(self, key: str) -> None:
        """Drop one reply, because it turned out to be unusable."""
        self._connection().execute("DELETE FROM replies WHERE key = ?", (key,))

    def stats(self) -> list[dict[str, object]]:
        """Replies and bytes per model."""
        rows = self._connection().execute(
            "SELECT model, count(*), sum(bytes), min(created_at), max(created_at) FROM replies GROUP BY 1 ORDER BY 1"
        )
        names = ("model", "replies", "bytes", "first", "last")
        return [dict(zip(names, row, strict=True)) for row in rows]

    def prune(self, max_bytes: int) -> int:
        """Drop the oldest replies until at most `max_bytes` are kept; returns how many were dropped."""
        connection = self._connection()
        over = (connection.execute("SELECT coalesce(sum(bytes), 0) FROM replies").fetchone()[0]) - max_bytes
        dropped = []
        for key, size in connection.execute("SELECT key, bytes FROM replies ORDER BY used_at, key").fetchall():
            if over <= 0:
                break
            dropped.append((key,))
            over -= size
        connection.execute("BEGIN")
        connection.executemany("DELETE FROM replies WHERE key = ?", dropped)
        connection.execute("COMMIT")
        connection.execute("VACUUM")
        return len(dropped)

    def export(self) -> Iterator[dict[str, object]]:
        """Every reply with its request, as plain data."""
        for key, model, completion, request, created in self._connection().execute(
            "SELECT key, model, completion, request, created_at FROM replies ORDER BY created_at, key"
        ):
            yield {
                "key": key,
                "model": model,
                "created_at": created,
                "request": json.loads(zlib.decompress(request)),
                "completion": json.loads(zlib.decompress(completion)),
            }

    def close(self) -> None:
        """Close every thread's connection."""
        with self._lock:
            for connection in self._open:
                connection.close()
            self._open.clear()
        self._local = threading.local()

    def __enter__(self) -> ResponseCache:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()
