"""Embeddings from a server: batched, concurrent, and each text paid for once."""

from __future__ import annotations

import json
import sqlite3
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workbench.errors import ModelError, RequestRefused
from workbench.no_redirects import open_url
from workbench.text import combined_hash

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_ATTEMPTS = 5
_FIRST_WAIT = 0.5  # seconds before the second attempt, doubled each time


class ServerEmbedder:
    """Any OpenAI-compatible `/v1/embeddings`: `openai/text-embedding-3-small`, `server/NAME@http://host/v1`.

    Texts go out in batches of `batch`, `concurrency` requests at a time; equal texts once. 429 and 5xx are tried again
    with growing waits. With `cached_in`, vectors are kept in `embeddings.sqlite` by the hash of model and text.
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
        self.prompt_tokens = 0  # as the server counted them, of the requests sent

    def fit(self, texts: Sequence[str]) -> ServerEmbedder:
        """Itself: nothing is fitted."""
        return self

    def cached_in(self, directory: Path) -> ServerEmbedder:
        """The same, keeping its vectors in a folder."""
        if self._cache is None:
            self._cache = VectorCache(directory / "embeddings.sqlite")
        return self

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Unit vectors. Raises ModelError when the server fails for good, RequestRefused when it refuses the texts."""
        import numpy as np

        from workbench.retrieval.embedding import unit_rows

        if not texts:
            return np.zeros((0, 1), dtype=np.float32)
        # an empty string is refused by most servers; a space embeds to something harmless
        asked = {self._hash(text): text or " " for text in texts}
        known = self._cache.get(asked) if self._cache else {}
        missing = [digest for digest in asked if digest not in known]
        batches = [missing[i : i + self._batch] for i in range(0, len(missing), self._batch)]

        def fetch(batch: list[str]) -> dict[str, NDArray[np.float32]]:
            rows = dict(zip(batch, self._request([asked[digest] for digest in batch]), strict=True))
            if self._cache:
                self._cache.put(rows)  # at once: what was paid for survives a failure of the next batch
            return rows

        with ThreadPoolExecutor(max_workers=self._concurrency) as pool:
            for rows in pool.map(fetch, batches):
                known.update(rows)
        return unit_rows(np.stack([known[self._hash(text)] for text in texts]))

    def _hash(self, text: str) -> str:
        return combined_hash(self.name, text)

    def _request(self, texts: list[str]) -> list[Any]:
        headers = {"Content-Type": "application/json"}
        if self._key:
            headers["Authorization"] = f"Bearer {self._key}"
        body = json.dumps({"model": self._model, "input": texts}).encode()
        for attempt in range(1, _ATTEMPTS + 1):
            try:
                request = urllib.request.Request(self._url, body, headers)  # noqa: S310 - scheme checked by open_embedder
                with open_url(request, timeout=120) as response:
                    return self._rows(json.loads(response.read()), len(texts))
            except urllib.error.HTTPError as error:
                if error.code != 429 and error.code < 500:
                    raise RequestRefused(f"embeddings of {self.name}: the server says {error.code}") from error
                failure: Exception = error
                wait = float(error.headers.get("Retry-After") or 0) if _is_number(error.headers) else 0.0
            except (urllib.error.URLError, KeyError, TypeError, ValueError, TimeoutError, ConnectionError) as error:
                failure, wait = error, 0.0
            if attempt < _ATTEMPTS:
                time.sleep(max(wait, _FIRST_WAIT * 2 ** (attempt - 1)))
        raise ModelError(f"embeddings of {self.name} failed {_ATTEMPTS} times: {failure}") from failure

    def _rows(self, reply: Any, number: int) -> list[Any]:
        import numpy as np

        rows = sorted(reply["data"], key=lambda row: row.get("index", 0))
        if len(rows) != number:
            raise ValueError(f"{len(rows)} vectors for {number} texts")
        self.prompt_tokens += int((reply.get("usage") or {}).get("prompt_tokens") or 0)
        return [np.array(row["embedding"], dtype=np.float32) for row in rows]


def _is_number(headers: Any) -> bool:
    return str(headers.get("Retry-After") or "0").replace(".", "", 1).isdigit()


class VectorCache:
    """Vectors by key in one SQLite file, for several threads and processes."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._lock = threading.Lock()
        self._connection = sqlite3.connect(path, timeout=30, check_same_thread=False)
        self._connection.execute("PRAGMA journal_mode=WAL")
        self._connection.execute("CREATE TABLE IF NOT EXISTS vectors (key TEXT PRIMARY KEY, vector BLOB) WITHOUT ROWID")
        self._connection.commit()

    def get(self, keys: Iterable[str]) -> dict[str, NDArray[np.float32]]:
        """The vectors that are there."""
        import numpy as np

        found = {}
        with self._lock:
            for key in keys:
                row = self._connection.execute("SELECT vector FROM vectors WHERE key = ?", (key,)).fetchone()
                if row:
                    found[key] = np.frombuffer(row[0], dtype=np.float32)
        return found

    def put(self, vectors: dict[str, NDArray[np.float32]]) -> None:
        """Keep vectors."""
        with self._lock, self._connection:
            self._connection.executemany(
                "INSERT OR REPLACE INTO vectors VALUES (?, ?)", [(key, v.tobytes()) for key, v in vectors.items()]
            )
