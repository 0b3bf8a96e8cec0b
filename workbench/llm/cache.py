"""The response cache: every reply that was paid for, in SQLite (WAL), shared by processes.

Keyed by model, messages, parameters, schema and sample number. A reply is committed here before anyone uses it, so that
kill -9 loses nothing that was paid for. Errors and unparsable replies are never kept. Prompts are kept too, for export,
but their texts are cut into blocks that are stored once: a thousand questions about a novel hold the novel once.
"""

from __future__ import annotations

import json
import sqlite3
import threading
import time
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import fields
from pathlib import Path
from types import TracebackType

from workbench.errors import StoreError
from workbench.llm.accounting import Payment
from workbench.llm.cache_file import (
    APPLICATION_ID,
    FIXES,
    PAID,
    PAY,
    SCHEMA,
    VERSION,
    block_ids,
    decoded,
    encoded,
    outline_blocks,
)
from workbench.llm.model import ChatRequest, Completion, Waste
from workbench.text import combined_hash, text_blocks, text_hash

# asdict() would copy every value deeply, which costs more than to write them
_REQUEST_FIELDS = tuple(field.name for field in fields(ChatRequest) if field.compare)
_COMPLETION_FIELDS = tuple(field.name for field in fields(Completion))

_PUTS_PER_CHECK = 500
_PATIENCE_S = 60.0  # for another process that writes
_TOUCHES_PER_WRITE = 1_000


def cache_key(model: str, request: ChatRequest) -> str:
    """The content address of a request."""
    named = [request.max_tokens, request.temperature, request.seed, request.sample, request.schema]
    if request.top_logprobs or request.prompt_logprobs:  # only then: keys of all other requests stay what they were
        named += [request.top_logprobs, request.prompt_logprobs]
    parameters = json.dumps(named, sort_keys=True)
    parts = (part for message in request.messages for part in (message.role, message.content))
    return combined_hash(model, parameters, *parts)


class ResponseCache:
    """An open response cache; threads share it, each over a connection of its own.

    `max_bytes` bounds what is kept: the replies unused for longest are dropped. Raises StoreError when the file is no
    cache of ours or cannot be opened.
    """

    def __init__(self, path: Path, *, max_bytes: int | None = None) -> None:
        self.path = Path(path)
        self._max_bytes = max_bytes
        self._local = threading.local()
        self._open: list[sqlite3.Connection] = []
        self._lock = threading.Lock()
        self._touched: set[str] = set()
        self._puts = 0
        with self._named_errors():
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._prepare()

    def _prepare(self) -> None:
        connection = self._connection()
        (identity,) = connection.execute("PRAGMA application_id").fetchone()
        (tables,) = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
        if identity == APPLICATION_ID:
            (version,) = connection.execute("PRAGMA user_version").fetchone()
            if version != VERSION:
                raise StoreError(f"{self.path} is a response cache of another version ({version}); name a new file")
            connection.executescript(PAID)
        elif tables:
            raise StoreError(f"{self.path} is a database of something else; name another file for the response cache")
        else:
            connection.executescript(f"PRAGMA auto_vacuum = INCREMENTAL; PRAGMA journal_mode = WAL; {SCHEMA}")
        connection.execute("BEGIN IMMEDIATE")  # whether it can be written is known before a reply is paid for
        connection.execute("ROLLBACK")

    @contextmanager
    def _named_errors(self) -> Iterator[None]:
        """SQLite's errors as one sentence with what to do."""
        try:
            yield
        except (sqlite3.Error, OSError) as error:
            words = str(error)
            fix = next((fix for part, fix in FIXES.items() if part in words), "see to it, then run again")
            raise StoreError(f"{self.path} cannot be used as response cache: {words} — {fix}") from error

    def _connection(self) -> sqlite3.Connection:
        connection: sqlite3.Connection | None = getattr(self._local, "connection", None)
        if connection is None:
            # closed by close() from another thread, hence check_same_thread
            connection = sqlite3.connect(self.path, timeout=_PATIENCE_S, isolation_level=None, check_same_thread=False)
            # NORMAL survives kill -9 of our process; only a power cut can lose the last commits
            connection.execute("PRAGMA synchronous = NORMAL")
            self._local.connection = connection
            with self._lock:
                self._open.append(connection)
        return connection

    def get(self, key: str) -> Completion | None:
        """The reply kept under `key`, with its original token and time figures."""
        with self._named_errors():
            row = self._connection().execute("SELECT completion FROM replies WHERE key = ?", (key,)).fetchone()
        if row is None:
            return None
        try:
            kept = decoded(row[0])
            kept["wasted"] = tuple(Waste(*used) for used in kept.get("wasted", ()))
            kept["left_out"] = tuple(kept.get("left_out", ()))
            completion = Completion(**kept)
        except (zlib.error, ValueError, TypeError):
            self.forget(key)  # a damaged row is as good as none: it is asked again
            return None
        self._touched.add(key)
        if len(self._touched) >= _TOUCHES_PER_WRITE:
            with self._named_errors():
                self._write_touched()
        return completion

    def put(
        self, key: str, model: str, request: ChatRequest, completion: Completion, payment: Payment | None = None
    ) -> None:
        """Commit a reply and what was paid for it. Raises StoreError when it cannot be kept: a full disk, a damaged
        file."""
        with self._named_errors():
            self._put(key, model, request, completion, payment)
        self._puts += 1
        if self._max_bytes is not None and self._puts % _PUTS_PER_CHECK == 0 and self.size() > self._max_bytes:
            self.prune(self._max_bytes * 9 // 10)

    def _put(self, key: str, model: str, request: ChatRequest, completion: Completion, payment: Payment | None) -> None:
        cut = [
            (message.role, [(text_hash(block), block) for block in text_blocks(message.content)])
            for message in request.messages
        ]
        texts = {digest: block for _, parts in cut for digest, block in parts}
        asked = {name: getattr(request, name) for name in _REQUEST_FIELDS}
        kept = encoded({name: getattr(completion, name) for name in _COMPLETION_FIELDS})
        now = time.time()
        with self._transaction() as connection:
            ids = block_ids(connection, texts)
            asked["messages"] = [[role, [ids[digest] for digest, _ in parts]] for role, parts in cut]
            outline = encoded(asked)
            connection.execute(
                "INSERT OR REPLACE INTO replies VALUES (?, ?, ?, ?, ?, ?)", (key, model, kept, outline, now, now)
            )
            if payment is not None:
                connection.execute(PAY, payment)

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        connection = self._connection()
        connection.execute("BEGIN IMMEDIATE")
        try:
            yield connection
            connection.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:  # a full disk has rolled it back by itself
                connection.execute("ROLLBACK")
            raise

    def pay(self, payment: Payment) -> None:
        """Commit what was paid for nothing that is kept: failed attempts, replies that could not be used."""
        with self._named_errors():
            self._connection().execute(PAY, payment)

    def payments(self, session_ids: Iterable[str]) -> dict[tuple[str, str], tuple[int, float, int]]:
        """Calls, USD and tokens by session and run, of those sessions that have not been settled."""
        wanted = set(session_ids)
        with self._named_errors():
            rows = self._connection().execute("SELECT session_id, run_id, calls, usd, tokens FROM paid").fetchall()
        return {(session, run): (calls, usd, tokens) for session, run, calls, usd, tokens in rows if session in wanted}

    def settle(self, session_ids: Iterable[str]) -> None:
        """Forget the payments of sessions that are in their run log."""
        with self._named_errors(), self._transaction() as connection:
            connection.executemany("DELETE FROM paid WHERE session_id = ?", [(name,) for name in session_ids])

    def forget(self, key: str) -> None:
        """Drop one reply."""
        with self._named_errors():
            self._connection().execute("DELETE FROM replies WHERE key = ?", (key,))

    def size(self) -> int:
        """Bytes of all replies and prompts as they are stored."""
        with self._named_errors():
            row = self._connection().execute(
                "SELECT (SELECT coalesce(sum(length(completion) + length(request)), 0) FROM replies)"
                " + (SELECT coalesce(sum(length(body)), 0) FROM blocks)"
            )
            return int(row.fetchone()[0])

    def stats(self) -> list[dict[str, object]]:
        """Replies per model, with the bytes of the replies alone and the time of the first and last one."""
        names = ("model", "replies", "bytes", "first", "last")
        with self._named_errors():
            rows = self._connection().execute(
                "SELECT model, count(*), sum(length(completion)), min(created_at), max(created_at)"
                " FROM replies GROUP BY model ORDER BY 1"
            )
            return [dict(zip(names, row, strict=True)) for row in rows]

    def prune(self, max_bytes: int) -> int:
        """Drop the replies unused for longest until at most `max_bytes` are kept; returns how many were dropped."""
        with self._named_errors():
            self._write_touched()
            return self._pruned(max_bytes)

    def _pruned(self, max_bytes: int) -> int:
        with self._transaction() as connection:
            sizes = dict(connection.execute("SELECT block_id, length(body) FROM blocks").fetchall())
            rows = connection.execute(
                "SELECT key, length(completion) + length(request), request FROM replies ORDER BY used_at, key"
            ).fetchall()
            held = [(key, size, outline_blocks(request)) for key, size, request in rows]
            uses = Counter(block for _, _, blocks in held for block in blocks)
            total = sum(size for _, size, _ in held) + sum(sizes.get(block, 0) for block in uses)
            dropped = []
            for key, size, blocks in held:
                if total <= max_bytes:
                    break
                dropped.append((key,))
                uses.subtract(blocks)
                total -= size + sum(sizes.get(block, 0) for block in blocks if uses[block] == 0)
            connection.executemany("DELETE FROM replies WHERE key = ?", dropped)
            orphans = [(block,) for block in sizes if uses[block] <= 0]
            connection.executemany("DELETE FROM blocks WHERE block_id = ?", orphans)
        # a script, because a single execute() steps this pragma once and so frees one page
        connection.executescript("PRAGMA incremental_vacuum; PRAGMA wal_checkpoint(TRUNCATE);")
        return len(dropped)

    def export(self) -> Iterator[dict[str, object]]:
        """Every reply with its request, as plain data, oldest first."""
        with self._named_errors():
            yield from self._exported()

    def _exported(self) -> Iterator[dict[str, object]]:
        connection = self._connection()
        for key, model, completion, request, created in connection.execute(
            "SELECT key, model, completion, request, created_at FROM replies ORDER BY created_at, key"
        ):
            asked = decoded(request)
            asked["messages"] = [
                {"role": role, "content": "".join(self._block(block) for block in blocks)}
                for role, blocks in asked["messages"]
            ]
            yield {
                "key": key,
                "model": model,
                "created_at": created,
                "request": asked,
                "completion": decoded(completion),
            }

    def _block(self, block_id: int) -> str:
        row = self._connection().execute("SELECT body FROM blocks WHERE block_id = ?", (block_id,)).fetchone()
        if row is None:
            raise StoreError(f"{self.path} is damaged: it has lost a text of a prompt")
        return zlib.decompress(row[0]).decode("utf-8", "surrogatepass")

    def _write_touched(self) -> None:
        """Note what was used lately, many at once: a replay should not write for every reply it reads."""
        touched, self._touched = self._touched, set()
        if touched:
            now = time.time()
            with self._transaction() as connection:
                connection.executemany("UPDATE replies SET used_at = ? WHERE key = ?", [(now, key) for key in touched])

    def close(self) -> None:
        """Close every thread's connection."""
        if self._open:
            with suppress(
                sqlite3.Error, StoreError
            ):  # only which replies are old; no reason to end a run with an error
                self._write_touched()
                if self._puts and self._max_bytes is not None and self.size() > self._max_bytes:
                    self.prune(self._max_bytes)
        with self._lock:
            for connection in self._open:
                connection.close()
            self._open.clear()
        self._local = threading.local()

    def __enter__(self) -> ResponseCache:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()
