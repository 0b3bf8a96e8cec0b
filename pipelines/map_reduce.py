"""Map-reduce: every chunk is read in parallel, the extracts are collapsed until they fit, one call answers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from workbench.errors import ContextOverflow
from workbench.pipeline import ANSWER_RULE, Bench, MethodCard, Prompt, render_question
from workbench.records import Answer, Context, Question

NOTHING = "[NO INFORMATION]"
MAP = Prompt(
    "map_reduce.map",
    user="{chunk}\n\nThe text above is one part of a longer text. Write notes: copy out everything in it that helps "
    "to answer the question below, with the names, numbers and dates that belong to it. Do not answer the question. If "
    f"this part holds nothing of the kind, reply exactly: {NOTHING}\n\nQuestion: {{question}}\nNotes:",
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
    """Divide and conquer after LLM×MapReduce V1 (arXiv 2410.09342), in its plain form: free-text notes.

    n map calls in parallel, `collapse` levels while the notes exceed the window (greedy groups, parallel inside a
    level), one reduce call. Named deviations: no confidence scores (the structured protocol is a method of its own); a
    note is dropped when it *is* the no-information mark, not when it quotes it; with every note dropped the reduce call
    still runs, on nothing, and that is noted; a level that does not shrink ends the collapse and the longest notes are
    cut to fit, noted; after `levels` levels likewise.
    """

    card: ClassVar[MethodCard] = MethodCard(
        title="Map-reduce",
        family="divide",
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
        window = min(self.chunk_tokens, bench.window)
        room = window - bench.count(MAP(chunk="", question=asked)) - self.note_tokens
        if room < 1:
            raise ContextOverflow(bench.count(MAP(chunk="", question=asked)), self.note_tokens, window)
        prompts = [MAP(chunk=part.text, question=asked) for part in bench.split(room=room)]
        replies = bench.ask_many(prompts, step="map", max_tokens=self.note_tokens)
        notes = self._useful([reply.text for reply in replies], bench)
        notes = self._collapsed(notes, asked, bench)
        return bench.reply(REDUCE(notes=_labelled(notes), question=asked), step="reduce")

    def _useful(self, notes: Sequence[str], bench: Bench) -> list[str]:
        kept = [note.strip() for note in notes if note.strip() and note.strip().strip(".").upper() != NOTHING]
        if notes and not kept:
            bench.note("all_notes_empty", len(notes))
        return kept

    def _collapsed(self, notes: list[str], asked: str, bench: Bench) -> list[str]:
        room = bench.room(REDUCE(notes="", question=asked), reply_tokens=bench.answer_tokens)
        room = min(room, bench.room(COLLAPSE(notes="", question=asked), reply_tokens=self.note_tokens))
        for _ in range(self.levels):
            size = bench.count(_labelled(notes))
            if size <= room or len(notes) < 2:
                break
            prompts = [COLLAPSE(notes=_labelled(g), question=asked) for g in _groups(notes, room, bench)]
            replies = bench.ask_many(prompts, step="collapse", max_tokens=self.note_tokens)
            notes = self._useful([reply.text for reply in replies], bench)
            if bench.count(_labelled(notes)) >= size:
                break
        while notes and bench.count(_labelled(notes)) > room:
            longest = max(range(len(notes)), key=lambda i: len(notes[i]))
            bench.note("note_cut_characters", len(notes[longest]) - len(notes[longest]) // 2)
            notes = [n[: len(n) // 2] if i == longest else n for i, n in enumerate(notes)]
            notes = [n for n in notes if n]
        return notes


def _labelled(notes: Sequence[str]) -> str:
    """Notes under the numbers of their parts, from 1 after dropping (the repository numbers from 0)."""
    return "\n\n".join(f"Notes {number}:\n{note}" for number, note in enumerate(notes, 1))


def _groups(notes: Sequence[str], room: int, bench: Bench) -> list[list[str]]:
    """Consecutive notes packed greedily; a note longer than the room is cut to it."""
    groups: list[list[str]] = [[]]
    for note in notes:
        while bench.count(_labelled([note])) > room and len(note) > 1:
            note = note[: len(note) // 2]
        if groups[-1] and bench.count(_labelled([*groups[-1], note])) > room:
            groups.append([])
        groups[-1].append(note)
    return groups
