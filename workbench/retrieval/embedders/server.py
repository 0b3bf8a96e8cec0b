"""Embeddings from a server: batched, concurrent, checked and cached, so that each text is paid for once."""

from __future__ import annotations

import copy
import sqlite3
import threading
import time
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workbench.errors import BadReply, StoreError
from workbench.retrieval.server_connection import SHORT, ServerConnection, forms_without
from workbench.retrieval.server_reply import Usage, in_order, listed, usage_in, vector_in
from workbench.retrieval.spending import Bill, is_dry, tell
from workbench.text import combined_hash, count_tokens

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class ServerEmbedder:
    """Any OpenAI-compatible `/v1/embeddings`: `openai/text-embedding-3-small`, `server/NAME@http://host/v1`.

    Texts are sent in batches of `batch`, `concurrency` requests at a time; equal texts once. `encoding_format: float`
    is asked for unless the server refuses that; base64 is read, too. A batch that is too large for the server is
    halved, down to single texts. A reply is used, and cached, only when it holds one vector per text, all of finite
    numbers and of the same length. With `cached_in`, vectors are stored in `embeddings.sqlite` by the hash of embedder
    name and text.
    """

    def __init__(
        self, name: str, model: str, base_url: str, key: str | None, batch: int = 128, concurrency: int = 8
    ) -> None:
        self.name = name
        self._model = model
        # shared by the copies of `cached_in`, so that what is found out about the server is found out once
        self._connection = ServerConnection(f"{base_url.rstrip('/')}/embeddings", key, f"embeddings of {name}", batch)
        self._concurrency = concurrency
        self._cache: VectorCache | None = None
        self._kept: dict[Path, ServerEmbedder] = {}
        self._lock = threading.Lock()
        self._width: int | None = None  # dimensions of the first vector; all others must have the same

    def fit(self, texts: Sequence[str]) -> ServerEmbedder:
        """Itself: nothing is fitted."""
        return self

    def cached_in(self, directory: Path) -> ServerEmbedder:
        """The same embedder with a cache in a folder; one instance and connection per folder. Raises StoreError for a
        folder that cannot be used."""
        with self._lock:
            if directory not in self._kept:
                kept = copy.copy(self)
                kept._cache = VectorCache(directory / "embeddings.sqlite")
                kept._kept = {directory: kept}
                kept._lock = threading.Lock()
                self._kept[directory] = kept
            return self._kept[directory]

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Unit vectors. Raises ModelError when the server keeps failing, and its subclasses RequestRefused when it
        refuses the texts and BadReply when its vectors cannot be used."""
        import numpy as np

        from workbench.retrieval.embedders.embedder import unit_rows

        if not texts:
            return np.zeros((0, 1), dtype=np.float32)
        # most servers refuse an empty string; a space is accepted and harmless
        asked = {self._hash(text): text or " " for text in texts}
        if is_dry():
            return self._made_up(texts, asked)
        known = self._cache.get(asked) if self._cache else {}
        known = {digest: vector for digest, vector in known.items() if len(vector) and np.isfinite(vector).all()}
        for vector in known.values():
            self._check(vector, "kept in embeddings.sqlite")
        missing = [digest for digest in asked if digest not in known]
        most = self._connection.most
        batches = [missing[i : i + most] for i in range(0, len(missing), most)]
        if self._cache and known:
            tokens, seconds, estimated = self._cache.cost(known)
            tell(Bill("embed", self.name, len(known), tokens, seconds, reused=True, estimated=estimated))
        used: list[Usage] = []
        started = time.monotonic()
        try:
            with ThreadPoolExecutor(max_workers=self._concurrency) as pool:
                for rows in pool.map(lambda batch: self._fetched(batch, asked, used), batches):
                    known.update(rows)
        finally:  # requests before a failure are paid for, too
            seconds = time.monotonic() - started
            if used:
                total = Usage.total(used)
                tell(Bill("embed", self.name, len(missing), total.tokens, seconds, estimated=total.estimated))
        if self._cache and missing:
            self._cache.took(shares(seconds, {digest: asked[digest] for digest in missing}))
        return unit_rows(np.stack([known[self._hash(text)] for text in texts]))

    def _made_up(self, texts: Sequence[str], asked: dict[str, str]) -> NDArray[np.float32]:
        """Meaningless vectors that differ by text, for a dry run; the bill is estimated."""
        import numpy as np

        from workbench.retrieval.embedders.embedder import unit_rows

        tokens = sum(count_tokens(text) for text in asked.values())
        tell(Bill("embed", self.name, len(asked), tokens, 0.0, estimated=True))
        rows = [np.frombuffer(self._hash(text).encode(), np.uint8)[:16].astype(np.float32) - 90 for text in texts]
        return unit_rows(np.stack(rows))

    def _hash(self, text: str) -> str:
        return combined_hash(self.name, text)

    def _fetched(
        self, batch: Sequence[str], asked: dict[str, str], used: list[Usage]
    ) -> dict[str, NDArray[np.float32]]:
        """The vectors of a batch, each part cached at once so that what was paid for survives a later failure. What
        each took is appended to `used`."""

        def fetch(part: Sequence[str]) -> dict[str, NDArray[np.float32]]:
            texts = [asked[digest] for digest in part]
            vectors, usage = self._request(texts)
            used.append(usage)
            rows = dict(zip(part, vectors, strict=True))
            if self._cache:
                cost = shares(usage.tokens, dict(zip(part, texts, strict=True)))
                self._cache.put(rows, cost, estimated=usage.estimated)
            return rows

        parts = self._connection.in_parts(batch, fetch)
        return {digest: vector for rows in parts for digest, vector in rows.items()}

    def _request(self, texts: list[str]) -> tuple[list[NDArray[np.float32]], Usage]:
        """Vectors, and what the server reports that they took."""
        what = self._connection.what

        def read(reply: Any) -> tuple[list[NDArray[np.float32]], Usage]:
            rows = in_order(listed(reply, ("data",), what), len(texts), what)
            vectors = [vector_in(row.get("embedding"), what) for row in rows]
            for vector in vectors:
                self._check(vector, "sent by the server")
            return vectors, usage_in(reply, lambda: sum(map(count_tokens, texts)))

        alone = texts if len(texts) == 1 else []
        return self._connection.ask(self._forms(texts), self._forms([SHORT]), read, alone=alone)

    def _forms(self, texts: list[str]) -> list[dict[str, Any]]:
        return forms_without({"model": self._model, "input": texts}, {"encoding_format": "float"})

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


def shares(whole: float, texts: Mapping[str, str]) -> dict[str, float]:
    """Each text's share of a request's tokens or seconds, in proportion to its length: servers report only the total.
    The shares sum to `whole`."""
    length = sum(map(len, texts.values())) or 1
    return {digest: whole * len(text) / length for digest, text in texts.items()}


class VectorCache:
    """Vectors by key in one SQLite file, shared by threads and processes. `dtype` is the numpy type of the numbers.
    Raises StoreError for a file that cannot be used."""

    def __init__(self, path: Path, dtype: str = "float32") -> None:
        self._lock = threading.Lock()
        self._dtype = dtype
        self._path = path
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._connection = sqlite3.connect(path, timeout=30, check_same_thread=False)
            self._connection.execute("PRAGMA journal_mode=WAL")
            self._connection.execute(
                "CREATE TABLE IF NOT EXISTS vectors (key TEXT PRIMARY KEY, vector BLOB) WITHOUT ROWID"
            )
            columns = [row[1] for row in self._connection.execute("PRAGMA table_info(vectors)")]
            for name in ("tokens", "seconds", "estimated"):  # files of earlier versions lack these columns
                if name not in columns:
                    with suppress(sqlite3.OperationalError):  # another process has just added it
                        self._connection.execute(f"ALTER TABLE vectors ADD COLUMN {name} REAL")
            self._connection.commit()
        except (OSError, sqlite3.Error) as error:
            raise StoreError(f"{path} cannot be used to keep vectors: {error}") from error

    def get(self, keys: Iterable[str]) -> dict[str, NDArray[Any]]:
        """The vectors of those keys that are in the file."""
        import numpy as np

        found = {}
        with self._lock:
            for key in keys:
                row = self._connection.execute("SELECT vector FROM vectors WHERE key = ?", (key,)).fetchone()
                if row:
                    found[key] = np.frombuffer(row[0], dtype=self._dtype)
        return found

    def cost(self, keys: Iterable[str]) -> tuple[int, float, bool]:
        """The tokens and seconds that the vectors of these keys cost when they were made, where known, and whether some
        of the tokens are our own count."""
        tokens = seconds = 0.0
        estimated = False
        with self._lock:
            for key in keys:
                row = self._connection.execute(
                    "SELECT tokens, seconds, estimated FROM vectors WHERE key = ?", (key,)
                ).fetchone()
                if row:
                    tokens, seconds = tokens + (row[0] or 0.0), seconds + (row[1] or 0.0)
                    estimated = estimated or bool(row[2])
        return round(tokens), seconds, estimated

    def took(self, seconds: Mapping[str, float]) -> None:
        """Store the seconds that the vectors of these keys took."""
        rows = [(share, key) for key, share in seconds.items()]
        self._write("UPDATE vectors SET seconds = ? WHERE key = ?", rows)

    def put(
        self,
        vectors: Mapping[str, NDArray[Any]],
        tokens: Mapping[str, float] | None = None,
        *,
        estimated: bool = False,
    ) -> None:
        """Store vectors, with the tokens that they cost; `estimated`: as we count them."""
        cost = tokens or {}
        rows = [(key, vector.tobytes(), cost.get(key), int(estimated)) for key, vector in vectors.items()]
        self._write("INSERT OR REPLACE INTO vectors (key, vector, tokens, estimated) VALUES (?, ?, ?, ?)", rows)

    def _write(self, statement: str, rows: Sequence[tuple[Any, ...]]) -> None:
        try:
            with self._lock, self._connection:
                self._connection.executemany(statement, rows)
        except sqlite3.Error as error:  # most likely a full disk: stop rather than pay for vectors that get lost
            raise StoreError(f"{self._path} cannot keep vectors: {error}") from error
