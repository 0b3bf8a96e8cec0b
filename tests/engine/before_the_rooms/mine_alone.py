"""A third party's method, written against `workbench.pipeline` as it was before the rooms were named."""

from dataclasses import dataclass
from typing import ClassVar

from workbench.pipeline import ANSWER_RULE, MethodCard, Prompt, render_question

ASK = Prompt("mine_alone.ask", user="{text}\n\n{rule}\n\nQuestion: {question}\nAnswer:")


@dataclass(frozen=True)
class MineAlone:
    """Reads the first characters."""

    characters: int = 2_000
    card: ClassVar[MethodCard] = MethodCard(title="Mine", family="full", cost="1 call", stages="ask")

    def build(self, context, bench):
        return context.documents[0].text[: self.characters]

    def answer(self, question, state, bench):
        return bench.reply(ASK(text=state, rule=ANSWER_RULE, question=render_question(question)), step="ask")
