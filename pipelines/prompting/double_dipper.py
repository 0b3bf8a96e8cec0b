"""DoubleDipper: few-shot examples are made from passages of the context, which the last prompt shows once."""

from __future__ import annotations

import random
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import ClassVar

from pydantic import BaseModel

from workbench.method.fitting import both_ends, cut, numbered, passages, reduced, room_for
from workbench.method.prompts import ANSWER_RULE, Prompt, render_question
from workbench.method.protocol import Bench, MethodCard
from workbench.records import Answer, Chunk, Context, Hit, Question
from workbench.retrieval.bounds import within
from workbench.text import sentence_spans

GENERATE = Prompt(
    "double_dipper.generate",
    user="{passage}\n\nWrite one question that can be answered from the passage above alone, and its answer, as short "
    "as possible.\nReply:",
)
READ = Prompt(
    "double_dipper.read",
    user="{passages}\n\nAnswer questions about the text above. Reply with the numbers of the passages that hold the "
    f"evidence, as in Evidence: [2], then Answer: and the answer.\n\n{ANSWER_RULE}\n\n"
    "{examples}Question: {question}\nAnswer:",
    shared=("passages",),
)
_NEXT_QUESTION = re.compile(r"\n\s*question\s*:", re.I)
_ANSWER = re.compile(r"\banswer\s*:", re.I)


class Example(BaseModel):
    """A question made from a passage, with its answer."""

    question: str
    answer: str


@dataclass(frozen=True)
class DoubleDipper:
    """Cattan et al. 2024, "Can Few-shot Work in Long-Context? Recycling the Context" (arXiv 2406.13632; no repository).

    k passages are drawn (seeded), and one call for each, in parallel, writes a question and its answer. The last call
    sees the context once, the examples with the numbers of their passages as evidence, and the question: k + 1 calls, 2
    in sequence. `examples: 3` is the paper's; 0 is its zero-shot baseline with evidence.

    Deviations:
    - the last prompt has its instruction after the passages (the paper: before) and ends in "Answer:", although the
      numbers of the evidence are asked for first;
    - passages are whole sentences up to `passage_tokens` (the paper: paragraphs as given);
    - an example is made from a passage without the title of its document;
    - over the window the middle of the context is left out and counted;
    - an unreadable example is replaced by one from another passage, at most twice, else left out; both are recorded.
    """

    card: ClassVar[MethodCard] = MethodCard(
        title="Recycled few-shot (DoubleDipper)",
        cost="k + 1 calls, 2 in sequence (at most 3k + 1 and 4, where examples are made again)",
        url="https://arxiv.org/abs/2406.13632",
        year=2024,
        stages="make examples from passages (parallel) → read context, examples and question",
    )
    examples: int = 3
    passage_tokens: int = 160
    example_tokens: int = 128  # visible tokens of an example; in the last prompt all together have as many for each
    evidence_tokens: int = 32  # visible tokens of the evidence that the last reply names before its answer

    def __post_init__(self) -> None:
        if self.examples < 0:
            raise ValueError("examples must be 0 or more")
        within("example_tokens", self.example_tokens, 1)
        within("evidence_tokens", self.evidence_tokens, 1)

    def build(self, context: Context, bench: Bench) -> None:
        return None

    def answer(self, question: Question, state: None, bench: Bench) -> Answer:
        asked = render_question(question)
        tokens = bench.answer_tokens + self.evidence_tokens
        frame = READ(passages="", examples="", question=asked)
        budget = min(self.example_tokens * self.examples, room_for(frame, bench, reply_tokens=tokens) // 2)
        room = room_for(frame, bench, reply_tokens=tokens + budget)
        shown = partial(_shown, bench=bench)
        kept, dropped = both_ends(
            passages(bench, reduced(self.passage_tokens, room, bench, "passage_tokens")), room, bench, shown
        )
        shots = "".join(self._examples(kept, question, bench))
        prompt = READ(passages=shown(kept), examples=cut(shots, budget, bench), question=asked)
        reply = bench.ask(prompt, step="read", max_tokens=tokens)
        parts = _ANSWER.split(reply.text)
        cited = {int(number) for number in re.findall(r"\d{1,6}", parts[0])} if len(parts) > 1 else set()
        hits = [Hit(chunk, 0.0, rank) for rank, chunk in enumerate(kept, 1)]
        citations = tuple(chunk for number, chunk in enumerate(kept, 1) if number in cited)
        # a model that goes on with the pattern writes further questions: the first answer is the one to this question
        said = _NEXT_QUESTION.split(parts[min(1, len(parts) - 1)])[0].strip()
        return Answer(said, hits=tuple(hits), citations=citations, dropped_tokens=dropped)

    def _examples(self, kept: Sequence[Chunk], question: Question, bench: Bench) -> list[str]:
        """The examples as text. One that could not be parsed is replaced by one from another passage."""
        usable = [i for i, chunk in enumerate(kept) if sum(1 for _ in sentence_spans(chunk.text)) > 1]
        random.Random(f"{bench.seed}:{question.question_id}").shuffle(usable)
        room = room_for(GENERATE(passage=""), bench, reply_tokens=self.example_tokens, schema=Example)
        made: list[str] = []
        for _ in range(3):  # the first draw, and two more for what could not be used
            drawn, usable = usable[: self.examples - len(made)], usable[self.examples - len(made) :]
            prompts = [GENERATE(passage=cut(kept[i].text, room, bench)) for i in drawn]
            replies = bench.ask_many(prompts, step="generate", max_tokens=self.example_tokens, schema=Example)
            for i, reply in zip(drawn, replies, strict=True):
                if isinstance(reply.parsed, Example) and reply.parsed.question.strip():
                    asked, said = reply.parsed.question.strip(), reply.parsed.answer.strip()
                    made.append(f"Question: {asked}\nEvidence: [{i + 1}]\nAnswer: {said}\n\n")
                else:
                    bench.note("example_unparsable", i + 1)
            if len(made) >= self.examples:
                break
        if len(made) < self.examples:
            bench.note("examples_missing", self.examples - len(made))
        return made


def _shown(chunks: Sequence[Chunk], bench: Bench) -> str:
    return numbered(chunks, bench)
