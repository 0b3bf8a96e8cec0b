"""Rows for the run log wait in memory, and one thread writes them in batches, each in one short transaction."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from workbench.errors import StoreError
from workbench.runlog.batches import KEYS, delete_stale, insert
from workbench.runlog.connection import connect, first_line
from workbench.runlog.migrations import migrate
from workbench.runlog.stored_text import compress, storable
from workbench.text import text_hash

FLUSH_EVERY_S = 0.5  # at least; opening the file and replaying its write-ahead log takes time, so
FLUSH_SHARE = 10.0  # a batch waits this many times as long as the last one took to write,
FLUSH_LATEST_S = 5.0  # but never longer than a person watching a run would
_MANY_CALLS = 2_000  # and not while as many wait


class BatchWriter:
    """Creates and migrates the file, and writes to it. Thread-safe. Of rows with the same key the last one stands.

    Raises StoreError at the next call when the writer thread has failed.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._writing = threading.Lock()
        self._rows: dict[str, dict[tuple[Any, ...], dict[str, Any]]] = {}
        self._answered: dict[tuple[str, str], list[str]] = {}  # new answers, with the calls that they rest on
        self._rescored: set[tuple[str, str]] = set()
        self._stored: set[str] = set()
        self._failure: BaseException | None = None
        self._wake = threading.Event()
        self._closed = False
        with connect(path) as connection:
            connection.execute("BEGIN")
            migrate(connection)
            connection.execute("COMMIT")
        self._thread = threading.Thread(target=self._write_until_closed, name="run-log", daemon=True)
        self._thread.start()

    def add(self, table: str, row: dict[str, Any]) -> None:
        """A row, in place of one with the same key."""
        self.check()
        for name, value in row.items():
            if type(value) is str and not value.isascii():
                row[name] = storable(value)
        key = tuple(row[name] for name in KEYS[table])
        with self._lock:
            waiting = self._rows.setdefault(table, {})
            waiting[key] = row
        if len(waiting) >= _MANY_CALLS and table == "calls":
            self._wake.set()

    def text(self, text: str, key: str = "") -> str:
        """Store a text once; `key` is its hash where that is known."""
        key = key or text_hash(text)
        with self._lock:
            if key in self._stored:
                return key
            self._stored.add(key)
        self.add("texts", {"hash": key, "characters": len(text), "compressed": compress(text)})
        return key

    def supersede(self, run_id: str, question_id: str, calls: Sequence[str]) -> None:
        """What an earlier answer has left goes with the next batch: hits, scores, and calls that are none of these."""
        with self._lock:
            self._answered[storable(run_id), storable(question_id)] = list(calls)

    def rescore(self, run_id: str, question_id: str) -> None:
        """The metrics that an answer was scored by before go with the next batch."""
        with self._lock:
            self._rescored.add((storable(run_id), storable(question_id)))

    def _write_until_closed(self) -> None:
        pause = FLUSH_EVERY_S
        while not self._closed:
            self._wake.wait(pause)
            self._wake.clear()
            started = time.monotonic()
            try:
                self.write()
            except BaseException as error:  # surfaces at the caller's next call
                self._failure = error
                return
            pause = min(FLUSH_LATEST_S, max(FLUSH_EVERY_S, FLUSH_SHARE * (time.monotonic() - started)))

    def flush(self) -> None:
        """Return when everything added so far is in the file. Raises StoreError when that fails."""
        self.check()
        self.write()

    def check(self) -> None:
        """Raise what the writer thread has met."""
        if self._failure is not None:
            raise StoreError(f"the run log could not be written: {self._failure}") from self._failure

    def write(self, last: str = "", values: Sequence[Any] = ()) -> None:
        """Write what waits, and in the same transaction the statement `last`: every connection costs milliseconds."""
        with self._writing:
            with self._lock:
                rows, self._rows = self._rows, {}
                answered, self._answered = self._answered, {}
                rescored, self._rescored = self._rescored, set()
            if not (rows or answered or rescored or last):
                return
            try:
                with connect(self._path) as connection:
                    connection.execute("BEGIN")
                    for table, members in rows.items():
                        insert(connection, table, list(members.values()))
                    delete_stale(connection, rows, answered, rescored)
                    if last:
                        connection.execute(last, list(values))
                    connection.execute("COMMIT")
            except BaseException as error:  # nothing was committed: the rows wait for the next attempt
                with self._lock:
                    for table, members in rows.items():
                        self._rows[table] = members | self._rows.get(table, {})
                    self._answered = answered | self._answered
                    self._rescored |= rescored
                import duckdb

                if isinstance(error, duckdb.Error):  # a full disk, most of the time
                    raise StoreError(f"{self._path} cannot be written: {first_line(error)}") from error
                raise

    def close(self) -> None:
        """Write what is left and stop the writer thread."""
        if self._closed:
            return
        self._closed = True
        self._wake.set()
        self._thread.join(timeout=60)
        self.flush()
        with self._writing, connect(self._path) as connection:
            connection.execute("CHECKPOINT")
