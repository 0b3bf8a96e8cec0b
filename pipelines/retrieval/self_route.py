"""Self-Route: retrieval first; the whole text only when the model says that the chunks are not enough."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import ClassVar

from pipelines.bounds.full_context import FullContext
from workbench.method.fitting import fitting_hits, from_the_start, hits_text, room_for
from workbench.method.prompts import ANSWER_RULE, REFUSAL, Prompt, render_question
from workbench.method.protocol import Bench, MethodCard, Retriever
from workbench.records import Answer, Context, Question
from workbench.retrieval.indexes.chunk_index import ChunkIndex
from workbench.text import sentences

ROUTE = Prompt("self_route.route", user=f"{{chunks}}\n\n{ANSWER_RULE}\n\nQuestion: {{question}}\nAnswer:")
_QUOTED = re.compile(r"\"[^\"]*\"|“[^”]*”|‘[^’]*’")


@dataclass(frozen=True)
class SelfRoute:
    """Li et al., EMNLP 2024 industry track (arXiv 2407.16833; no official code): a call over the retrieved chunks may
    decline; only then a second call reads the whole text, cut in the middle where it passes the window.

    Its cost is 1 + ρ calls, ρ the share of questions declined (noted as `escalated`). Chunks of 300 words (400 tokens),
    top 5, dense. The reply declines when its first sentence holds the word outside of quotation marks.

    Deviations:
    - the workbench's embedder instead of Contriever or Dragon;
    - the second prompt ends in the common rule and so may also say that there is no answer, which several corpora count
      as right;
    - when nothing is found, the text's first chunks are read, noted.
    """

    card: ClassVar[MethodCard] = MethodCard(
        title="Self-Route",
        cost="1 + ρ calls in sequence, ρ the share of declined questions",
        url="https://arxiv.org/abs/2407.16833",
        year=2024,
        stages="index | retrieve → route (→ read everything)",
    )
    top_k: int = 5
    chunk_tokens: int = 400
    retriever: Retriever = "dense"

    def __post_init__(self) -> None:
        if self.top_k < 1 or self.chunk_tokens < 1:
            raise ValueError("top_k and chunk_tokens must be at least 1")

    def build(self, context: Context, bench: Bench) -> ChunkIndex:
        return bench.index(chunk_tokens=self.chunk_tokens)

    def answer(self, question: Question, state: ChunkIndex, bench: Bench) -> Answer:
        hits = state.search(question.text, self.top_k, self.retriever)
        hits = from_the_start(hits, state.chunks, self.top_k, bench)
        asked = render_question(question)
        room = room_for(ROUTE(chunks="", question=asked), bench, reply_tokens=bench.answer_tokens)

        kept, dropped = fitting_hits(hits, room, bench)
        routed = bench.reply(
            ROUTE(chunks=hits_text(kept, bench), question=asked), step="route", hits=kept, dropped_tokens=dropped
        )
        escalated = declines(routed.text)
        bench.note("escalated", escalated)
        return FullContext().answer(question, None, bench) if escalated else routed


def declines(reply: str) -> bool:
    """True when the reply's first sentence says, in its own words, that the text is not enough.

    >>> declines("Unanswerable."), declines('The law calls it "unanswerable" in part 3.'), declines("Bergen")
    (True, False, False)
    """
    own = _QUOTED.sub("", reply) if not _QUOTED.fullmatch(reply.strip().rstrip(".")) else reply
    first = next(iter(sentences(own.strip())), "")
    return re.search(rf"\b{REFUSAL}\b", first, re.I) is not None
