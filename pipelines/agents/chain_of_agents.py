"""Chain of Agents: workers read the chunks in turn and pass on a note; a manager answers from the last note."""

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
    shared=("chunk",),
)
MANAGER = Prompt(
    "chain_of_agents.manager",
    user=f"The text was too long to be read at once and was summarised for you:\n\n{{note}}\n\n{ANSWER_RULE}\n\n"
    "Question: {question}\nAnswer:",
)


@dataclass(frozen=True)
class Chain:
    """A context cut for a chain of workers: its parts in document order, and the most tokens that a note may have."""

    parts: tuple[str, ...]
    note_tokens: int

    def walk(self, asked: str, bench: Bench, *, temperature: float | None = None, sample: int = 0) -> str:
        """Let the workers read the parts in turn, each with the note of the one before. Returns the last note."""
        note = ""  # CU_0 in Algorithm 1
        for part in self.parts:
            prompt = WORKER(chunk=part, note=note or "(nothing yet)", question=asked)
            said = bench.ask(prompt, step="worker", max_tokens=self.note_tokens, temperature=temperature, sample=sample)
            if not said.text.strip():
                bench.note("empty_note_kept_last", True)
            note = cut(said.text.strip(), self.note_tokens, bench) or note
        return note


def chain_for(asked: str, bench: Bench, *, worker_window: int, note_tokens: int) -> Chain:
    """The context cut to parts of window − question − worker prompt − last note − reply. Raises ContextOverflow."""
    frame = WORKER(chunk="", note="(nothing yet)", question=asked)
    tokens = note_room(note_tokens, frame, bench, held=2, window=worker_window)
    room = room_for(frame, bench, reply_tokens=2 * tokens, window=worker_window)
    return Chain(tuple(part.text for part in bench.split(room=room)), tokens)


def manager_room(asked: str, bench: Bench) -> int:
    """Tokens of the note that fit the manager's prompt. Raises ContextOverflow, so it is called before the first
    worker."""
    return room_for(MANAGER(note="", question=asked), bench, reply_tokens=bench.answer_tokens)


def managed(note: str, asked: str, room: int, bench: Bench) -> Answer:
    """The manager's call, over a note cut to `room` tokens."""
    return bench.reply(MANAGER(note=cut(note, room, bench), question=asked), step="manager")


@dataclass(frozen=True)
class ChainOfAgents:
    """Zhang et al., NeurIPS 2024 (arXiv 2406.02818), Algorithms 1 and 2; no official code. n workers in sequence, then
    one manager: n + 1 calls.

    Each worker sees its chunk, the question and only the latest note; the manager sees the last note and no text.
    Chunks are whole sentences. `order` offers the reading directions that the paper compares.

    Deviations:
    - the worker's prompt says "Do not answer" (the paper's does not);
    - without `manager` the answer is the last worker's note (in the paper's ablation that worker answers);
    - the task's requirement, which is the answer rule of all methods, stands after the manager's note, not before it;
    - a chunk also leaves room for the last note and the reply (the paper: for neither, so a prompt could pass the
      window);
    - notes are shorter when the worker's window has no room for four of them, recorded;
    - an empty note leaves the last one in place, recorded;
    - there is no form without a question.
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
    manager: bool = True  # False: the last worker's note is the answer

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
