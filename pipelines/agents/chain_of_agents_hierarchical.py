"""Chain of Agents, hierarchical: workers judge and summarise their own parts in parallel, and a manager reads all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from pydantic import BaseModel

from pipelines.agents.chain_of_agents import MANAGER
from workbench.method.fitting import cut, labelled, note_number, note_room, room_for, shortened, unparsable
from workbench.method.prompts import Prompt, render_question
from workbench.method.protocol import Bench, MethodCard
from workbench.records import Answer, Context, Question, Reply

WORKER = Prompt(
    "chain_of_agents_hierarchical.worker",
    user="{chunk}\n\nThe text above is one part of a longer text. Say whether it holds anything that helps to answer "
    "the question below (useful); if it does, write a summary that keeps all evidence for it: names, numbers, "
    "dates, quotations (summary). Others will answer from it without seeing the text. Do not answer.\n\n"
    "Question: {question}\nSummary:",
    shared=("chunk",),
)


class Judged(BaseModel):
    """A worker's verdict on its part, and its communication unit."""

    useful: bool
    summary: str


@dataclass(frozen=True)
class ChainOfAgentsHierarchical:
    """Zhang et al., NeurIPS 2024 (arXiv 2406.02818), the baseline "Hierarchical": n parallel workers judge whether
    their part is useful and summarise it if so; one manager reads all summaries that are kept. n + 1 calls, 2 in
    sequence.

    Where the paper is silent, our choices:
    - the prompts, which are unpublished: a worker judges and summarises in one structured call;
    - a worker's reply that cannot be parsed is kept as a summary, recorded;
    - when no part is useful the manager reads nothing, recorded;
    - summaries that do not fit the manager's window are cut, the longest first, recorded.
    """

    card: ClassVar[MethodCard] = MethodCard(
        title="Chain of Agents: hierarchical",
        cost="n + 1 calls, 2 in sequence",
        url="https://arxiv.org/abs/2406.02818",
        year=2024,
        stages="workers judge and summarise (parallel) → manager",
    )
    worker_window: int = 8_192  # tokens of a worker's prompt and reply together
    note_tokens: int = 1_024

    def build(self, context: Context, bench: Bench) -> None:
        return None  # parts depend on the question's length

    def answer(self, question: Question, state: None, bench: Bench) -> Answer:
        asked = render_question(question)
        last = room_for(MANAGER(note="", question=asked), bench, reply_tokens=bench.answer_tokens)
        frame = WORKER(chunk="", question=asked)
        tokens = note_room(self.note_tokens, frame, bench, window=self.worker_window, schema=Judged)
        room = room_for(frame, bench, reply_tokens=tokens, window=self.worker_window, schema=Judged)
        prompts = [WORKER(chunk=part.text, question=asked) for part in bench.split(room=room)]
        replies = bench.ask_many(prompts, step="worker", max_tokens=tokens, schema=Judged)
        notes = [cut(note, tokens, bench) for note in map(_useful, replies) if note]
        note_number("worker_unparsable", unparsable(replies), bench)
        bench.note("useful_parts", f"{len(notes)} of {len(replies)}")
        read = _summaries(shortened(notes, last, bench, _summaries))
        return bench.reply(MANAGER(note=read, question=asked), step="manager")


def _summaries(notes: Sequence[str]) -> str:
    return labelled(notes, "Summary")


def _useful(reply: Reply) -> str:
    if isinstance(reply.parsed, Judged):
        return reply.parsed.summary.strip() if reply.parsed.useful else ""
    return reply.text.strip()
