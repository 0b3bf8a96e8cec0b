"""The two halves of a chunk index, dense and sparse: built or loaded from disk when first needed."""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from workbench.errors import InputError
from workbench.records import Chunk
from workbench.retrieval.chunks.chunk_table import ChunkTable
from workbench.retrieval.embedders.embedder import Embedder, kept_in
from workbench.retrieval.indexes.bm25 import Bm25Index, Bm25Options
from workbench.retrieval.indexes.shelf import Damaged, load_arrays, save_arrays, shelved
from workbench.retrieval.indexes.vector import DenseIndex
from workbench.retrieval.spending import Bill, tell, watched
from workbench.text import combined_hash

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

T = TypeVar("T")
FORMAT = "9"  # to be raised when the layout, the analyser, a splitter or the fit of LSA changes


@dataclass(frozen=True, slots=True)
class IndexOptions:
    """Settings of an index beside its chunks and embedder. `dense`: auto, flat, hnsw or ivfpq. `bm25.language` is also
    the language of the LSA embedder."""

    bm25: Bm25Options = field(default_factory=Bm25Options)
    dense: str = "auto"


class IndexParts:
    """The BM25 and the dense index of the same chunks, which share the term counts. `texts`, if given, are indexed
    instead of the chunks' own; `vectors`, if given, are used instead of embedding. `directory` and `key` say where the
    indexes are saved."""

    def __init__(
        self,
        chunks: Sequence[Chunk],
        texts: Sequence[str] | None,
        embedder: Embedder,
        vectors: NDArray[np.float32] | None,
        options: IndexOptions,
        directory: Path | None,
        key: str,
    ) -> None:
        self._chunks = chunks
        self._given = texts
        self._options = options
        self._vectors = vectors
        self._directory = directory
        self._key = key
        self.unfitted: Any = _speaking(embedder, options.bm25.language)
        self._lock = threading.RLock()
        self._made: dict[str, Any] = {}
        self._bills: list[Bill] = []  # of embedding the chunks, now or by an earlier process

    def _once(self, name: str, make: Callable[[], T]) -> T:
        with self._lock:
            if name not in self._made:
                self._made[name] = make()
            found: T = self._made[name]
            return found

    def texts(self) -> Sequence[str]:
        """The indexed texts, one per chunk."""
        if self._given is not None:
            return self._given
        return list(self._chunks.texts()) if isinstance(self._chunks, ChunkTable) else [c.text for c in self._chunks]

    @property
    def made_dense(self) -> DenseIndex | None:
        """The FAISS index if it has been made, else None."""
        made = self._made.get("dense")
        return made[0] if made else None

    def forget_counts(self) -> None:
        """Free the term counts, which are kept only for the other half of the index."""
        self._made.pop("counts", None)

    def _counts(self) -> Any:
        from workbench.retrieval.analysis import count_terms

        language = self._options.bm25.language
        with self._lock:
            if "counts" not in self._made:
                chunks = self._chunks
                # streamed from the table where possible, so that a million texts are not in memory at once
                stream = chunks.texts() if self._given is None and isinstance(chunks, ChunkTable) else self.texts()
                self._made["counts"] = count_terms(stream, language)
            counts = self._made["counts"]
            other = "dense" if "sparse" not in self._made else "sparse"
            if other in self._made:
                del self._made["counts"]  # both halves have used them
            return counts

    def sparse(self) -> Bm25Index:
        """The BM25 index."""
        return self._once("sparse", self._sparse_made)

    def _sparse_made(self) -> Bm25Index:
        options = self._options.bm25

        def save(index: Bm25Index, folder: Path) -> Mapping[str, Any]:
            save_arrays(folder, index.arrays())
            return {"texts": len(index), "options": str(options)}

        def load(folder: Path, facts: Mapping[str, Any]) -> Bm25Index:
            arrays = load_arrays(folder, "gain", "rest", "rows", "starts", "terms", "term_ends")
            if facts["texts"] != len(self._chunks) or len(arrays["starts"]) != len(arrays["rest"]) + 1:
                raise Damaged("arrays of other chunks")
            return Bm25Index.of_arrays(arrays, len(self._chunks), options)

        name = f"sparse-{combined_hash(self._key, str(options))}"
        return shelved(self._directory, name, FORMAT, lambda: Bm25Index((), options, counts=self._counts()), save, load)

    def dense(self) -> tuple[DenseIndex, Embedder]:
        """The FAISS index, and the embedder fitted on the chunks."""
        return self._once("dense", self._dense_made)

    def _dense_made(self) -> tuple[DenseIndex, Embedder]:
        self.unfitted = kept_in(self.unfitted, self._directory)  # so that questions too are paid for only once
        if self._vectors is not None:
            return DenseIndex(self._vectors, self._options.dense), self.unfitted.fit(self.texts())

        built = False

        def build() -> tuple[DenseIndex, Embedder]:
            nonlocal built
            built = True
            try:
                with watched() as bills:
                    made = self._embedded()
            except BaseException:
                for bill in bills:  # paid for before the failure
                    tell(bill)
                raise
            self._bills = bills
            return made

        def save(made: tuple[DenseIndex, Embedder], folder: Path) -> Mapping[str, Any]:
            index, embedder = made
            arrays: dict[str, Any] = embedder.arrays() if hasattr(embedder, "arrays") else {}
            save_arrays(folder, {"vectors": index.vectors, **arrays})
            index.write(folder / "index.faiss")
            bills = [dataclasses.asdict(bill) for bill in self._bills]
            return {
                "kind": index.kind, "recall_at_10": index.recall, "embedder": embedder.name, "fitted": [*arrays],
                "bills": bills,
            }  # fmt: skip

        def load(folder: Path, facts: Mapping[str, Any]) -> tuple[DenseIndex, Embedder]:
            vectors = load_arrays(folder, "vectors")["vectors"]
            if len(vectors) != len(self._chunks):
                raise Damaged("vectors of other chunks")
            self._bills = [Bill(**bill) for bill in facts.get("bills", ())]
            embedder: Any = self.unfitted
            if facts["fitted"]:
                embedder = embedder.of_arrays(load_arrays(folder, *facts["fitted"]))
            return DenseIndex.read(folder / "index.faiss", vectors, facts["kind"], facts["recall_at_10"]), embedder

        parts = (self._key, self.unfitted.name, self._options.dense)
        language = self._options.bm25.language if hasattr(self.unfitted, "speaking") else ""
        name = f"dense-{combined_hash(*parts, language)}"
        made = shelved(self._directory, name, FORMAT, build, save, load)
        self.tell_bills(reused=not built)
        return made

    def tell_bills(self, *, reused: bool) -> None:
        for bill in self._bills:
            tell(dataclasses.replace(bill, reused=True) if reused else bill)

    def _embedded(self) -> tuple[DenseIndex, Embedder]:
        embedder: Any = self.unfitted
        if not len(self._chunks):
            import numpy as np

            return DenseIndex(np.zeros((0, 1), np.float32)), embedder.fit([])
        if getattr(embedder, "late", False):
            return DenseIndex(self._late_vectors(embedder), self._options.dense), embedder
        if hasattr(embedder, "fit_counts"):
            counts = self._counts()
            fitted = embedder.fit_counts(counts)
            return DenseIndex(fitted.embed_counts(counts), self._options.dense), fitted
        texts = self.texts()
        fitted = embedder.fit(texts)
        return DenseIndex(fitted.embed(texts), self._options.dense), fitted

    def _late_vectors(self, embedder: Any) -> NDArray[np.float32]:
        import numpy as np

        if not isinstance(self._chunks, ChunkTable) or self._given is not None:
            raise InputError(
                "late chunking embeds the documents themselves, not texts made of them",
                field="embedder",
                fix="leave `late:` or `contextual` away",
            )
        spans = self._chunks.spans
        vectors = []
        for number, document in enumerate(self._chunks.context.documents):
            own = [(start, end) for _, start, end in spans[spans[:, 0] == number].tolist()]
            if own:
                vectors.append(embedder.embed_spans(document.text, own))
        return np.concatenate(vectors)


def _speaking(embedder: Any, language: str) -> Any:
    if getattr(embedder, "language", language) == language:
        return embedder
    return embedder.speaking(language)
