"""Chain of Agents: workers read one chunk after the other and hand a note on; a manager answers from the last note."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from workbench.errors import ContextOverflow
from workbench.pipeline import ANSWER_RULE, Bench, MethodCard, Prompt, render_question
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
class ChainOfAgents:
    """Zhang et al., NeurIPS 2024, Algorithms 1 and 2: n workers in sequence, one manager; n + 1 calls.

    Sentences are packed into chunks of B = window − question − worker prompt tokens. The paper subtracts neither the
    previous note nor the reply; a prompt over the window would fail, so we subtract both (`note_tokens` twice). Each
    worker sees only the latest note; the manager sees the last note and no text. No official code is published.
    """

    card: ClassVar[MethodCard] = MethodCard(
        title="Chain of Agents",
        family="agents",
        cost="n + 1 calls, all in sequence",
        url="https://arxiv.org/abs/2406.02818",
        year=2024,
        stages="worker → worker → … → manager",
    )
    worker_window: int = 8_192  # tokens of a worker's prompt and reply together
    note_tokens: int = 1_024

    def build(self, context: Context, bench: Bench) -> None:
        return None  # chunks depend on the question's length

    def answer(self, question: Question, state: None, bench: Bench) -> Answer:
        asked = render_question(question)
        window = min(self.worker_window, bench.window)
        frame = bench.count(WORKER(chunk="", note="", question=asked))
        room = window - frame - 2 * self.note_tokens
        if room < 1:
            raise ContextOverflow(frame + self.note_tokens, self.note_tokens, window)
        note = ""  # CU_0 in Algorithm 1
        for part in bench.split(room=room):
            prompt = WORKER(chunk=part.text, note=note or "(nothing yet)", question=asked)
            note = bench.ask(prompt, step="worker", max_tokens=self.note_tokens).text.strip()
        return bench.reply(MANAGER(note=note, question=asked), step="manager")
