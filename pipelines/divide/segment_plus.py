"""SEGMENT+: each segment gives a note of evidence and reasoning; notes are filtered, merged until they fit, and
read."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import ClassVar, Literal

from pydantic import BaseModel

from workbench.method.fitting import cut, folded, labelled, note_number, note_room, reduced, room_for, unparsable
from workbench.method.prompts import ANSWER_RULE, Messages, Prompt, render_question
from workbench.method.protocol import Bench, MethodCard
from workbench.records import Answer, Context, Question, Reply
from workbench.retrieval.bounds import within

GATHER = Prompt(
    "segment_plus.gather",
    user="{chunk}\n\nThe text above is one segment of a longer text. Write a note on it for the question below: the "
    "sentences of the segment that bear on the question, copied (evidence), and what they suggest about the answer, "
    "also where they only hint at it (reasoning). Do not answer the question.\n\nQuestion: {question}\nNotes:",
    shared=("chunk",),
)
FILTER = Prompt(
    "segment_plus.filter",
    user="{note}\n\nAbove is a note on one segment of a longer text. Is it of use for the question below? Label it "
    "keep or remove.\n\nQuestion: {question}\nReply:",
)
MERGE = Prompt(
    "segment_plus.merge",
    user="{notes}\n\nAbove are notes on consecutive segments of a longer text. Merge them into one note: all evidence "
    "that bears on the question below, and one reasoning over it. Do not answer the question.\n\n"
    "Question: {question}\nNotes:",
)
READ = Prompt("segment_plus.read", user=f"{{notes}}\n\n{ANSWER_RULE}\n\nQuestion: {{question}}\nAnswer:")


class Note(BaseModel):
    """What is known from a segment: sentences of the text, and what is concluded from them."""

    evidence: str
    reasoning: str


class Label(BaseModel):
    """The filter's verdict on a note."""

    label: Literal["keep", "remove"]


@dataclass(frozen=True)
class SegmentPlus:
    """Shi et al., EMNLP 2024 (arXiv 2410.06519): 2n + Σ groups + 1 calls, 3 + levels in sequence.

    One call per segment gathers a note, and one call per note decides whether to keep it; both run in parallel. Kept
    notes are merged in order while they do not fit one prompt, and one call answers from them. Segments of 3,000
    tokens, the paper's best.

    Where the paper is silent, our choices:
    - all prompts, since the official repository (WeiShi-9/segmentplus) is empty;
    - the filter judges each note in a call of its own;
    - a note that cannot be parsed is kept as raw text, recorded;
    - a label that cannot be parsed counts by its first "keep" or "remove", and as keep without either, recorded;
    - when all notes are removed, all are read, recorded;
    - when a merge does not shrink the notes, or after `levels` levels, the longest are cut, recorded.
    """

    card: ClassVar[MethodCard] = MethodCard(
        title="SEGMENT+",
        cost="2n + Σ groups + 1 calls, 3 + levels in sequence",
        url="https://arxiv.org/abs/2410.06519",
        year=2024,
        stages="gather (parallel) → filter (parallel) → merge while over the window → read",
    )
    segment_tokens: int = 3_000
    note_tokens: int = 512
    label_tokens: int = 64  # visible tokens of the filter's verdict on a note
    levels: int = 5

    def __post_init__(self) -> None:
        within("label_tokens", self.label_tokens, 1)

    def build(self, context: Context, bench: Bench) -> None:
        return None  # segments depend on the question's length

    def answer(self, question: Question, state: None, bench: Bench) -> Answer:
        asked = render_question(question)
        frame = GATHER(chunk="", question=asked)
        tokens = note_room(self.note_tokens, frame, bench, schema=Note)
        room = room_for(frame, bench, reply_tokens=tokens, schema=Note)
        last = room_for(READ(notes="", question=asked), bench, reply_tokens=bench.answer_tokens)
        between = room_for(MERGE(notes="", question=asked), bench, reply_tokens=tokens, schema=Note)
        filtering = room_for(FILTER(note="", question=asked), bench, reply_tokens=self.label_tokens, schema=Label)
        segments = bench.split(room=reduced(self.segment_tokens, room, bench, "segment_tokens"))
        gathered = self._notes([GATHER(chunk=s.text, question=asked) for s in segments], "gather", tokens, bench)
        kept = self._kept(gathered, filtering, asked, bench)

        def merge(groups: list[list[str]]) -> list[str]:
            return self._notes([MERGE(notes=labelled(g), question=asked) for g in groups], "merge", tokens, bench)

        notes = folded(kept, merge, bench, room=last, merge_room=between, levels=self.levels)
        return bench.reply(READ(notes=labelled(notes), question=asked), step="read")

    def _notes(self, prompts: list[Messages], step: str, tokens: int, bench: Bench) -> list[str]:
        replies = bench.ask_many(prompts, step=step, max_tokens=tokens, schema=Note)
        note_number(f"{step}_unparsable", unparsable(replies), bench)
        return [_rendered(reply) for reply in replies]

    def _kept(self, notes: list[str], room: int, asked: str, bench: Bench) -> list[str]:
        prompts = [FILTER(note=cut(note, room, bench), question=asked) for note in notes]
        replies = bench.ask_many(prompts, step="filter", max_tokens=self.label_tokens, schema=Label)
        kept = [note for note, reply in zip(notes, replies, strict=True) if _keeps(reply)]
        note_number("filter_unparsable", unparsable(replies), bench)
        if notes and not kept:
            bench.note("all_notes_removed", len(notes))
            return notes
        return kept


def _keeps(reply: Reply) -> bool:
    """The filter's verdict. Of a reply that could not be parsed, the first "keep" or "remove" in it; without either,
    keep."""
    if isinstance(reply.parsed, Label):
        return reply.parsed.label == "keep"
    word = re.search(r"\b(keep|remove)\b", reply.text, re.I)
    return word is None or word.group().lower() == "keep"


def _rendered(reply: Reply) -> str:
    if isinstance(reply.parsed, Note):
        return f"Evidence: {reply.parsed.evidence.strip()}\nReasoning: {reply.parsed.reasoning.strip()}"
    return reply.text.strip()
