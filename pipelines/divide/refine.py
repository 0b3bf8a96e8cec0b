"""Refine: the first part gives an answer, and each further part may improve it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from workbench.method.fitting import cut, room_for
from workbench.method.prompts import ANSWER_RULE, REFUSAL, Prompt, refuses, render_question
from workbench.method.protocol import Bench, MethodCard
from workbench.records import Answer, Context, Question

FIRST = Prompt("refine.first", user=f"{{chunk}}\n\n{ANSWER_RULE}\n\nQuestion: {{question}}\nAnswer:", shared=("chunk",))
NEXT = Prompt(
    "refine.next",
    user="{chunk}\n\nEarlier parts of this longer text gave the answer: {answer}\nThe text above is its next part. If "
    "it corrects or completes that answer, reply with the better answer; if it does not help, repeat the earlier "
    f"answer unchanged.\n\n{ANSWER_RULE}\n\nQuestion: {{question}}\nAnswer:",
    shared=("chunk",),
)


@dataclass(frozen=True)
class Refine:
    """The "refine" loop of llama-index and LangChain (no paper; BooookScore, arXiv 2310.00785, calls the same loop
    incremental updating): one answer is carried through n parts. max(n, 1) calls, all in sequence.

    As in both libraries, a part fills the model's window by default.

    Deviations:
    - until a part has answered, the next one gets the first prompt, as a model shown "unanswerable" tends to repeat it;
    - a refusal or an empty reply never replaces an answer (upstream it does), recorded;
    - when no part answers, the answer is "unanswerable", recorded.
    """

    card: ClassVar[MethodCard] = MethodCard(
        title="Refine",
        cost="max(n, 1) calls, all in sequence",
        url="https://arxiv.org/abs/2310.00785",
        year=2023,
        stages="answer → refine → refine → …",
    )
    worker_window: int | None = None  # tokens of a prompt and its reply together; the model's window when None

    def build(self, context: Context, bench: Bench) -> None:
        return None  # parts depend on the question's length

    def answer(self, question: Question, state: None, bench: Bench) -> Answer:
        asked = render_question(question)
        tokens = bench.answer_tokens
        frame = NEXT(chunk="", answer="", question=asked)
        room = room_for(frame, bench, reply_tokens=2 * tokens, window=self.worker_window)  # the reply, the answer held
        parts = bench.split(room=room)
        if not parts:
            return bench.reply(FIRST(chunk="", question=asked), step="answer")
        held, refused = "", 0
        for part in parts:
            prompt = (
                NEXT(chunk=part.text, answer=cut(held, tokens, bench), question=asked)
                if held
                else FIRST(chunk=part.text, question=asked)
            )
            said = bench.ask(prompt, step="refine" if held else "answer").text.strip()
            if said and not refuses(said):
                held = said
            elif held:
                refused += 1
        if refused:
            bench.note("refusals_ignored", refused)
        if not held:
            bench.note("no_part_answers", len(parts))
        return Answer(held or REFUSAL)
