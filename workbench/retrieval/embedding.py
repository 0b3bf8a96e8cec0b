"""Embedders: unit vectors of texts. The default needs no download, no torch and no server."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Any, Protocol

from workbench.errors import BadReply, InputError, UnknownName
from workbench.retrieval.lsa import LsaEmbedder
from workbench.retrieval.minilm import MiniLmEmbedder
from workbench.retrieval.server_embedding import ServerEmbedder
from workbench.text import combined_hash

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray


__all__ = [
    "Embedder",
    "LateEmbedder",
    "LlamaEmbedder",
    "LsaEmbedder",
    "MiniLmEmbedder",
    "PrefixedEmbedder",
    "ServerEmbedder",
    "TruncatedEmbedder",
    "open_embedder",
    "unit_rows",
]


_PROBE = "The harbour of a small town, in winter."
_MARKS = 16


class Embedder(Protocol):
    """`fit` returns an embedder fitted on texts (itself, when nothing is fitted); `embed` gives unit rows.

    Optional methods that the chunk index uses when they are there: `embed_queries(texts)` (models that embed questions
    in another way), `embed_spans(text, spans)` (late chunking), `fit_counts` and `embed_counts` (texts analysed
    already), `arrays` and `of_arrays` (what was fitted, to be kept), `cached_in(directory)` and `speaking(language)`.
    """

    @property
    def name(self) -> str:
        """What tells its vectors from another's: texts and name say which vectors they have."""

    def fit(self, texts: Sequence[str]) -> Embedder:
        """An embedder ready for these texts."""

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Unit vectors, shape (n, d); a text without any known feature gives a zero row."""


def kept_in(embedder: Embedder, directory: Path | None) -> Embedder:
    """The embedder, keeping in a folder what it is paid for, where it is one that is paid and there is a folder."""
    if directory is None or not hasattr(embedder, "cached_in"):
        return embedder
    kept: Embedder = embedder.cached_in(directory)
    return kept


def unit_rows(vectors: Any) -> NDArray[np.float32]:
    """Rows scaled to length 1; zero rows stay zero."""
    import numpy as np

    matrix = np.ascontiguousarray(vectors, dtype=np.float32)
    lengths = np.linalg.norm(matrix, axis=1, keepdims=True)
    scaled: NDArray[np.float32] = np.divide(matrix, lengths, out=np.zeros_like(matrix), where=lengths > 1e-12)
    return scaled


class LlamaEmbedder:
    """Any llama-index embedding object, given from Python. Questions go through its query method."""

    def __init__(self, embedding: Any) -> None:
        self._embedding = embedding

    @cached_property
    def name(self) -> str:
        """The class and model, and a mark of the vectors themselves: most classes leave the model's name at "unknown",
        and what else tells two objects apart (folder, instruction, pooling) each class keeps in its own place.

        Embeds one short text when it is first asked for. Raises ModelError for a vector that is none.
        """
        import numpy as np

        kind = type(self._embedding).__name__
        (vector,) = self._embedded([_PROBE])
        largest = np.argsort(-np.abs(vector), kind="stable")[:_MARKS]  # in order: noise in the last digits moves none
        mark = combined_hash(str(len(vector)), *(f"{np.sign(vector[place]):.0f}{place}" for place in largest))[:8]
        return f"llama-index/{kind}/{getattr(self._embedding, 'model_name', 'unknown')}-{mark}"

    def _embedded(self, texts: Sequence[str], *, query: bool = False) -> NDArray[np.float32]:
        import numpy as np

        from workbench.llama import embed_with

        rows = embed_with(self._embedding, texts, query=query)
        kind = f"embeddings of llama-index's {type(self._embedding).__name__}"
        if len(rows) != len(texts):
            raise BadReply(f"{kind}: {len(rows)} vectors for {len(texts)} texts")
        try:
            vectors = np.array(rows, dtype=np.float32).reshape(len(rows), -1 if len(rows) else 1)
        except (TypeError, ValueError) as error:
            raise BadReply(f"{kind}: vectors of different lengths, or of what are no numbers") from error
        if not np.isfinite(vectors).all():
            raise BadReply(f"{kind}: a vector holds values that are no numbers")
        return unit_rows(vectors)

    def fit(self, texts: Sequence[str]) -> LlamaEmbedder:
        """Itself: nothing is fitted."""
        return self

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Unit vectors of texts. Raises BadReply for vectors that are none."""
        return self._embedded(texts)

    def embed_queries(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Unit vectors of questions."""
        return self._embedded(texts, query=True)


class TruncatedEmbedder:
    """The first `dimensions` of another embedder's vectors, scaled to length 1 again (Matryoshka representations,
    Kusupati et al., arXiv 2205.13147). Only good for models trained that way, and for LSA, whose dimensions are sorted.
    """

    def __init__(self, inner: Any, dimensions: int) -> None:
        if dimensions < 1:
            raise InputError(f"an embedding needs at least one dimension, not {dimensions}", field="dimensions")
        self.name = f"{inner.name}#{dimensions}"
        self._inner = inner
        self._dimensions = dimensions

    def fit(self, texts: Sequence[str]) -> TruncatedEmbedder:
        """The same over the fitted embedder."""
        return TruncatedEmbedder(self._inner.fit(texts), self._dimensions)

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Unit vectors of the first dimensions."""
        return self._cut(self._inner.embed(texts))

    def __getattr__(self, name: str) -> Any:
        """The optional methods, where the inner embedder has them."""
        if name not in ("embed_queries", "embed_spans", "embed_counts", "fit_counts", "of_arrays", "arrays",
                        "cached_in", "speaking", "language", "late"):  # fmt: skip
            raise AttributeError(name)
        inner = getattr(self._inner, name)
        if name in ("fit_counts", "of_arrays", "cached_in", "speaking"):
            return lambda *given: TruncatedEmbedder(inner(*given), self._dimensions)
        if name in ("arrays", "language", "late"):
            return inner
        return lambda *given: self._cut(inner(*given))

    def _cut(self, vectors: NDArray[np.float32]) -> NDArray[np.float32]:
        return unit_rows(vectors[:, : self._dimensions])


class PrefixedEmbedder:
    """Another embedder with words before each question or each text, as many trained models want them: E5 "query: " and
    "passage: ", Nomic "search_query: " and "search_document: ", BGE an instruction before questions alone. Raises
    InputError for late chunking, where no text stands by itself.
    """

    def __init__(self, inner: Any, query_prefix: str, document_prefix: str) -> None:
        if getattr(inner, "late", False):
            raise InputError(
                "late chunking embeds documents whole: there is no text to set a prefix before",
                field="document_prefix",
                fix="leave the prefixes or `late:` away",
            )
        self.name = f"{inner.name}|{query_prefix}|{document_prefix}"
        self._inner = inner
        self._prefixes = (query_prefix, document_prefix)

    def fit(self, texts: Sequence[str]) -> PrefixedEmbedder:
        """The same over the fitted embedder."""
        return PrefixedEmbedder(self._inner.fit(self._prefixed(texts)), *self._prefixes)

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Unit vectors of texts with the documents' prefix."""
        vectors: NDArray[np.float32] = self._inner.embed(self._prefixed(texts))
        return vectors

    def embed_queries(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Unit vectors of questions with theirs."""
        embed = getattr(self._inner, "embed_queries", None) or self._inner.embed
        vectors: NDArray[np.float32] = embed([self._prefixes[0] + text for text in texts])
        return vectors

    def _prefixed(self, texts: Sequence[str]) -> list[str]:
        return [self._prefixes[1] + text for text in texts]

    def __getattr__(self, name: str) -> Any:
        """The optional methods that see no text, where the inner embedder has them."""
        if name not in ("of_arrays", "arrays", "cached_in", "speaking", "language"):
            raise AttributeError(name)
        inner = getattr(self._inner, name)
        if name in ("arrays", "language"):
            return inner
        return lambda *given: PrefixedEmbedder(inner(*given), *self._prefixes)


class LateEmbedder:
    """Another embedder by late chunking: `embedder: late:minilm`. Chunks are embedded in the light of their document,
    questions as ever. Raises InputError for an embedder that does not give vectors of tokens."""

    late = True

    def __init__(self, inner: Any) -> None:
        if not hasattr(inner, "embed_spans"):
            raise InputError(
                f"late chunking needs an embedder that gives vectors of tokens, and {inner.name} does not",
                field="embedder",
                fix="write late:minilm",
            )
        self.name = f"late:{inner.name}"
        self.embed = inner.embed
        self.embed_spans = inner.embed_spans

    def fit(self, texts: Sequence[str]) -> LateEmbedder:
        """Itself: nothing is fitted."""
        return self


def open_embedder(spec: str | Any) -> Embedder:
    """`lsa`, `lsa-DIMENSIONS`, `minilm`, `openai/MODEL`, `server/MODEL@URL` (also `vllm/` and `ollama/`), each with
    `#DIMENSIONS` to keep the first ones; `late:minilm` for late chunking; or a llama-index embedding object.

    Raises InputError for an unknown name or a missing key.
    """
    import os
    from urllib.parse import urlsplit

    if not isinstance(spec, str):
        return LlamaEmbedder(spec)
    whole, mark, dimensions = spec.rpartition("#")
    if mark:
        if not dimensions.isdigit():
            raise InputError(f"{spec!r}: {dimensions!r} is no number", field="embedder", fix="write e.g. minilm#128")
        return TruncatedEmbedder(open_embedder(whole), int(dimensions))
    if spec.startswith("late:"):
        return LateEmbedder(open_embedder(spec.removeprefix("late:")))
    if spec == "lsa":
        return LsaEmbedder()
    if spec.startswith("lsa-") and spec[4:].isdigit() and int(spec[4:]) >= 2:
        return LsaEmbedder(int(spec[4:]))
    if spec == "minilm":
        return _minilm()
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
    return _server(spec, model, base_url, key)


@lru_cache(maxsize=1)
def _minilm() -> MiniLmEmbedder:
    return MiniLmEmbedder()  # its weights are loaded once, not for every context


@lru_cache(maxsize=32)
def _server(spec: str, model: str, base_url: str, key: str | None) -> ServerEmbedder:
    return ServerEmbedder(spec, model, base_url, key)  # shared: one connection to each cache file
