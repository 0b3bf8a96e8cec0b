"""Many chunks as three columns of numbers; a `Chunk` is made when one is looked at."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, overload

from workbench.records import Chunk, Context

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Span = tuple[int, int, int]  # the document's place in the context, start, end


class ChunkTable(Sequence[Chunk]):
    """A sequence of the context's chunks: 24 bytes each, where a tuple of `Chunk`s holds every text once more."""

    def __init__(self, context: Context, spans: Iterable[Span] | NDArray[np.int64]) -> None:
        import numpy as np

        self.context = context
        rows = spans if isinstance(spans, np.ndarray) else np.array(list(spans), dtype=np.int64)
        self.spans: NDArray[np.int64] = rows.reshape(-1, 3)

    @classmethod
    def of(cls, context: Context, chunks: Sequence[Chunk]) -> ChunkTable:
        """The table of chunks that are there already."""
        if isinstance(chunks, ChunkTable):
            return chunks
        place = {document.document_id: number for number, document in enumerate(context.documents)}
        return cls(context, [(place[chunk.document_id], chunk.start, chunk.end) for chunk in chunks])

    def __len__(self) -> int:
        return len(self.spans)

    @overload
    def __getitem__(self, position: int) -> Chunk: ...

    @overload
    def __getitem__(self, position: slice) -> tuple[Chunk, ...]: ...

    def __getitem__(self, position: int | slice) -> Chunk | tuple[Chunk, ...]:
        if isinstance(position, slice):
            return tuple(self._chunk(row) for row in self.spans[position].tolist())
        return self._chunk(self.spans[position].tolist())

    def __iter__(self) -> Iterator[Chunk]:
        for start in range(0, len(self.spans), 4_096):
            yield from map(self._chunk, self.spans[start : start + 4_096].tolist())

    def _chunk(self, row: Any) -> Chunk:
        number, start, end = row
        return Chunk.of(self.context.documents[number], start, end)

    def texts(self) -> Iterator[str]:
        """The chunks' texts, in order."""
        documents = self.context.documents
        for start in range(0, len(self.spans), 4_096):
            for number, first, last in self.spans[start : start + 4_096].tolist():
                yield documents[number].text[first:last]

    def key(self) -> str:
        """Hash of where the chunks are; with the context's id it says what they are."""
        from hashlib import blake2b

        return blake2b(self.spans.tobytes(), digest_size=16).hexdigest()
