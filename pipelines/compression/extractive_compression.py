"""Extractive compression: of the retrieved passages only the sentences that matter for the question are read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

from pydantic import BaseModel

from pipelines._reading import read_hits
from workbench.method.fitting import cut, from_the_start, room_for
from workbench.method.prompts import Prompt, render_question
from workbench.method.protocol import Bench, MethodCard, Retriever
from workbench.records import Answer, Chunk, Context, Hit, Question
from workbench.retrieval.indexes.chunk_index import ChunkIndex
from workbench.text import sentence_spans

PICK = Prompt(
    "extractive_compression.pick",
    user="{numbered}\n\nThe text above has numbered sentences. Which of them help to answer the question below? Reply "
    "with their numbers, the most helpful first, and none if none helps.\n\nQuestion: {question}\nReply:",
)
PICK_TOKENS = 96


class Picks(BaseModel):
    """Numbers of sentences, the best first."""

    numbers: list[int]


@dataclass(frozen=True)
class ExtractiveCompression:
    """RECOMP's extractive compressor (Xu, Shi and Choi, ICLR 2024, arXiv 2310.04408; carriex/recomp, MIT) without its
    trained encoder: passages are retrieved, their sentences scored, the best `sentences` read in document order.

    `scorer: embedding` ranks by cosine to the question with the experiment's embedder (1 call). `scorer: model` asks
    the model for the numbers of helpful sentences, one call per passage side by side (k + 1 calls, 2 in sequence);
    passages take turns in rank order. Five passages of about 100 words, two sentences (RECOMP's for HotpotQA). Named
    deviations: `neighbours` sentences around a chosen one can be added, for their pronouns; an unparsable or empty
    choice of all passages falls back to the embedding, noted. Nothing found: the text's first chunks are read, noted.
    """

    card: ClassVar[MethodCard] = MethodCard(
        title="Extractive compression",
        cost="embedding: 1 call; model: k + 1 calls, 2 in sequence",
        url="https://arxiv.org/abs/2310.04408",
        year=2023,
        stages="index | retrieve → (pick sentences, parallel) → read the sentences",
    )
    scorer: Literal["embedding", "model"] = "embedding"
    retriever: Retriever = "hybrid"
    top_k: int = 5
    chunk_tokens: int = 128
    sentences: int = 2
    neighbours: int = 0

    def __post_init__(self) -> None:
        if self.top_k < 1 or self.sentences < 1 or self.neighbours < 0:
            raise ValueError("top_k and sentences must be at least 1, and neighbours not negative")

    def build(self, context: Context, bench: Bench) -> ChunkIndex:
        return bench.index(chunk_tokens=self.chunk_tokens).prepare(self.retriever)

    def answer(self, question: Question, state: ChunkIndex, bench: Bench) -> Answer:
        hits = state.search(question.text, self.top_k, self.retriever)
        hits = from_the_start(hits, state.chunks, self.top_k, bench)
        passages = [_sentences(hit.chunk) for hit in hits]
        flat = [(p, s) for p, passage in enumerate(passages) for s in range(len(passage))]
        chosen = self._picked(passages, question, bench) if self.scorer == "model" else []
        if not chosen and flat:
            chosen = self._nearest(passages, flat, question, state)
        score = {place: 1 / rank for rank, place in enumerate(chosen[: self.sentences], 1)}
        around = {
            (p, s + d): value
            for (p, s), value in reversed(score.items())
            for d in range(-self.neighbours, self.neighbours + 1)
        }
        kept = sorted((-around[place], place) for place in flat if place in around)
        found = [Hit(passages[p][s], -value, rank) for rank, (value, (p, s)) in enumerate(kept, 1)]
        tokens = sum(bench.count(hit.chunk.text) for hit in hits)
        bench.note("compressed_to", f"{sum(bench.count(h.chunk.text) for h in found)} of {tokens} tokens")
        return read_hits(found, question, bench, order="document")

    def _nearest(
        self,
        passages: Sequence[Sequence[Chunk]],
        flat: Sequence[tuple[int, int]],
        question: Question,
        index: ChunkIndex,
    ) -> list[tuple[int, int]]:
        vectors = index.embedder.embed([question.text, *(passages[p][s].text for p, s in flat)])
        scores = vectors[1:] @ vectors[0]
        return [flat[i] for i in sorted(range(len(flat)), key=lambda i: (-float(scores[i]), i))]

    def _picked(self, passages: Sequence[Sequence[Chunk]], question: Question, bench: Bench) -> list[tuple[int, int]]:
        """The model's choices, the first of every passage before the second of any."""
        asked = render_question(question)
        room = room_for(PICK(numbered="", question=asked), bench, reply_tokens=PICK_TOKENS, schema=Picks)
        prompts = [PICK(numbered=cut(_numbered(passage), room, bench), question=asked) for passage in passages]
        turns: list[tuple[int, int, int]] = []
        for p, reply in enumerate(bench.ask_many(prompts, step="pick", max_tokens=PICK_TOKENS, schema=Picks)):
            if not isinstance(reply.parsed, Picks):
                bench.note("pick_unparsable", p)
                continue
            valid = [n - 1 for n in dict.fromkeys(reply.parsed.numbers) if 1 <= n <= len(passages[p])]
            turns += [(turn, p, s) for turn, s in enumerate(valid)]
        if passages and not turns:
            bench.note("nothing_picked", True)
        return [(p, s) for _, p, s in sorted(turns)]


def _sentences(chunk: Chunk) -> list[Chunk]:
    return [
        Chunk(chunk.document_id, chunk.start + start, chunk.start + end, chunk.text[start:end])
        for start, end in sentence_spans(chunk.text)
    ]


def _numbered(sentences: Sequence[Chunk]) -> str:
    return "\n".join(f"[{number}] {sentence.text}" for number, sentence in enumerate(sentences, 1))
