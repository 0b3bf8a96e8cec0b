"""The response cache's file: its tables, what marks it as ours, and texts stored in blocks."""

from __future__ import annotations

import json
import sqlite3
import zlib
from collections.abc import Mapping
from typing import Any

# Marks the file as ours in its header.
APPLICATION_ID = 0x57424B43
VERSION = 1
# What sessions have paid, until their run log holds it; in files made before there was this table, too.
PAID = """
CREATE TABLE IF NOT EXISTS paid (
    session_id TEXT NOT NULL, run_id TEXT NOT NULL, calls INTEGER NOT NULL, usd REAL NOT NULL, tokens INTEGER NOT NULL,
    PRIMARY KEY (session_id, run_id)
) WITHOUT ROWID;
"""
SCHEMA = f"""
CREATE TABLE IF NOT EXISTS replies (
    key TEXT PRIMARY KEY, model TEXT NOT NULL, completion BLOB NOT NULL, request BLOB NOT NULL,
    created_at REAL NOT NULL, used_at REAL NOT NULL
);
CREATE INDEX IF NOT EXISTS replies_used ON replies (used_at);
CREATE TABLE IF NOT EXISTS blocks (block_id INTEGER PRIMARY KEY, hash TEXT NOT NULL UNIQUE, body BLOB NOT NULL);
{PAID}
PRAGMA application_id = {APPLICATION_ID};
PRAGMA user_version = {VERSION};
"""
PAY = """
INSERT INTO paid VALUES (?, ?, 1, ?, ?) ON CONFLICT (session_id, run_id)
DO UPDATE SET calls = calls + 1, usd = usd + excluded.usd, tokens = tokens + excluded.tokens
"""
FIXES = {
    "full": "free space on its disk, then run again: what is kept is not paid for twice",
    "readonly": "make the file and its folder writable",
    "unable to open": "make the file and its folder writable",
    "locked": "another program keeps it open; close that",
    "malformed": "the file is damaged; move it away and a new one is made",
    "not a database": "it is another kind of file; name a new one",
    "disk I/O": "see to its disk",
}
_ENCODE = json.JSONEncoder(separators=(",", ":"), default=str).encode


def encoded(value: Any) -> bytes:
    """A value as compressed JSON."""
    return zlib.compress(_ENCODE(value).encode(), 1)


def decoded(raw: bytes) -> Any:
    """What `encoded` has written."""
    return json.loads(zlib.decompress(raw))


def outline_blocks(request: bytes) -> set[int]:
    """The ids of the blocks that a stored request is made of."""
    return {block for _, blocks in decoded(request)["messages"] for block in blocks}


def block_ids(connection: sqlite3.Connection, texts: Mapping[str, str]) -> dict[str, int]:
    """The ids of the blocks with these hashes; what the table does not hold yet is added."""
    found: dict[str, int] = {}
    digests = list(texts)
    for at in range(0, len(digests), 500):  # SQLite's bound on variables
        batch = digests[at : at + 500]
        marks = ",".join("?" * len(batch))
        found.update(connection.execute(f"SELECT hash, block_id FROM blocks WHERE hash IN ({marks})", batch).fetchall())
    for digest in digests:
        if digest not in found:
            body = zlib.compress(texts[digest].encode("utf-8", "surrogatepass"), 6)
            added = connection.execute("INSERT INTO blocks (hash, body) VALUES (?, ?)", (digest, body))
            found[digest] = int(added.lastrowid or 0)
    return found
