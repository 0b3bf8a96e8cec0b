"""What questions are written over: a chunk, two chunks that share an entity, or a long stretch of the documents."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from workbench.errors import InputError
from workbench.records import Chunk, Context, Document

Count = Callable[[str], int]

KINDS = ("single", "pair", "whole")
_TURNS = ("single", "pair", "single", "whole", "single", "pair")  # how often each kind comes, in turn
_CHUNK_TOKENS = 350


@dataclass(frozen=True, slots=True)
class Material:
    """What a draft is written over: chunks of the documents, and for a pair the entity that joins them."""

    kind: str
    chunks: tuple[Chunk, ...]
    link: str = ""

    @property
    def text(self) -> str:
        return "\n\n---\n\n".join(chunk.text for chunk in self.chunks)


def materials(
    context: Context, stretches: Sequence[Chunk], count: Count, *, kinds: Sequence[str], seed: int
) -> Iterator[Material]:
    """What to write over: the kinds take turns, and the chunks of each come in a random order that the seed fixes. Ends
    when all are used. `count` gives the tokens of a text.

    Raises InputError when the documents have no text to write over.
    """
    from workbench.retrieval.chunks.chunking import pack

    draw = random.Random(f"{seed}:{context.context_id}")
    chunks = [chunk for d in context.documents if d.text.strip() for chunk in pack(d, _CHUNK_TOKENS, count)]
    chunks = [chunk for chunk in chunks if len(chunk.text.split()) >= 20]
    if not chunks:
        raise InputError("the documents hold no passage of 20 words", field="corpus", fix="add longer documents")
    singles = iter(draw.sample(chunks, len(chunks)))
    pairs = iter(_pairs(chunks, draw))
    wholes = draw.sample(list(stretches), len(stretches))
    supply: dict[str, Iterator[Material]] = {
        "single": (Material("single", (chunk,)) for chunk in singles),
        "pair": (Material("pair", (chunks[a], chunks[b]), link) for a, b, link in pairs),
        "whole": (Material("whole", (chunk,)) for chunk in wholes),
    }
    turns = [kind for kind in _TURNS if kind in kinds]
    while turns:
        for kind in list(turns):
            made = next(supply[kind], None)
            if made is None:
                turns = [turn for turn in turns if turn != kind]
                break
            yield made


def _pairs(chunks: Sequence[Chunk], draw: random.Random) -> list[tuple[int, int, str]]:
    """Pairs of chunks that share a rare entity (over the entity graph), each chunk in few pairs."""
    from workbench.retrieval.graphs.entity_graph import entities

    holders: dict[str, list[int]] = {}
    for number, chunk in enumerate(chunks):
        for entity in entities(chunk.text):
            holders.setdefault(entity, []).append(number)
    found = [
        (numbers[at], numbers[at + 1], entity)
        for entity, numbers in holders.items()
        if 2 <= len(numbers) <= 5 and not entity.isdigit()
        for at in range(len(numbers) - 1)
    ]
    draw.shuffle(found)
    seen: set[tuple[int, int]] = set()
    return [pair for pair in found if pair[:2] not in seen and not seen.add(pair[:2])]  # type: ignore[func-returns-value]


def stretches_of(documents: Sequence[Document], window: int, reply_tokens: int, count: Count) -> list[Chunk]:
    """The documents in stretches of half the model's window less a reply, at most 6,000 tokens."""
    from workbench.retrieval.chunks.chunking import pack

    room = max(200, min(6_000, window // 2 - reply_tokens))
    return [chunk for d in documents if d.text.strip() for chunk in pack(d, room, count)]
