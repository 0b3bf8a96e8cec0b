"""Making the response cache smaller: the replies unused for longest go first, with the blocks that only they had."""

from __future__ import annotations

import sqlite3
from collections import Counter

from workbench.llm.cache_rows import outline_blocks


def drop_oldest(connection: sqlite3.Connection, max_bytes: int) -> int:
    """Drop the replies unused for longest until what is left takes at most `max_bytes` as stored; returns how many were
    dropped. A block counts, and stays, as long as one reply that is kept needs it. Part of the caller's transaction."""
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
    return len(dropped)


def give_space_back(connection: sqlite3.Connection) -> None:
    """Return the freed pages to the disk; after the transaction that freed them."""
    # a script, because a single execute() steps this pragma once and so frees one page
    connection.executescript("PRAGMA incremental_vacuum; PRAGMA wal_checkpoint(TRUNCATE);")
