"""LLM×MapReduce: each part gives a structured note with a confidence; notes are merged until they fit, then answered
from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from pydantic import BaseModel, Field

from workbench.method.fitting import folded, labelled, note_number, note_room, reduced, room_for, unparsable
from workbench.method.prompts import ANSWER_RULE, Messages, Prompt, render_question
from workbench.method.protocol import Bench, MethodCard
from workbench.records import Answer, Context, Question, Reply
from workbench.text import says_only

NOTHING = "[NO INFORMATION]"
CALIBRATION = (
    'How confidence is scored, from 0 to 5, on the text "Ada moved to Oslo in 1931 and opened a bakery there.": "Ada '
    'moved to Oslo" 5, it is stated. "Ada lived in Oslo in 1932" 3.5, it very likely follows. "Ada could bake" and '
    '"Ada sold bread" 3, they probably follow. "Oslo has a harbour" 0, the text does not say so, even if it is true. '
    '"Ada was a sailor" 0, nothing speaks for it.'
)
MAP = Prompt(
    "llm_map_reduce.map",
    user="{chunk}\n\nThe text above is only one part of a longer text; other parts are read by others. For the "
    "question below, extract the information of this part that bears on it (extracted_information), explain what "
    "follows from it (rationale), answer as far as this part allows (answer), and score how well this part supports "
    f"the answer (confidence). If this part holds nothing of use, the answer is exactly {NOTHING}\n\n{CALIBRATION}\n\n"
    "Question: {question}\nNotes:",
    shared=("chunk",),
)
COLLAPSE = Prompt(
    "llm_map_reduce.collapse",
    user="{notes}\n\nAbove are notes from several parts of a longer text. Merge them into one note with the same "
    "fields: integrate what they say, prefer what has more confidence where they contradict each other, and score "
    f"the result anew. If nothing is of use, the answer is exactly {NOTHING}\n\n{CALIBRATION}\n\n"
    "Question: {question}\nNotes:",
)
REDUCE = Prompt(
    "llm_map_reduce.reduce",
    user="{notes}\n\nAbove are notes from several parts of a longer text, each with a confidence from 0 to 5. Weigh "
    "them by their confidence; where they contradict each other, trust the higher one.\n\n"
    f"{CALIBRATION}\n\n{ANSWER_RULE}\n\n"
    "Question: {question}\nAnswer:",
)


class Note(BaseModel):
    """The structured information protocol: what each stage hands to the next."""

    extracted_information: str
    rationale: str
    answer: str
    confidence: float = Field(ge=0, le=5)


@dataclass(frozen=True)
class LlmMapReduce:
    """LLM×MapReduce V1 (Zhou et al., ACL 2025, arXiv 2410.09342; thunlp/LLMxMapReduce, Apache-2.0), its `qa`
    configuration.

    n map calls read the parts in parallel. While the notes do not fit one prompt, collapse calls merge them in groups,
    in at most `levels` levels. One reduce call answers, weighing the notes by their confidence. Defaults are the
    repository's: 4,096 tokens for a prompt and its reply, 300 of them for the reply.

    Deviations:
    - parts are whole sentences (upstream: lines, with the last two parts evened out);
    - a map or collapse reply ends at `note_tokens` (upstream keeps 300 tokens free, but sets no limit);
    - notes are JSON, not headed paragraphs; a reply that cannot be parsed is kept as raw text, without a confidence;
    - a note is dropped when its answer is only the no-information mark (upstream: when any field contains the mark);
    - the reduce call gives the answer alone (upstream: a rationale first);
    - when a collapse does not shrink the notes, or after `levels` levels, the longest are cut (upstream: no end);
    - budgets count the question and the headers;
    - the temperature is the experiment's (the paper: 0.7).

    What is dropped, cut or kept raw is recorded. When all notes are dropped the reduce call reads nothing, as upstream.
    """

    card: ClassVar[MethodCard] = MethodCard(
        title="LLM×MapReduce",
        cost="n + Σ groups + 1 calls, 2 + levels in sequence",
        url="https://arxiv.org/abs/2410.09342",
        year=2024,
        stages="map (parallel, structured) → collapse while over the window → reduce by confidence",
    )
    chunk_tokens: int = 4_096
    note_tokens: int = 300
    levels: int = 5

    def build(self, context: Context, bench: Bench) -> None:
        return None  # parts depend on the question's length

    def answer(self, question: Question, state: None, bench: Bench) -> Answer:
        asked = render_question(question)
        window = reduced(self.chunk_tokens, bench.window, bench)
        frame = MAP(chunk="", question=asked)
        tokens = note_room(self.note_tokens, frame, bench, window=window, schema=Note)
        room = room_for(frame, bench, reply_tokens=tokens, window=window, schema=Note)
        between = room_for(COLLAPSE(notes="", question=asked), bench, reply_tokens=tokens, window=window, schema=Note)
        last = min(between, room_for(REDUCE(notes="", question=asked), bench, reply_tokens=bench.answer_tokens))
        prompts = [MAP(chunk=part.text, question=asked) for part in bench.split(room=room)]
        notes = self._ask(prompts, "map", tokens, bench)

        def merge(groups: list[list[str]]) -> list[str]:
            merging = [COLLAPSE(notes=labelled(group), question=asked) for group in groups]
            return self._ask(merging, "collapse", tokens, bench)

        notes = folded(notes, merge, bench, room=last, merge_room=between, levels=self.levels)
        return bench.reply(REDUCE(notes=labelled(notes), question=asked), step="reduce")

    def _ask(self, prompts: Sequence[Messages], step: str, tokens: int, bench: Bench) -> list[str]:
        replies = bench.ask_many(prompts, step=step, max_tokens=tokens, schema=Note)
        notes = [_rendered(reply) for reply in replies]
        note_number(f"{step}_unparsable", unparsable(replies), bench)
        kept = [note for note in notes if note]
        if len(kept) < len(notes):
            bench.note("all_notes_empty" if not kept else "notes_empty", len(notes) - len(kept))
        return kept


def _rendered(reply: Reply) -> str:
    """A note as later prompts show it; empty when the note says nothing, or says that there is nothing."""
    note = reply.parsed
    if not isinstance(note, Note):
        return "" if says_only(reply.text, NOTHING) else reply.text.strip()
    if says_only(note.answer, NOTHING) or not (note.extracted_information + note.answer).strip():
        return ""
    return (
        f"Extracted information: {note.extracted_information.strip()}\nRationale: {note.rationale.strip()}\n"
        f"Answer: {note.answer.strip()}\nConfidence: {note.confidence:g} of 5"
    )
