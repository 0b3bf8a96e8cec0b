"""Map-reduce: each part gives notes, the notes are merged until they fit one prompt, and one call answers from them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from workbench.method.fitting import folded, labelled, note_room, reduced, room_for
from workbench.method.prompts import ANSWER_RULE, Messages, Prompt, render_question
from workbench.method.protocol import Bench, MethodCard
from workbench.records import Answer, Context, Question
from workbench.text import says_only

NOTHING = "[NO INFORMATION]"
MAP = Prompt(
    "map_reduce.map",
    user="{chunk}\n\nThe text above is one part of a longer text. Write notes: copy out everything in it that helps "
    "to answer the question below, with the names, numbers and dates that belong to it. Do not answer the question. If "
    f"this part holds nothing of the kind, reply exactly: {NOTHING}\n\nQuestion: {{question}}\nNotes:",
    shared=("chunk",),
)
COLLAPSE = Prompt(
    "map_reduce.collapse",
    user="{notes}\n\nAbove are notes from several parts of a longer text. Merge them into one shorter set of "
    "notes: keep everything that helps to answer the question below, drop what does not, do not answer it. "
    f"If nothing helps, reply exactly: {NOTHING}\n\nQuestion: {{question}}\nNotes:",
)
REDUCE = Prompt("map_reduce.reduce", user=f"{{notes}}\n\n{ANSWER_RULE}\n\nQuestion: {{question}}\nAnswer:")


@dataclass(frozen=True)
class MapReduce:
    """Divide and conquer after LLM×MapReduce V1 (arXiv 2410.09342), with plain notes.

    n map calls read the parts in parallel. While the notes do not fit the last prompt, collapse calls merge them in
    greedy groups, in parallel within a level and in at most `levels` levels. One reduce call answers.

    Deviations:
    - notes are free text without confidence scores (`llm_map_reduce` has them);
    - a collapse or reduce prompt may fill the model's window (upstream: `chunk_tokens`);
    - a note is dropped when it is the no-information mark and nothing else (upstream: when it contains the mark);
    - when a collapse does not shrink the notes, or after `levels` levels, the longest are cut.

    What is dropped or cut is recorded. When all notes are dropped the reduce call reads nothing.
    """

    card: ClassVar[MethodCard] = MethodCard(
        title="Map-reduce",
        cost="n + Σ groups + 1 calls, 2 + levels in sequence",
        url="https://arxiv.org/abs/2410.09342",
        year=2024,
        stages="map (parallel) → collapse while over the window → reduce",
    )
    chunk_tokens: int = 4_096
    note_tokens: int = 300
    levels: int = 5

    def build(self, context: Context, bench: Bench) -> None:
        return None  # chunks depend on the question's length

    def answer(self, question: Question, state: None, bench: Bench) -> Answer:
        asked = render_question(question)
        window = reduced(self.chunk_tokens, bench.window, bench)
        frame = MAP(chunk="", question=asked)
        tokens = note_room(self.note_tokens, frame, bench, window=window)
        room = room_for(frame, bench, reply_tokens=tokens, window=window)
        between = room_for(COLLAPSE(notes="", question=asked), bench, reply_tokens=tokens)
        last = min(between, room_for(REDUCE(notes="", question=asked), bench, reply_tokens=bench.answer_tokens))
        prompts = [MAP(chunk=part.text, question=asked) for part in bench.split(room=room)]
        notes = self._ask(prompts, "map", tokens, bench)

        def merge(groups: list[list[str]]) -> list[str]:
            merging = [COLLAPSE(notes=labelled(group), question=asked) for group in groups]
            return self._ask(merging, "collapse", tokens, bench)

        notes = folded(notes, merge, bench, room=last, merge_room=between, levels=self.levels)
        return bench.reply(REDUCE(notes=labelled(notes), question=asked), step="reduce")

    def _ask(self, prompts: Sequence[Messages], step: str, tokens: int, bench: Bench) -> list[str]:
        """The replies without those that are empty or only the no-information mark."""
        notes = [reply.text.strip() for reply in bench.ask_many(prompts, step=step, max_tokens=tokens)]
        kept = [note for note in notes if note and not says_only(note, NOTHING)]
        if len(kept) < len(notes):
            bench.note("all_notes_empty" if not kept else "notes_empty", len(notes) - len(kept))
        return kept
