"""The response cache: every reply that was paid for, in SQLite, shared by threads and processes.

Keyed by model, messages, parameters, schema and sample number. A reply is committed here before anyone uses it, so that
kill -9 loses nothing that was paid for. Errors and unparsable replies are never kept. Prompts are kept too, for export,
but their texts are cut into blocks that are stored once: a thousand questions about a novel hold the novel once.

`cache_file.py` holds the file and its connections, `cache_rows.py` how requests and replies are written,
`cache_payments.py` what sessions have paid, `cache_pruning.py` how the file is made smaller.
"""

from __future__ import annotations

import json
import sqlite3
import time
import zlib
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from types import TracebackType

from workbench.errors import StoreError
from workbench.llm.accounting import Payment
from workbench.llm.cache_file import CacheFile
from workbench.llm.cache_payments import add_payment, forget_payments, payments_of
from workbench.llm.cache_pruning import drop_oldest, give_space_back
from workbench.llm.cache_rows import (
    CutRequest,
    block_text,
    decoded,
    decoded_completion,
    encoded_completion,
    restored_request,
)
from workbench.llm.model import ChatRequest, Completion
from workbench.text import combined_hash

_PUTS_PER_CHECK = 500
_TOUCHES_PER_WRITE = 1_000


def cache_key(model: str, request: ChatRequest) -> str:
    """The content address of a request to a model."""
    named = [request.max_tokens, request.temperature, request.seed, request.sample, request.schema]
    if request.top_logprobs or request.prompt_logprobs:  # only then: keys of all other requests stay what they were
        named += [request.top_logprobs, request.prompt_logprobs]
    parameters = json.dumps(named, sort_keys=True)
    parts = (part for message in request.messages for part in (message.role, message.content))
    return combined_hash(model, parameters, *parts)


class ResponseCache(CacheFile):
    """An open response cache; threads share it. Close it when done.

    `max_bytes` bounds what is kept: the replies unused for longest are dropped. Every method raises StoreError when the
    file cannot be used, the constructor also when it is no cache of ours.
    """

    def __init__(self, path: Path, *, max_bytes: int | None = None) -> None:
        self._max_bytes = max_bytes
        self._touched: set[str] = set()
        self._puts = 0
        super().__init__(path)

    # replies

    def get(self, key: str) -> Completion | None:
        """The reply kept under `key`, with its original token and time figures; None when there is none."""
        with self._named_errors():
            row = self._connection().execute("SELECT completion FROM replies WHERE key = ?", (key,)).fetchone()
        if row is None:
            return None
        try:
            completion = decoded_completion(row[0])
        except (zlib.error, ValueError, TypeError):
            self.forget(key)  # a damaged row is as good as none: the model is asked again
            return None
        self._touched.add(key)
        if len(self._touched) >= _TOUCHES_PER_WRITE:
            with self._named_errors():
                self._write_touched()
        return completion

    def put(
        self, key: str, model: str, request: ChatRequest, completion: Completion, payment: Payment | None = None
    ) -> None:
        """Commit a reply and, in the same transaction, what was paid for it. Raises StoreError when it cannot be kept:
        a full disk, a damaged file."""
        with self._named_errors():
            self._put(key, model, request, completion, payment)
        self._puts += 1
        if self._max_bytes is not None and self._puts % _PUTS_PER_CHECK == 0 and self.size() > self._max_bytes:
            self.prune(self._max_bytes * 9 // 10)

    def _put(self, key: str, model: str, request: ChatRequest, completion: Completion, payment: Payment | None) -> None:
        cut, kept, now = CutRequest(request), encoded_completion(completion), time.time()
        with self._transaction() as connection:
            row = (key, model, kept, cut.stored(connection), now, now)
            connection.execute("INSERT OR REPLACE INTO replies VALUES (?, ?, ?, ?, ?, ?)", row)
            if payment is not None:
                add_payment(connection, payment)

    def forget(self, key: str) -> None:
        """Drop one reply."""
        with self._named_errors():
            self._connection().execute("DELETE FROM replies WHERE key = ?", (key,))

    def export(self) -> Iterator[dict[str, object]]:
        """Every reply with its request, as plain data, oldest first."""
        with self._named_errors():
            for key, model, completion, request, created in self._connection().execute(
                "SELECT key, model, completion, request, created_at FROM replies ORDER BY created_at, key"
            ):
                yield {
                    "key": key,
                    "model": model,
                    "created_at": created,
                    "request": restored_request(request, self._block),
                    "completion": decoded(completion),
                }

    def _block(self, block_id: int) -> str:
        text = block_text(self._connection(), block_id)
        if text is None:
            raise StoreError(f"{self.path} is damaged: it has lost a text of a prompt")
        return text

    def _write_touched(self) -> None:
        """Note what was used lately, many at once: a replay should not write for every reply it reads."""
        touched, self._touched = self._touched, set()
        if touched:
            now = time.time()
            with self._transaction() as connection:
                connection.executemany("UPDATE replies SET used_at = ? WHERE key = ?", [(now, key) for key in touched])

    # payments

    def pay(self, payment: Payment) -> None:
        """Commit what was paid for nothing that is kept: failed attempts, replies that could not be used."""
        with self._named_errors():
            add_payment(self._connection(), payment)

    def payments(self, session_ids: Iterable[str]) -> dict[tuple[str, str], tuple[int, float, int]]:
        """Calls, USD and tokens by session and run, of those sessions that have not been settled."""
        with self._named_errors():
            return payments_of(self._connection(), set(session_ids))

    def settle(self, session_ids: Iterable[str]) -> None:
        """Forget the payments of sessions that are in their run log."""
        with self._named_errors(), self._transaction() as connection:
            forget_payments(connection, list(session_ids))

    # size

    def size(self) -> int:
        """Bytes of all replies and prompts as they are stored."""
        with self._named_errors():
            row = self._connection().execute(
                "SELECT (SELECT coalesce(sum(length(completion) + length(request)), 0) FROM replies)"
                " + (SELECT coalesce(sum(length(body)), 0) FROM blocks)"
            )
            return int(row.fetchone()[0])

    def stats(self) -> list[dict[str, object]]:
        """Replies per model, with the bytes of the replies alone and the time of the first and last one (seconds since
        1970)."""
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
            with self._transaction() as connection:
                dropped = drop_oldest(connection, max_bytes)
            give_space_back(connection)
            return dropped

    def close(self) -> None:
        """Close every thread's connection."""
        if self._open:
            # only notes on which replies are old are lost: no reason to end a run with an error
            with suppress(sqlite3.Error, StoreError):
                self._write_touched()
                if self._puts and self._max_bytes is not None and self.size() > self._max_bytes:
                    self.prune(self._max_bytes)
        super().close()

    def __enter__(self) -> ResponseCache:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()
