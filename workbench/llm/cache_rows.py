"""The rows of the response cache: replies and requests as compressed JSON, prompts cut into blocks kept once.

A prompt's texts are cut where their own content says (`text_blocks`), so that two prompts about one novel share the
novel's blocks, even when something was added in front of it. A stored request is an outline: its parameters, and for
each message the ids of its blocks.
"""

from __future__ import annotations

import json
import sqlite3
import zlib
from collections.abc import Callable, Mapping
from dataclasses import MISSING, fields
from typing import Any

from workbench.llm.model import ChatRequest, Completion, Waste
from workbench.text import text_blocks, text_hash

# asdict() would copy every value deeply, which costs more than to write them
_REQUEST_FIELDS = tuple(field.name for field in fields(ChatRequest) if field.compare)
_COMPLETION_FIELDS = tuple(field.name for field in fields(Completion))
_DEFAULTS = {field.name: field.default for field in fields(Completion)}
_ENCODE = json.JSONEncoder(separators=(",", ":"), default=str).encode


def encoded(value: Any) -> bytes:
    """A value as compressed JSON."""
    return zlib.compress(_ENCODE(value).encode(), 1)


def decoded(raw: bytes) -> Any:
    """The value that `encoded` has written. Raises zlib.error and ValueError for other bytes."""
    return json.loads(zlib.decompress(raw))


def encoded_completion(completion: Completion) -> bytes:
    """A reply with its token and time figures, as far as they are not those of any reply."""
    held = {name: getattr(completion, name) for name in _COMPLETION_FIELDS}
    return encoded({name: value for name, value in held.items() if value != _DEFAULTS.get(name, MISSING)})


def decoded_completion(raw: bytes) -> Completion:
    """The reply again. Raises zlib.error, ValueError and TypeError for bytes that hold none."""
    kept = decoded(raw)
    kept["wasted"] = tuple(Waste(*used) for used in kept.get("wasted", ()))
    kept["left_out"] = tuple(kept.get("left_out", ()))
    return Completion(**kept)


class CutRequest:
    """A request cut into blocks, not yet stored: cutting and hashing need no connection."""

    def __init__(self, request: ChatRequest) -> None:
        self._parameters = {name: getattr(request, name) for name in _REQUEST_FIELDS}
        self._messages = [
            (message.role, [(text_hash(block), block) for block in text_blocks(message.content)])
            for message in request.messages
        ]

    def stored(self, connection: sqlite3.Connection) -> bytes:
        """The request's outline, after adding the blocks that the table lacks; part of the caller's transaction."""
        ids = _block_ids(connection, {digest: block for _, parts in self._messages for digest, block in parts})
        messages = [[role, [ids[digest] for digest, _ in parts]] for role, parts in self._messages]
        return encoded({**self._parameters, "messages": messages})


def outline_blocks(outline: bytes) -> set[int]:
    """The ids of the blocks that a stored request is made of."""
    return {block for _, blocks in decoded(outline)["messages"] for block in blocks}


def restored_request(outline: bytes, text_of: Callable[[int], str]) -> dict[str, Any]:
    """A stored request as plain data; `text_of` gives a block's text by its id."""
    asked: dict[str, Any] = decoded(outline)
    asked["messages"] = [
        {"role": role, "content": "".join(text_of(block) for block in blocks)} for role, blocks in asked["messages"]
    ]
    return asked


def block_text(connection: sqlite3.Connection, block_id: int) -> str | None:
    """The text of a block; None when the table has lost it."""
    row = connection.execute("SELECT body FROM blocks WHERE block_id = ?", (block_id,)).fetchone()
    return None if row is None else zlib.decompress(row[0]).decode("utf-8", "surrogatepass")


def _block_ids(connection: sqlite3.Connection, texts: Mapping[str, str]) -> dict[str, int]:
    """The ids of the blocks of `texts` (hash to text); blocks that the table lacks are added."""
    found: dict[str, int] = {}
    digests = list(texts)
    for at in range(0, len(digests), 500):  # SQLite bounds the number of variables
        batch = digests[at : at + 500]
        marks = ",".join("?" * len(batch))
        found.update(connection.execute(f"SELECT hash, block_id FROM blocks WHERE hash IN ({marks})", batch).fetchall())
    for digest in digests:
        if digest not in found:
            body = zlib.compress(texts[digest].encode("utf-8", "surrogatepass"), 6)
            added = connection.execute("INSERT INTO blocks (hash, body) VALUES (?, ?)", (digest, body))
            found[digest] = int(added.lastrowid or 0)
    return found
