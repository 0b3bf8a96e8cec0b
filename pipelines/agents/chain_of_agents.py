"""Chain of Agents: workers read one chunk after the other and hand a note on; a manager answers from the last note."""

from __future__ import annotations

import random
from dataclasses import dataclass, replace
from typing import ClassVar, Literal

from workbench.method.fitting import cut, note_room, room_for
from workbench.method.prompts import ANSWER_RULE, REFUSAL, Prompt, render_question
from workbench.method.protocol import Bench, MethodCard
from workbench.records import Answer, Context, Question

WORKER = Prompt(
    "chain_of_agents.worker",
    user="{chunk}\n\nSummary of the text before this part:\n{note}\n\nThe question is:\nQuestion: {question}\n\nRead "
    "the part above together with the summary, and write one summary of both. Others will answer the question from it "
    "without seeing the text, so keep all evidence for it: names, numbers, dates, quotations. Do not answer.\nSummary:",
)
MANAGER = Prompt(
    "chain_of_agents.manager",
    user=f"The text was too long to be read at once and was summarised for you:\n\n{{note}}\n\n{ANSWER_RULE}\n\n"
    "Question: {question}\nAnswer:",
)


@dataclass(frozen=True)
class Chain:
    """How a context is cut for a chain of workers: the parts in document order, and the room of a note."""

    parts: tuple[str, ...]
    note_tokens: int

    def walk(self, asked: str, bench: Bench, *, temperature: float | None = None, sample: int = 0) -> str:
        """Workers read the parts in turn, each with the note of the one before; returns the last note."""
        note = ""  # CU_0 in Algorithm 1
        for part in self.parts:
            prompt = WORKER(chunk=part, note=note or "(nothing yet)", question=asked)
            said = bench.ask(prompt, step="worker", max_tokens=self.note_tokens, temperature=temperature, sample=sample)
            if not said.text.strip():
                bench.note("empty_note_kept_last", True)
            note = cut(said.text.strip(), self.note_tokens, bench) or note
        return note


def chain_for(asked: str, bench: Bench, *, worker_window: int, note_tokens: int) -> Chain:
    """The context cut to B = window − question − worker prompt − last note − reply. Raises ContextOverflow."""
    frame = WORKER(chunk="", note="(nothing yet)", question=asked)
    tokens = note_room(note_tokens, frame, bench, held=2, window=worker_window)
    room = room_for(frame, bench, reply_tokens=2 * tokens, window=worker_window)
    return Chain(tuple(part.text for part in bench.split(room=room)), tokens)


def manager_room(asked: str, bench: Bench) -> int:
    """Tokens of the note that the manager has room for. Raises ContextOverflow: asked before the first worker is."""
    return room_for(MANAGER(note="", question=asked), bench, reply_tokens=bench.answer_tokens)


def managed(note: str, asked: str, room: int, bench: Bench) -> Answer:
    """The manager's call, on a note cut to what it has room for."""
    return bench.reply(MANAGER(note=cut(note, room, bench), question=asked), step="manager")


@dataclass(frozen=True)
class ChainOfAgents:
    """Zhang et al., NeurIPS 2024, Algorithms 1 and 2: n workers in sequence, one manager; n + 1 calls.

    Sentences are packed into chunks of B = window − question − worker prompt tokens. The paper subtracts neither the
    previous note nor the reply; a prompt over the window would fail, so we subtract both (`note_tokens` twice). Each
    worker sees only the latest note; the manager sees the last note and no text. No official code is published. In a
    window below four notes, notes are shorter; an empty note leaves the last one in place. Both are noted. The task's
    requirement, the common answer rule, stands behind the manager's note, not before it; there is no form without a
    question. `order` is the paper's study of reading directions.
    """

    card: ClassVar[MethodCard] = MethodCard(
        title="Chain of Agents",
        cost="n + 1 calls, all in sequence (n without a manager)",
        url="https://arxiv.org/abs/2406.02818",
        year=2024,
        stages="worker → worker → … → manager",
    )
    worker_window: int = 8_192  # tokens of a worker's prompt and reply together
    note_tokens: int = 1_024
    order: Literal["left_to_right", "right_to_left", "permutation"] = "left_to_right"
    manager: bool = True  # False: the paper's ablation, the last worker's note is the answer

    def build(self, context: Context, bench: Bench) -> None:
        return None  # chunks depend on the question's length

    def answer(self, question: Question, state: None, bench: Bench) -> Answer:
        asked = render_question(question)
        chain = chain_for(asked, bench, worker_window=self.worker_window, note_tokens=self.note_tokens)
        if self.order == "right_to_left":
            chain = replace(chain, parts=chain.parts[::-1])
        elif self.order == "permutation":
            draw = random.Random(f"{bench.seed}:{question.question_id}")
            chain = replace(chain, parts=tuple(draw.sample(chain.parts, len(chain.parts))))
        if not self.manager:
            return Answer(chain.walk(asked, bench) or REFUSAL)
        room = manager_room(asked, bench)
        return managed(chain.walk(asked, bench), asked, room, bench)
