"""Control: the question alone, without any text."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from workbench.method.prompts import Prompt, render_question
from workbench.method.protocol import Bench, MethodCard
from workbench.records import Answer, Context, Question

ASK = Prompt(
    "closed_book.ask",
    user="Answer the question from what you know, as briefly as possible: only the name, number, date, list or phrase "
    "that is asked for. If you do not know, reply with the single word: unanswerable\n\nQuestion: {question}\nAnswer:",
)


@dataclass(frozen=True)
class ClosedBook:
    """No context at all: shows what the model already knows, and so how much of the corpus may have been in its
    training data."""

    card: ClassVar[MethodCard] = MethodCard(title="Closed book (control)", cost="1 call", stages="ask")

    def build(self, context: Context, bench: Bench) -> None:
        return None

    def answer(self, question: Question, state: None, bench: Bench) -> Answer:
        return bench.reply(ASK(question=render_question(question)), step="ask")
