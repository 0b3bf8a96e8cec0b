"""Everything in the context: one call reads all documents, truncated in the middle when they do not fit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

from pipelines.bounds._truncation import in_spans, truncated_documents, truncated_text, whole_documents
from workbench.method.prompts import ANSWER_RULE, Prompt, render_documents, render_question
from workbench.method.protocol import Bench, MethodCard
from workbench.records import Answer, Chunk, Context, Hit, Question

# the benchmark's prompt, filled in: up to the end of the documents, and the rest
OWN = Prompt("full_context.own", user="{prompt}{rest}", shared=("prompt",))
READ = Prompt(
    "full_context.read",
    user=f"{{context}}\n\n{ANSWER_RULE}\n\nQuestion: {{question}}\nAnswer:",
    shared=("context",),
)


@dataclass(frozen=True)
class FullContext:
    """The long-context arm. Over the window, LongBench's rule (pred.py): the first and the last half of what fits are
    kept; LaRA and InfiniteBench cut in the middle too. Dropped tokens are recorded. A question that brings its
    benchmark's own prompt is asked by that prompt, which is cut as a whole, as in LongBench.

    Deviations:
    - our own prompt is cut in its documents only: without its question it would test nothing.
    """

    card: ClassVar[MethodCard] = MethodCard(
        title="Full context",
        cost="1 call",
        url="https://github.com/THUDM/LongBench",
        year=2023,
        stages="truncate if over the window → read",
    )
    truncate: Literal["middle", "right", "left", "never"] = "middle"

    def build(self, context: Context, bench: Bench) -> None:
        return None

    def answer(self, question: Question, state: None, bench: Bench) -> Answer:
        if question.prompt:
            return self._by_own_prompt(question, bench)
        asked = render_question(question)
        room = bench.room(READ(context="", question=asked), reply_tokens=bench.answer_tokens)
        kept = whole_documents(bench.context)
        text = render_documents(kept, bench.context)
        dropped = 0
        if (tokens := bench.count(text)) > room and self.truncate != "never":
            kept = truncated_documents(kept, max(0, room), self.truncate, bench)
            text = render_documents(kept, bench.context)
            dropped = tokens - bench.count(text)
        return bench.reply(READ(context=text, question=asked), step="read", hits=_hits(kept), dropped_tokens=dropped)

    def _by_own_prompt(self, question: Question, bench: Bench) -> Answer:
        """One call with the benchmark's prompt, the documents in it, cut as one string when it does not fit. Documents
        are cut as titled chunks and shrink by other steps: one loop for both would keep other tokens than earlier runs.
        """
        documents = whole_documents(bench.context)
        before, _, after = question.prompt.partition("{context}")
        prompt = before + render_documents(documents, bench.context) + after
        room = bench.room(OWN(prompt="", rest=""), reply_tokens=bench.answer_tokens)
        head, tail = len(prompt), len(prompt)  # from where to where the prompt is left out
        if self.truncate != "never":
            head, tail = truncated_text(prompt, max(0, room), self.truncate, bench)
        shown = prompt[:head] + prompt[tail:]
        kept = in_spans(documents, len(before), ((0, head), (tail, len(prompt))), bench.context)
        dropped = bench.count(prompt) - bench.count(shown)
        filled = OWN(prompt=shown[: len(shown) - len(after)], rest=shown[len(shown) - len(after) :])
        return bench.reply(filled, step="read", hits=_hits(kept), dropped_tokens=dropped)


def _hits(chunks: Sequence[Chunk]) -> list[Hit]:
    return [Hit(chunk, 0.0, rank) for rank, chunk in enumerate(chunks, 1)]
