"""Contextual retrieval: a model describes each chunk's place in its document, and both are indexed together."""

from __future__ import annotations

from collections.abc import Sequence

from workbench.records import Chunk, Context
from workbench.retrieval.asking import Asker, filled
from workbench.retrieval.chunks.chunking import pack

SITUATE_PROMPT = (
    "<document>\n{document}\n</document>\n\nOne chunk of the document above is:\n\n<chunk>\n{chunk}\n</chunk>\n\nSay "
    "in one or two sentences where this chunk stands in the document and whom or what it is about, with the names, "
    "times and places that it leaves out, so that a search finds it. Write these sentences only.\nContext:"
)
_SEAM = 8


def situated(chunks: Sequence[Chunk], context: Context, asker: Asker, *, reply_tokens: int = 100) -> list[str]:
    """The texts to index: each chunk followed by a model's sentence or two on its place in the document (Anthropic,
    "Introducing Contextual Retrieval", 2024). The reader still gets the chunk alone.

    One call per chunk, all independent. The prompt begins with the document, the same for all of its chunks, so that a
    server's prefix cache can hold it. A document longer than the window is shown in parts, each chunk with the part it
    begins in. When the longest chunk leaves no room for a document, all chunks stay as they are, without any call; so
    does a chunk whose reply is empty. A reply has at most `reply_tokens` tokens, and an eighth of the window.
    """
    tokens = min(reply_tokens, max(1, asker.room("", 0) // 8))
    longest = max((asker.count(chunk.text) for chunk in chunks), default=0)
    room = asker.room(filled(SITUATE_PROMPT, document="", chunk=""), tokens) - longest - _SEAM
    if room < 1:
        return [chunk.text for chunk in chunks]
    parts = {document.document_id: pack(document, room, asker.count) for document in context.documents}
    prompts = []
    for chunk in chunks:
        around = next(p.text for p in parts[chunk.document_id] if p.start <= chunk.start < p.end)
        prompts.append(filled(SITUATE_PROMPT, document=around, chunk=chunk.text))
    replies = [asker.cut(reply.strip(), tokens) for reply in asker.ask(prompts, step="situate", max_tokens=tokens)]
    return [f"{chunk.text}\n\n{told}" if told else chunk.text for chunk, told in zip(chunks, replies, strict=True)]
