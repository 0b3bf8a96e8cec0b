"""XL3M: the overlapping segments on which the model is surest are joined in order and read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from workbench.method.fitting import merged, reduced, room_for
from workbench.method.prompts import ANSWER_RULE, Prompt, render_documents, render_question
from workbench.method.protocol import Bench, MethodCard
from workbench.method.uncertainty import entropy, hidden_mass
from workbench.records import Answer, Chunk, Context, Hit, Question

READ = Prompt("xl3m.read", user=f"{{chunk}}\n\n{ANSWER_RULE}\n\nQuestion: {{question}}\nAnswer:", shared=("chunk",))


@dataclass(frozen=True)
class Xl3m:
    """Wang et al. 2024, "XL3M: A Training-free Framework for LLM Length Extension Based on Segment-wise Inference"
    (arXiv 2405.17755; no repository), through an API: n parallel calls of one token each, then 1 answer.

    Each segment is read with the question. The `keep` segments whose next token has the least entropy are joined in the
    order of the text, overlaps only once, and read; by default, as in the paper, as many as the window holds. Segments
    of 1,000 tokens, 200 of them shared (we do not know the paper's sizes).

    Deviations:
    - a segment is judged with the prompt that reads it, whose answer rule offers "unanswerable" (the paper: segment and
      question alone): a model that is sure of this word gives a segment without the answer a low entropy;
    - entropy is that of the `top_logprobs` likeliest first tokens of the answer; the largest probability that these
      leave out is recorded.
    """

    card: ClassVar[MethodCard] = MethodCard(
        title="XL3M",
        cost="n + 1 calls, 2 in sequence",
        url="https://arxiv.org/abs/2405.17755",
        year=2024,
        stages="first token of every segment (parallel) → splice the surest → read",
        requires=("logprobs",),
    )
    segment_tokens: int = 1_000
    overlap: int = 200
    keep: int | None = None  # None: as many as fit
    top_logprobs: int = 20

    def __post_init__(self) -> None:
        if not 0 <= self.overlap < self.segment_tokens or (self.keep is not None and self.keep < 1):
            raise ValueError("overlap must be less than segment_tokens, and keep at least 1")

    def build(self, context: Context, bench: Bench) -> None:
        return None  # segments depend on the question's length

    def answer(self, question: Question, state: None, bench: Bench) -> Answer:
        asked = render_question(question)
        room = room_for(READ(chunk="", question=asked), bench, reply_tokens=bench.answer_tokens)
        size = reduced(self.segment_tokens, room, bench, "segment_tokens")
        segments = bench.split(room=size, overlap=min(self.overlap, size // 4))
        prompts = [READ(chunk=segment.text, question=asked) for segment in segments]
        replies = bench.ask_many(prompts, step="judge", max_tokens=1, top_logprobs=self.top_logprobs)
        told = [reply.first_token_logprobs or {} for reply in replies]
        if told:
            bench.note("hidden_probability_at_most", round(max(map(hidden_mass, told)), 4))
        surest = sorted(range(len(segments)), key=lambda i: (entropy(told[i]), i))
        kept: list[int] = []
        text, spliced = "", []
        for i in surest[: self.keep]:
            chunks = _spliced([c for j in sorted((*kept, i)) for c in segments[j].chunks], bench)
            rendered = render_documents(chunks, bench.context)
            if bench.count(rendered) > room:
                break
            kept, text, spliced = [*kept, i], rendered, chunks
        bench.note("segments_read", f"{len(kept)} of {len(segments)}")
        hits = [Hit(chunk, 0.0, rank) for rank, chunk in enumerate(spliced, 1)]
        return bench.reply(READ(chunk=text, question=asked), step="read", hits=hits)


def _spliced(chunks: list[Chunk], bench: Bench) -> list[Chunk]:
    """The chunks in the order of the context, with overlapping ones joined."""
    place = {document.document_id: i for i, document in enumerate(bench.context.documents)}
    return merged(sorted(chunks, key=lambda chunk: (place[chunk.document_id], chunk.start)))
