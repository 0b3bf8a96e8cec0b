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
from workbench.retrieval.bounds import within
from workbench.retrieval.indexes.chunk_index import ChunkIndex
from workbench.text import sentence_spans

PICK = Prompt(
    "extractive_compression.pick",
    user="{numbered}\n\nThe text above has numbered sentences. Which of them help to answer the question below? Reply "
    "with their numbers, the most helpful first, and none if none helps.\n\nQuestion: {question}\nReply:",
)
Place = tuple[int, int]  # number of the passage, number of the sentence in it, both from 0


class Picks(BaseModel):
    """Numbers of sentences, the best first."""

    numbers: list[int]


@dataclass(frozen=True)
class ExtractiveCompression:
    """RECOMP's extractive compressor (Xu, Shi and Choi, ICLR 2024, arXiv 2310.04408; carriex/recomp, MIT) without its
    trained encoder: passages are retrieved, their sentences scored, the best `sentences` read in document order.

    `scorer: embedding` ranks by cosine to the question with the experiment's embedder (1 call). `scorer: model` asks
    the model for the numbers of helpful sentences, one call per passage side by side (k + 1 calls, 2 in sequence);
    passages take turns in rank order. Five passages of about 100 words, two sentences (RECOMP's for HotpotQA).

    Deviations:
    - `neighbours` sentences around a chosen one can be added, for their pronouns;
    - when no passage gives a readable choice, the embedding chooses, noted;
    - when nothing is found, the text's first chunks are read, noted.
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
    pick_tokens: int = 96  # visible tokens of the numbers that the model picks of one passage

    def __post_init__(self) -> None:
        if self.top_k < 1 or self.sentences < 1 or self.neighbours < 0:
            raise ValueError("top_k and sentences must be at least 1, and neighbours not negative")
        within("pick_tokens", self.pick_tokens, 1)

    def build(self, context: Context, bench: Bench) -> ChunkIndex:
        return bench.index(chunk_tokens=self.chunk_tokens).prepare(self.retriever)

    def answer(self, question: Question, state: ChunkIndex, bench: Bench) -> Answer:
        hits = state.search(question.text, self.top_k, self.retriever)
        hits = from_the_start(hits, state.chunks, self.top_k, bench)
        passages = [_sentences(hit.chunk) for hit in hits]
        ranked = self._picked(passages, question, bench) if self.scorer == "model" else []
        ranked = ranked or _nearest(passages, question, state)
        found = _with_neighbours(passages, ranked[: self.sentences], self.neighbours)
        tokens = sum(bench.count(hit.chunk.text) for hit in hits)
        bench.note("compressed_to", f"{sum(bench.count(h.chunk.text) for h in found)} of {tokens} tokens")
        return read_hits(found, question, bench, order="document")

    def _picked(self, passages: Sequence[Sequence[Chunk]], question: Question, bench: Bench) -> list[Place]:
        """The model's choices, the first of every passage before the second of any."""
        asked = render_question(question)
        room = room_for(PICK(numbered="", question=asked), bench, reply_tokens=self.pick_tokens, schema=Picks)
        prompts = [PICK(numbered=cut(_numbered(passage), room, bench), question=asked) for passage in passages]
        turns: list[tuple[int, int, int]] = []
        for p, reply in enumerate(bench.ask_many(prompts, step="pick", max_tokens=self.pick_tokens, schema=Picks)):
            if not isinstance(reply.parsed, Picks):
                bench.note("pick_unparsable", p)
                continue
            valid = [n - 1 for n in dict.fromkeys(reply.parsed.numbers) if 1 <= n <= len(passages[p])]
            turns += [(turn, p, s) for turn, s in enumerate(valid)]
        if passages and not turns:
            bench.note("nothing_picked", True)
        return [(p, s) for _, p, s in sorted(turns)]


def _nearest(passages: Sequence[Sequence[Chunk]], question: Question, index: ChunkIndex) -> list[Place]:
    """All sentences, the nearest to the question first, by cosine."""
    places = [(p, s) for p, passage in enumerate(passages) for s in range(len(passage))]
    if not places:
        return []
    vectors = index.embedder.embed([question.text, *(passages[p][s].text for p, s in places)])
    scores = dict(zip(places, (vectors[1:] @ vectors[0]).tolist(), strict=True))
    return sorted(places, key=lambda place: -scores[place])


def _with_neighbours(passages: Sequence[Sequence[Chunk]], best: Sequence[Place], distance: int) -> list[Hit]:
    """The best sentences in their order, each with the sentences of its passage that are at most `distance` away."""
    found: dict[Place, float] = {}
    for rank, (passage, sentence) in enumerate(best, 1):
        for near in range(max(0, sentence - distance), min(len(passages[passage]), sentence + distance + 1)):
            found.setdefault((passage, near), 1 / rank)  # of two, it is the better one's neighbour
    return [Hit(passages[p][s], score, rank) for rank, ((p, s), score) in enumerate(found.items(), 1)]


def _sentences(chunk: Chunk) -> list[Chunk]:
    return [
        Chunk(chunk.document_id, chunk.start + start, chunk.start + end, chunk.text[start:end])
        for start, end in sentence_spans(chunk.text)
    ]


def _numbered(sentences: Sequence[Chunk]) -> str:
    return "\n".join(f"[{number}] {sentence.text}" for number, sentence in enumerate(sentences, 1))
