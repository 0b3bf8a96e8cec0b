"""The context cut into portions for methods that read it part by part."""

from __future__ import annotations

from collections.abc import Callable

from workbench.errors import MethodError
from workbench.method.prompts import render_documents
from workbench.method.protocol import Portion
from workbench.records import Chunk, Context
from workbench.retrieval.chunks.chunking import pack


def portions(context: Context, count: Callable[[str], int], *, room: int, overlap: int = 0) -> list[Portion]:
    """Consecutive portions of at most `room` tokens as rendered; see `Bench.split`. `count` gives the tokens of a text.

    Raises MethodError for a room below one token.
    """
    if room < 1:
        raise MethodError(f"a portion needs room for at least one token, not {room}")
    titled = len(context.documents) > 1
    made: list[Portion] = []
    held: list[Chunk] = []
    held_tokens = 0
    for document in context.documents:
        title = count(f"[{document.title}]\n\n\n") + 2 if titled and document.title else 2
        for chunk in pack(document, max(1, room - title), count, overlap=overlap):
            tokens = count(chunk.text) + title
            if held and held_tokens + tokens > room:
                made.append(Portion(tuple(held), render_documents(held, context)))
                held, held_tokens = [], 0
            held.append(chunk)
            held_tokens += tokens
    if held:
        made.append(Portion(tuple(held), render_documents(held, context)))
    return made
