"""Structurisation: the text is arranged as a tree of scope, aspects and its own sentences, and read in that form."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from pydantic import BaseModel, Field

from workbench.method.fitting import cut, note_room, reduced, room_for
from workbench.method.prompts import ANSWER_RULE, Prompt, render_question
from workbench.method.protocol import Bench, MethodCard
from workbench.records import Answer, Context, Question
from workbench.text import sentences

OUTLINE = Prompt(
    "structurise.outline",
    user="{numbered}\n\nThe text above has numbered sentences. Describe its structure: what it is about, as a noun "
    "phrase (scope), and its aspects in order, each with a short title and the numbers of its first and last sentence. "
    "Aspects do not overlap, and together they cover all sentences.\nReply:",
)
READ = Prompt("structurise.read", user=f"{{text}}\n\n{ANSWER_RULE}\n\nQuestion: {{question}}\nAnswer:")


class Aspect(BaseModel):
    """A titled range of sentences."""

    title: str
    first: int = Field(ge=0)
    last: int = Field(ge=0)


class Outline(BaseModel):
    """The structure of one part."""

    scope: str
    aspects: list[Aspect]


@dataclass(frozen=True)
class Structurise:
    """StruXGPT (Liu et al. 2024, arXiv 2407.16434; alibaba/struxgpt, MIT) in the form of its second version, with any
    model instead of the distilled one: an outline names ranges of sentences, so that every word is the source's.

    Index stage: one outline per part, in parallel, the same for all questions. Query stage: one call reads all parts,
    each rendered as its scope, its aspects and their sentences.

    Deviations:
    - each part keeps a scope of its own (upstream merges the parts of a document under one);
    - aspects have one level (upstream: several);
    - parts of 2,048 tokens (upstream: 1,024);
    - a sentence that two aspects claim stays with the first; one that none claims is kept under "Other", recorded;
    - a part without a usable outline is read as it was, recorded;
    - over the window the ends of parts that are longer than an equal share are cut, recorded;
    - outlines are JSON (upstream: YAML).
    """

    card: ClassVar[MethodCard] = MethodCard(
        title="Structurisation",
        cost="index: n (parallel); query: 1 call",
        url="https://arxiv.org/abs/2407.16434",
        year=2024,
        stages="index: outline every part (parallel) | read the structured text",
    )
    part_tokens: int = 2_048
    outline_tokens: int = 512

    def build(self, context: Context, bench: Bench) -> tuple[str, ...]:
        frame = OUTLINE(numbered="")
        tokens = note_room(self.outline_tokens, frame, bench, schema=Outline)
        room = room_for(frame, bench, reply_tokens=tokens, schema=Outline)
        # the number of a short sentence can cost half as many tokens as the sentence
        size = reduced(self.part_tokens, room * 2 // 3, bench, "part_tokens")
        parts = [part.text for part in bench.split(room=size)]
        texts = [cut(_numbered(sentences(part)), room, bench) for part in parts]
        prompts = [OUTLINE(numbered=text) for text in texts]
        replies = bench.ask_many(prompts, step="outline", max_tokens=tokens, schema=Outline)
        return tuple(self._structured(part, reply.parsed, bench) for part, reply in zip(parts, replies, strict=True))

    def _structured(self, part: str, outline: object, bench: Bench) -> str:
        held = sentences(part)
        if not isinstance(outline, Outline) or not outline.aspects:
            bench.note("outline_unusable", True)
            return part
        free = dict(enumerate(held, 1))
        blocks: list[str] = []
        for aspect in outline.aspects:
            own = [free.pop(i) for i in range(aspect.first, min(aspect.last, len(held)) + 1) if i in free]
            if own:
                blocks.append(f"{len(blocks) + 1}. {aspect.title.strip()}\n" + "\n".join(own))
        if len(free) == len(held):
            bench.note("outline_unusable", True)
            return part
        if free:
            bench.note("sentences_without_aspect", len(free))
            blocks.append(f"{len(blocks) + 1}. Other\n" + "\n".join(free.values()))
        return f"About: {outline.scope.strip()}\n\n" + "\n\n".join(blocks)

    def answer(self, question: Question, state: Sequence[str], bench: Bench) -> Answer:
        asked = render_question(question)
        room = room_for(READ(text="", question=asked), bench, reply_tokens=bench.answer_tokens)
        text, dropped = "\n\n".join(state), 0
        tokens = bench.count(text)
        if tokens > room:
            share = max(1, room // len(state) - 4)
            text = cut("\n\n".join(cut(part, share, bench) for part in state), room, bench)
            dropped = tokens - bench.count(text)
        return bench.reply(READ(text=text, question=asked), step="read", dropped_tokens=dropped)


def _numbered(parts: Sequence[str]) -> str:
    return "\n".join(f"[{number}] {part}" for number, part in enumerate(parts, 1))
