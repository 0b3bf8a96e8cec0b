"""LongRAG from two sides: an extractor reads whole documents, a filter judges chunks, a generator gets both."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import ClassVar, Literal

from pydantic import BaseModel

from workbench.method.fitting import (
    SEAM,
    cut,
    fitting_hits,
    from_the_start,
    hits_text,
    leading,
    note_number,
    note_room,
    room_for,
    unparsable,
)
from workbench.method.prompts import ANSWER_RULE, Prompt, render_documents, render_question
from workbench.method.protocol import Bench, MethodCard
from workbench.records import Answer, Chunk, Context, Document, Hit, Question, Reply
from workbench.retrieval.analysis import words
from workbench.retrieval.bounds import within
from workbench.retrieval.indexes.text_index import TextIndex
from workbench.retrieval.ranking.fusion import reciprocal_rank_fusion

EXTRACT = Prompt(
    "long_rag_dual.extract",
    user="{documents}\n\nCopy out of the text above all background and every statement that one would cite to answer "
    "the question below, with the names, numbers and dates that belong to it. Do not answer the question.\n\n"
    "Question: {question}\nNotes:",
)
THINK = Prompt(
    "long_rag_dual.think",
    user="{chunks}\n\nFrom the text above, think step by step about what the question below needs and which of these "
    "statements lead to its answer. Do not answer the question yet.\n\nQuestion: {question}\nThoughts:",
)
FILTER = Prompt(
    "long_rag_dual.filter",
    user="{chunk}\n\nThoughts on the question:\n{thoughts}\n\nDoes the first text above hold something that helps to "
    "answer the question below? status is true or false.\n\nQuestion: {question}\nReply:",
)
READ = Prompt("long_rag_dual.read", user=f"{{text}}\n\n{ANSWER_RULE}\n\nQuestion: {{question}}\nAnswer:")
_CLAUSE_END = re.compile(r"(?<=[!?.;,])\s+|(?<=[！？。；，])")


class Verdict(BaseModel):
    """Whether a chunk helps."""

    status: bool


@dataclass(frozen=True)
class Side:
    """What one side found: the extract, or the chunks that the filter kept."""

    extract: str = ""
    kept: list[Chunk] | None = None


@dataclass(frozen=True)
class Rooms:
    """Tokens of the extractor's reply and documents, and of the thoughts as written and as the filter may see them."""

    extract_tokens: int
    documents: int
    thought_tokens: int
    thoughts: int


@dataclass(frozen=True)
class Clauses:
    """The chunks and their index."""

    chunks: tuple[Chunk, ...]
    index: TextIndex


@dataclass(frozen=True)
class LongRagDual:
    """Zhao et al., EMNLP 2024 (arXiv 2410.18050; QingFei1/LongRAG). Chunks of `words` words, of whole clauses, two of
    them shared with the next chunk; 100 dense candidates, reranked to 7. Side by side: one call extracts what matters
    from the whole documents of those chunks; one call thinks about all chunks and then, in parallel, one call per chunk
    keeps or drops it in the light of those thoughts. The last call reads kept chunks, then the extract: 10 calls, 3 in
    sequence. `form`: both sides, one of them, or neither (`chunks`: plain RAG; `documents`: whole documents).

    Deviations:
    - reranked by fusing the dense ranking with BM25's, not by a cross-encoder;
    - a document that does not fit beside the others is read as its chunks (upstream cuts the prompt's middle);
    - the text after the last punctuation mark is kept; the instruction stands once;
    - when the filter keeps no chunk, all are read; a verdict that cannot be read and nowhere says true drops its chunk;
      after an empty extract the chunks are read alone; when nothing is found, the first chunks. All are noted.
    """

    card: ClassVar[MethodCard] = MethodCard(
        title="LongRAG (dual perspective)",
        cost="k + 3 calls, 3 in sequence",
        url="https://arxiv.org/abs/2410.18050",
        year=2024,
        stages="index | retrieve → extract ∥ (think → filter each chunk) → read",
    )
    form: Literal["both", "extract", "filter", "chunks", "documents"] = "both"
    candidates: int = 100
    top_k: int = 7
    words: int = 200
    shared_clauses: int = 2
    note_tokens: int = 1_000
    verdict_tokens: int = 64  # visible tokens of the filter's verdict on a chunk

    def __post_init__(self) -> None:
        if self.top_k < 1 or self.candidates < self.top_k or self.words < 1 or self.shared_clauses < 0:
            raise ValueError("top_k and words must be at least 1, candidates at least top_k, and shared_clauses 0")
        within("verdict_tokens", self.verdict_tokens, 1)

    def build(self, context: Context, bench: Bench) -> Clauses:
        chunks = [c for d in context.documents for c in clause_chunks(d, self.words, self.shared_clauses)]
        return Clauses(tuple(chunks), bench.text_index([chunk.text for chunk in chunks]))

    def answer(self, question: Question, state: Clauses, bench: Bench) -> Answer:
        asked = render_question(question)
        chunks = self._retrieved(question, state, bench)
        room = room_for(READ(text="", question=asked), bench, reply_tokens=bench.answer_tokens)
        chunks = self._readable(chunks, asked, bench)
        rooms = self._rooms(chunks, asked, bench)
        sides: list[Callable[[], Side]] = []
        if chunks and self.form in ("both", "extract"):
            sides.append(lambda: Side(extract=self._extract(chunks, rooms, asked, bench)))
        if chunks and self.form in ("both", "filter"):
            sides.append(lambda: Side(kept=self._filtered(chunks, rooms, asked, bench)))
        done = bench.parallel(sides)
        extract = cut("".join(side.extract for side in done), room // 2, bench)
        kept = next((side.kept for side in done if side.kept is not None), chunks)
        if self.form == "documents":
            kept = _whole_documents(chunks, room, bench)

        def shown(some: Sequence[Hit]) -> str:
            return "\n\n".join(part for part in (hits_text(some, bench), extract) if part)

        hits, dropped = fitting_hits(_ranked(kept), room, bench, shown)
        return bench.reply(READ(text=shown(hits), question=asked), step="read", hits=hits, dropped_tokens=dropped)

    def _retrieved(self, question: Question, state: Clauses, bench: Bench) -> list[Chunk]:
        """The best `top_k` of the dense candidates, reranked by fusing their ranking with BM25's."""
        dense = [position for position, _ in state.index.dense(question.text, self.candidates)]
        sparse = [p for p, _ in state.index.sparse(question.text, len(state.index)) if p in set(dense)]
        best = [position for position, _ in reciprocal_rank_fusion([dense, sparse])][: self.top_k]
        found = _ranked([state.chunks[position] for position in best])
        return [hit.chunk for hit in from_the_start(found, state.chunks, self.top_k, bench)]

    def _extract(self, chunks: Sequence[Chunk], rooms: Rooms, asked: str, bench: Bench) -> str:
        """The global side: what matters, out of the whole documents of the chunks."""
        text = render_documents(_whole_documents(chunks, rooms.documents, bench), bench.context)
        prompt = EXTRACT(documents=text, question=asked)
        extract = bench.ask(prompt, step="extract", max_tokens=rooms.extract_tokens).text.strip()
        if not extract:
            bench.note("extract_empty", True)
        return extract

    def _filtered(self, chunks: Sequence[Chunk], rooms: Rooms, asked: str, bench: Bench) -> list[Chunk]:
        """The detailed side: thoughts about all chunks, then a verdict on each in the light of them."""
        prompt = THINK(chunks=render_documents(chunks, bench.context), question=asked)
        thoughts = bench.ask(prompt, step="think", max_tokens=rooms.thought_tokens).text.strip()
        thoughts = cut(thoughts, rooms.thoughts, bench)
        prompts = [FILTER(chunk=chunk.text, thoughts=thoughts, question=asked) for chunk in chunks]
        replies = bench.ask_many(prompts, step="filter", max_tokens=self.verdict_tokens, schema=Verdict)
        note_number("filter_unparsable", unparsable(replies), bench)
        kept = [chunk for chunk, reply in zip(chunks, replies, strict=True) if _helps(reply)]
        if not kept:
            bench.note("no_chunk_kept", len(chunks))
        return kept or list(chunks)

    def _readable(self, chunks: Sequence[Chunk], asked: str, bench: Bench) -> list[Chunk]:
        """The chunks, each cut to its share of half of the prompt that reads all of them."""
        room = room_for(THINK(chunks="", question=asked), bench, reply_tokens=0) // 2
        texts = [cut(chunk.text, max(1, room // len(chunks) - 2 * SEAM), bench) for chunk in chunks]
        return [Chunk(c.document_id, c.start, c.start + len(t), t) for c, t in zip(chunks, texts, strict=True)]

    def _rooms(self, chunks: Sequence[Chunk], asked: str, bench: Bench) -> Rooms:
        """What both sides have room for, known before either asks. Raises ContextOverflow."""
        frame = EXTRACT(documents="", question=asked)
        extract_tokens = note_room(self.note_tokens, frame, bench)
        thought_tokens = note_room(self.note_tokens, THINK(chunks="", question=asked), bench)
        longest = max((chunk.text for chunk in chunks), key=bench.count, default="")
        judging = FILTER(chunk=longest, thoughts="", question=asked)
        return Rooms(
            extract_tokens,
            room_for(frame, bench, reply_tokens=extract_tokens),
            thought_tokens,
            room_for(judging, bench, reply_tokens=self.verdict_tokens, schema=Verdict),
        )


def _whole_documents(chunks: Sequence[Chunk], room: int, bench: Bench) -> list[Chunk]:
    """The chunks with their documents in their place, each once, where its best chunk stood. A document that does not
    fit the room beside the others stays as its chunks."""
    whole: dict[str, Chunk] = {}

    def read() -> list[Chunk]:
        return list(dict.fromkeys(whole.get(chunk.document_id, chunk) for chunk in chunks))

    too_long = 0
    for document_id in dict.fromkeys(chunk.document_id for chunk in chunks):
        document = bench.context.document(document_id)
        whole[document_id] = Chunk.of(document, 0, len(document.text))
        if bench.count(render_documents(read(), bench.context)) > room:
            del whole[document_id]
            too_long += 1
    note_number("documents_read_as_chunks", too_long, bench)
    return leading(read(), room, bench, lambda some: render_documents(some, bench.context))


def _helps(reply: Reply) -> bool:
    """The verdict; of a reply that is none, whether it says true anywhere (upstream's rule)."""
    if isinstance(reply.parsed, Verdict):
        return reply.parsed.status
    return re.search(r"\btrue\b", reply.text, re.I) is not None


def _ranked(chunks: Sequence[Chunk]) -> list[Hit]:
    return [Hit(chunk, 1 / rank, rank) for rank, chunk in enumerate(chunks, 1)]


def clause_chunks(document: Document, size: int, shared: int) -> list[Chunk]:
    """Whole clauses up to `size` words or just over; each chunk begins with the last `shared` clauses of the one
    before. A last piece of fewer new clauses than `shared` is appended to its predecessor."""
    text = document.text
    bounds = [0, *(m.end() for m in _CLAUSE_END.finditer(text) if m.end() < len(text)), len(text)]
    sizes = [len(words(text[a:b])) for a, b in pairwise(bounds)] if text.strip() else []
    spans: list[tuple[int, int]] = []
    at = 0
    while at < len(sizes):
        held, stop = 0, at
        while stop < len(sizes) and (held < size or stop - at <= shared):
            held += sizes[stop]
            stop += 1
        if len(sizes) - stop < max(1, shared):
            stop = len(sizes)
        spans.append((at, stop))
        if stop == len(sizes):
            break
        at = stop - shared
    return [Chunk.of(document, bounds[a], bounds[b]) for a, b in spans]
