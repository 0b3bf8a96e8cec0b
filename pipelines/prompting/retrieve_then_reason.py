"""Retrieve, then reason: one call copies supporting facts from the context, a second answers from these facts alone."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

from pydantic import BaseModel, Field

from workbench.method.fitting import both_ends, merged, note_room, passages, room_for, shortened
from workbench.method.prompts import ANSWER_RULE, Prompt, render_documents, render_question
from workbench.method.protocol import Bench, MethodCard
from workbench.records import Answer, Chunk, Context, Hit, Question

RETRIEVE = Prompt(
    "retrieve_then_reason.retrieve",
    user="{context}\n\nFrom the text above, copy word for word every sentence that is needed to answer the question "
    "below, one fact each. Do not answer the question, and write nothing that does not stand in the text.\n\n"
    "Question: {question}\nNotes:",
    shared=("context",),
)
REASON = Prompt("retrieve_then_reason.reason", user=f"{{facts}}\n\n{ANSWER_RULE}\n\nQuestion: {{question}}\nAnswer:")


class Facts(BaseModel):
    """What was retrieved: sentences of the context."""

    facts: list[str] = Field(description="sentences copied from the text")


@dataclass(frozen=True)
class RetrieveThenReason:
    """ALR² (Li et al. 2024, arXiv 2410.03227; no repository) without its fine-tuning: the paper's baseline "RR
    prompting". 2 calls in sequence.

    A fact that does not stand in the context, apart from white space and case, is hallucinated. Their share is recorded
    (the paper: 61 % for prompting, 0.3 % after fine-tuning), and `hallucinated` decides: `keep` them, as the paper's
    baseline does, or `drop` them.

    Deviations:
    - the second call sees the facts and the question only, which is our reading of the paper;
    - over the window the middle of the context is left out and counted;
    - a reply with facts that cannot be parsed is taken as one fact, recorded;
    - without any fact the second call reads nothing, recorded.
    """

    card: ClassVar[MethodCard] = MethodCard(
        title="Retrieve then reason",
        cost="2 calls in sequence",
        url="https://arxiv.org/abs/2410.03227",
        year=2024,
        stages="copy facts from the whole context → reason over the facts",
    )
    facts_tokens: int = 1_024
    hallucinated: Literal["keep", "drop"] = "keep"

    def build(self, context: Context, bench: Bench) -> None:
        return None

    def answer(self, question: Question, state: None, bench: Bench) -> Answer:
        asked = render_question(question)
        last = room_for(REASON(facts="", question=asked), bench, reply_tokens=bench.answer_tokens)
        frame = RETRIEVE(context="", question=asked)
        tokens = note_room(self.facts_tokens, frame, bench, schema=Facts)
        room = room_for(frame, bench, reply_tokens=tokens, schema=Facts)

        def shown(chunks: Sequence[Chunk]) -> str:
            return render_documents(chunks, bench.context)

        kept, dropped = both_ends(passages(bench, min(256, room)), room, bench, shown)
        reply = bench.ask(
            RETRIEVE(context=shown(kept), question=asked), step="retrieve", max_tokens=tokens, schema=Facts
        )
        if isinstance(reply.parsed, Facts):
            facts = list(dict.fromkeys(fact.strip() for fact in reply.parsed.facts if fact.strip()))
        else:
            bench.note("facts_unparsable", True)
            facts = [reply.text.strip()]
        read = merged(kept)  # a fact may begin in one passage and end in the next
        places = [_place(fact, read) for fact in facts]
        if not facts:
            bench.note("no_facts", True)
        else:
            bench.note("hallucination_rate", places.count(None) / len(facts))
        if self.hallucinated == "drop":
            facts = [fact for fact, place in zip(facts, places, strict=True) if place]
        hits = [Hit(place, 0.0, rank) for rank, place in enumerate(dict.fromkeys(filter(None, places)), 1)]
        text = "\n".join(shortened(facts, last, bench, "\n".join))
        return bench.reply(REASON(facts=text, question=asked), step="reason", hits=hits, dropped_tokens=dropped)


def _place(fact: str, chunks: Sequence[Chunk]) -> Chunk | None:
    """The first span of the context that equals the fact, apart from white space and case; None without one."""
    words = [re.escape(word) for word in fact.split()]
    if not words:
        return None
    sought = re.compile(r"\s+".join(words), re.IGNORECASE)
    for chunk in chunks:
        found = sought.search(chunk.text)
        if found:
            return Chunk(chunk.document_id, chunk.start + found.start(), chunk.start + found.end(), found.group())
    return None
