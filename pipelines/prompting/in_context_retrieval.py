"""In-context retrieval: one call first copies or names the passages it needs, then answers."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import ClassVar, Literal

from workbench.method.fitting import both_ends, numbered, passages, reduced, room_for
from workbench.method.prompts import ANSWER_RULE, Prompt, render_question
from workbench.method.protocol import Bench, MethodCard
from workbench.records import Answer, Chunk, Context, Hit, Question
from workbench.retrieval.bounds import within

LEAD_IN = "Final answer:"
_FORM = {
    "restate": "First copy all passages that are needed for the answer, word for word",
    "cite": "First list the numbers of all passages that are needed for the answer, as in [3] [7]",
}
PROMPT = Prompt(
    "in_context_retrieval.read",
    user="{passages}\n\n{form}, between [RETRIEVAL] and [/RETRIEVAL]. Then write "
    f'"{LEAD_IN}" and the answer.\n\n{ANSWER_RULE}\n\nQuestion: {{question}}\nAnswer:',
    shared=("passages",),
)
_LEAD_IN = re.compile(re.escape(LEAD_IN), re.I)
_RETRIEVED = re.compile(r"\[RETRIEVAL\](.*?)(?:\[/RETRIEVAL\]|$)", re.S | re.I)


@dataclass(frozen=True)
class InContextRetrieval:
    """ICR² (Qiu et al., ACL Findings 2025, arXiv 2501.08248; apple/ml-icr2) without fine-tuning, as two ways of
    prompting: `restate` is the paper's retrieve-then-answer, `cite` its cite-context-id. 1 call.

    The hits are the passages that the reply names by number or copies as a whole.

    Deviations:
    - the prompt describes the form of the reply (the official prompts leave that to fine-tuning), and it ends in
      "Answer:", although the passages are asked for first;
    - passages are cut to about `passage_tokens` tokens and numbered from 1 (the paper: given ones, from 0);
    - over the window the middle of the context is left out and counted;
    - without "Final answer:" the rest of the reply is the answer, recorded (upstream counts it as wrong);
    - the temperature is the experiment's (the official one for API models: 0.7).
    """

    card: ClassVar[MethodCard] = MethodCard(
        title="In-context retrieval",
        cost="1 call",
        url="https://arxiv.org/abs/2501.08248",
        year=2025,
        stages="name or restate passages, then answer, in one reply",
    )
    form: Literal["restate", "cite"] = "restate"
    passage_tokens: int = 160
    retrieval_tokens: int = 1_024  # visible tokens of what `restate` copies; ≤ window / 4
    citation_tokens: int = 128  # visible tokens of the numbers that `cite` lists; ≤ window / 4

    def __post_init__(self) -> None:
        within("citation_tokens", self.citation_tokens, 1)

    def build(self, context: Context, bench: Bench) -> None:
        return None

    def answer(self, question: Question, state: None, bench: Bench) -> Answer:
        render = partial(PROMPT, form=_FORM[self.form], question=render_question(question))
        spare = min(self.retrieval_tokens if self.form == "restate" else self.citation_tokens, bench.window // 4)
        tokens = spare + bench.answer_tokens
        room = room_for(render(passages=""), bench, reply_tokens=tokens)
        whole = passages(bench, reduced(self.passage_tokens, room, bench, "passage_tokens"))

        def shown(chunks: Sequence[Chunk]) -> str:
            return numbered(chunks, bench)

        kept, dropped = both_ends(whole, room, bench, shown)
        reply = bench.ask(render(passages=shown(kept)), step="read", max_tokens=tokens)
        retrieved = _RETRIEVED.search(reply.text)
        *before, said = _LEAD_IN.split(reply.text)
        if not before:
            bench.note("no_lead_in", True)
            said = _RETRIEVED.sub("", reply.text)
        listed = retrieved.group(1) if retrieved else " ".join(before)
        named = _named(listed, kept, cited=self.form == "cite")
        bench.note("passages_named", len(named))
        hits = [Hit(chunk, 0.0, rank) for rank, chunk in enumerate(named, 1)]
        return Answer(said.strip(), hits=tuple(hits), dropped_tokens=dropped)


def _named(retrieved: str, chunks: Sequence[Chunk], *, cited: bool) -> list[Chunk]:
    """The passages whose number the reply gives or whose whole text it contains. Without `cited`, only "Passage 3" is a
    number of a passage, since a copied text may contain numbers of its own."""
    numbers = {int(number) for number in re.findall(r"\d{1,6}" if cited else r"Passage (\d{1,6})", retrieved)}
    flat = " ".join(retrieved.lower().split())
    return [
        chunk
        for number, chunk in enumerate(chunks, 1)
        if number in numbers or (chunk.text.strip() and " ".join(chunk.text.lower().split()) in flat)
    ]
