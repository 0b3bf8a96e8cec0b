"""Many chunks as three columns of numbers; a `Chunk` object is made only when it is accessed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, overload

from workbench.records import Chunk, Context

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_START_BITS = 40  # a sort key holds the document's number above these bits and the chunk's start in them
Span = tuple[int, int, int]  # the document's place in the context, start, end


class ChunkTable(Sequence[Chunk]):
    """A sequence of a context's chunks at 24 bytes each; a tuple of `Chunk`s would hold a copy of every text."""

    def __init__(self, context: Context, spans: Iterable[Span] | NDArray[np.int64]) -> None:
        import numpy as np

        self.context = context
        rows = spans if isinstance(spans, np.ndarray) else np.array(list(spans), dtype=np.int64)
        self.spans: NDArray[np.int64] = rows.reshape(-1, 3)

    @classmethod
    def of(cls, context: Context, chunks: Sequence[Chunk]) -> ChunkTable:
        """The table of chunks that already exist as objects."""
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

    def positions(self, chunks: Sequence[Chunk]) -> NDArray[np.int64] | None:
        """The rows of chunks in the table; None when one of them is not in it."""
        import numpy as np

        place, order, starts = self._lookup
        found = []
        for chunk in chunks:
            key = (place.get(chunk.document_id, -1) << _START_BITS) + chunk.start
            first, last = np.searchsorted(starts, [key, key + 1])
            right = [row for row in order[first:last].tolist() if self.spans[row, 2] == chunk.end]
            if not right:
                return None
            found.append(right[0])
        return np.array(found, dtype=np.int64)

    @cached_property
    def _lookup(self) -> tuple[dict[str, int], NDArray[np.int64], NDArray[np.int64]]:
        """Document numbers by id, the order of the rows sorted by document and start, and the sorted keys."""
        import numpy as np

        keys = (self.spans[:, 0] << _START_BITS) + self.spans[:, 1]
        order = np.argsort(keys, kind="stable")
        documents = self.context.documents
        return {document.document_id: number for number, document in enumerate(documents)}, order, keys[order]

    def key(self) -> str:
        """Hash of the spans; together with the context's id it identifies the chunks."""
        from hashlib import blake2b

        return blake2b(self.spans.tobytes(), digest_size=16).hexdigest()
