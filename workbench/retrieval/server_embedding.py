"""Embeddings from a server: batched, concurrent, checked, and each text paid for once."""

from __future__ import annotations

import copy
import sqlite3
import threading
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workbench.errors import BadReply, StoreError
from workbench.retrieval.server_request import TooLarge, in_order, listed, post
from workbench.text import combined_hash

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class ServerEmbedder:
    """Any OpenAI-compatible `/v1/embeddings`: `openai/text-embedding-3-small`, `server/NAME@http://host/v1`.

    Texts go out in batches of `batch`, `concurrency` requests at a time; equal texts once. A batch that the server
    refuses is halved, down to the text that it does not take. A reply is used, and kept, only when it holds one vector
    a text, all of finite numbers and of the same length. With `cached_in`, vectors are kept in `embeddings.sqlite` by
    the hash of model and text.
    """

    def __init__(
        self, name: str, model: str, base_url: str, key: str | None, batch: int = 128, concurrency: int = 8
    ) -> None:
        self.name = name
        self._model = model
        self._url = f"{base_url.rstrip('/')}/embeddings"
        self._key = key
        self._batch = batch
        self._concurrency = concurrency
        self._cache: VectorCache | None = None
        self._kept: dict[Path, ServerEmbedder] = {}
        self._lock = threading.Lock()
        self._width: int | None = None  # dimensions of the first vector: all others must have as many
        self.prompt_tokens = 0  # as the server counted them, of the requests sent

    def fit(self, texts: Sequence[str]) -> ServerEmbedder:
        """Itself: nothing is fitted."""
        return self

    def cached_in(self, directory: Path) -> ServerEmbedder:
        """The same, keeping its vectors in a folder; one connection a folder, however often it is asked for. Raises
        StoreError for a folder that cannot be used."""
        with self._lock:
            if directory not in self._kept:
                kept = copy.copy(self)
                kept._cache = VectorCache(directory / "embeddings.sqlite")
                kept._kept = {directory: kept}
                kept._lock = threading.Lock()
                self._kept[directory] = kept
            return self._kept[directory]

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Unit vectors. Raises ModelError when the server fails for good, of it RequestRefused when it refuses the
        texts and BadReply when it sends no usable vectors."""
        import numpy as np

        from workbench.retrieval.embedding import unit_rows

        if not texts:
            return np.zeros((0, 1), dtype=np.float32)
        # an empty string is refused by most servers; a space embeds to something harmless
        asked = {self._hash(text): text or " " for text in texts}
        known = self._cache.get(asked) if self._cache else {}
        known = {digest: vector for digest, vector in known.items() if len(vector) and np.isfinite(vector).all()}
        for vector in known.values():
            self._check(vector, "kept in embeddings.sqlite")
        missing = [digest for digest in asked if digest not in known]
        batches = [missing[i : i + self._batch] for i in range(0, len(missing), self._batch)]
        with ThreadPoolExecutor(max_workers=self._concurrency) as pool:
            for rows in pool.map(lambda batch: self._fetched(batch, asked), batches):
                known.update(rows)
        return unit_rows(np.stack([known[self._hash(text)] for text in texts]))

    def _hash(self, text: str) -> str:
        return combined_hash(self.name, text)

    def _fetched(self, batch: Sequence[str], asked: dict[str, str]) -> dict[str, NDArray[np.float32]]:
        """The vectors of a batch, kept at once: what was paid for survives a failure of the next one."""
        if len(batch) > self._batch:  # another batch was too large meanwhile
            return self._halves(batch, asked)
        try:
            vectors = self._request([asked[digest] for digest in batch])
        except TooLarge:
            if len(batch) == 1:
                raise
            self._batch = min(self._batch, (len(batch) + 1) // 2)
            return self._halves(batch, asked)
        rows = dict(zip(batch, vectors, strict=True))
        if self._cache:
            self._cache.put(rows)
        return rows

    def _halves(self, batch: Sequence[str], asked: dict[str, str]) -> dict[str, NDArray[np.float32]]:
        middle = (len(batch) + 1) // 2
        return self._fetched(batch[:middle], asked) | self._fetched(batch[middle:], asked)

    def _request(self, texts: list[str]) -> list[NDArray[np.float32]]:
        what = f"embeddings of {self.name}"

        def read(reply: Any) -> list[NDArray[np.float32]]:
            rows = in_order(listed(reply, "data", what), len(texts), what)
            vectors = [self._vector(row.get("embedding")) for row in rows]
            usage = reply.get("usage")
            used = usage.get("prompt_tokens") if isinstance(usage, dict) else None
            with self._lock:
                self.prompt_tokens += used if isinstance(used, int) else 0
            return vectors

        return post(self._url, {"model": self._model, "input": texts}, self._key, what, read)

    def _vector(self, values: Any) -> NDArray[np.float32]:
        import numpy as np

        try:
            with np.errstate(over="ignore"):  # what single precision cannot hold is found to be infinite below
                vector = np.array(values, dtype=np.float32)
        except (TypeError, ValueError) as error:
            raise BadReply(f"embeddings of {self.name}: a vector is no list of numbers") from error
        self._check(vector, "sent by the server")
        return vector

    def _check(self, vector: NDArray[np.float32], origin: str) -> None:
        import numpy as np

        if vector.ndim != 1 or not len(vector) or not np.isfinite(vector).all():
            raise BadReply(f"embeddings of {self.name}: a vector {origin} is empty or holds values that are no numbers")
        with self._lock:
            self._width = self._width or len(vector)
            if len(vector) != self._width:
                raise BadReply(
                    f"embeddings of {self.name}: a vector {origin} has {len(vector)} dimensions and others have "
                    f"{self._width}: one name, two models? Name the embedder otherwise, or delete embeddings.sqlite"
                )


class VectorCache:
    """Vectors by key in one SQLite file, for several threads and processes. Raises StoreError for a file that cannot be
    used. `dtype` is numpy's name of their numbers."""

    def __init__(self, path: Path, dtype: str = "float32") -> None:
        self._lock = threading.Lock()
        self._dtype = dtype
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._connection = sqlite3.connect(path, timeout=30, check_same_thread=False)
            self._connection.execute("PRAGMA journal_mode=WAL")
            self._connection.execute(
                "CREATE TABLE IF NOT EXISTS vectors (key TEXT PRIMARY KEY, vector BLOB) WITHOUT ROWID"
            )
            self._connection.commit()
        except (OSError, sqlite3.Error) as error:
            raise StoreError(f"{path} cannot be used to keep vectors: {error}") from error

    def get(self, keys: Iterable[str]) -> dict[str, NDArray[Any]]:
        """The vectors that are there."""
        import numpy as np

        found = {}
        with self._lock:
            for key in keys:
                row = self._connection.execute("SELECT vector FROM vectors WHERE key = ?", (key,)).fetchone()
                if row:
                    found[key] = np.frombuffer(row[0], dtype=self._dtype)
        return found

    def put(self, vectors: Mapping[str, NDArray[Any]]) -> None:
        """Keep vectors."""
        with self._lock, self._connection:
            self._connection.executemany(
                "INSERT OR REPLACE INTO vectors VALUES (?, ?)", [(key, v.tobytes()) for key, v in vectors.items()]
            )
