"""PRISM: parts are read in turn with a structured memory, and each reply is a short list of revisions to it."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import ClassVar, Literal

from pydantic import BaseModel

from workbench.method.fitting import note_room, reduced, room_for
from workbench.method.prompts import ANSWER_RULE, Prompt, render_question
from workbench.method.protocol import Bench, MethodCard
from workbench.records import Answer, Context, Question

Path = tuple[str, ...]
# The typed hierarchy for questions: under each root, keys map to a list of strings or to one string.
SCHEMA: dict[str, tuple[Literal["list", "value"], str]] = {
    "facts": ("list", "name of a person, place, thing or event → list of facts that bear on the question"),
    "answers": ("value", "possible answer → the evidence for it"),
}
READING = Prompt(
    "prism.revise",
    user="You read a longer text part by part and keep a structured memory of what bears on the question. You see the "
    "question, the schema of the memory, the memory (one entry a line, a path and its value; later lines override "
    "earlier ones with the same path) and the next part. Reply with revisions only: add puts a value at a new path, "
    "update replaces the value at a path of the memory. A path is root, key and, for an update in a list, the item's "
    "number. No revisions if the part holds nothing of use.\n\n"
    "Question: {question}\n\nSchema:\n{schema}\n\nMemory:\n{memory}\nPart:\n\n{chunk}\n\nReply:",
)
READ = Prompt(
    "prism.read",
    user="{memory}\n\nAbove is the memory kept while a longer text was read, one entry a line; later lines override "
    f"earlier ones with the same path.\n\n{ANSWER_RULE}\n\nQuestion: {{question}}\nAnswer:",
)


class Revision(BaseModel):
    """One change to the memory, at the path root / key (/ item)."""

    op: Literal["add", "update"]
    root: Literal["facts", "answers"]
    key: str
    item: int | None = None
    value: str


class Revisions(BaseModel):
    """A reply: possibly no change at all."""

    revisions: list[Revision]


@dataclass
class Memory:
    """The memory of one question: entries in the order of their lines. Unless `in_place`, entries are only appended,
    never changed."""

    in_place: bool = False
    entries: list[tuple[Path, str]] = field(default_factory=list)

    def apply(self, revision: Revision) -> bool:
        """Apply a revision. Returns False, and changes nothing, when it does not fit the schema."""
        kind, key, value = SCHEMA[revision.root][0], revision.key.strip(), revision.value.strip()
        path: Path = (revision.root, key)
        known = [entry[0] for entry in self.entries]
        if not key or not value:
            return False
        if revision.op == "update":
            path = (*path, str(revision.item)) if kind == "list" else path
            if path not in known:
                return False
            if self.in_place:
                self.entries[known.index(path)] = (path, value)
                return True
        elif kind == "list":
            path = (*path, str(len({p for p in known if p[:2] == path})))
        elif path in known:
            return False
        self.entries.append((path, value))
        return True

    def __str__(self) -> str:  # no JSON, whose closing bracket would move with each entry: the prefix stays
        return "".join(f"{'/'.join(path)}: {json.dumps(value, ensure_ascii=False)}\n" for path, value in self.entries)


@dataclass(frozen=True)
class Prism:
    """Jayalath et al., EMNLP 2025 (arXiv 2412.18914), Algorithm 1; no repository. n + 1 calls, all in sequence.

    The memory is a typed hierarchy, here of the hand-made `SCHEMA` for questions. A prompt shows instruction, question,
    schema, memory and part in this order, so that a server can cache all up to the newest entry, which `amendments`
    never changes; `in_place` changes values where they stand. Parts of 2,000 tokens (the paper: 2k or 8k).

    Deviations:
    - one fixed schema (the paper: one per task, hand-made or generated);
    - the last prompt shows the memory without the schema;
    - a revision that would take the memory over `memory_tokens` is dropped, recorded (the paper has no rule for it);
    - so is an invalid one: an empty key or value, an update of a missing path, an addition at a taken one;
    - a reply that cannot be read changes nothing, recorded;
    - the temperature is the experiment's (the paper: 0.8).
    """

    card: ClassVar[MethodCard] = MethodCard(
        title="PRISM",
        cost="n + 1 calls, all in sequence",
        url="https://arxiv.org/abs/2412.18914",
        year=2024,
        stages="revise memory → revise memory → … → read memory",
    )
    chunk_tokens: int = 2_000
    memory_tokens: int = 1_536
    revision_tokens: int = 512
    memory: Literal["amendments", "in_place"] = "amendments"

    def build(self, context: Context, bench: Bench) -> None:
        return None  # parts depend on the question's length

    def answer(self, question: Question, state: None, bench: Bench) -> Answer:
        asked, memory = render_question(question), Memory(self.memory == "in_place")
        schema = "\n".join(f"{root}: {meaning}" for root, (_, meaning) in SCHEMA.items())
        frame = READING(question=asked, schema=schema, memory="", chunk="")
        held = note_room(self.memory_tokens, frame, bench, held=2, schema=Revisions)
        tokens = min(self.revision_tokens, held)
        room = room_for(frame, bench, reply_tokens=held + tokens, schema=Revisions)
        held = min(held, room_for(READ(memory="", question=asked), bench, reply_tokens=bench.answer_tokens))
        room = reduced(self.chunk_tokens, room, bench)
        for number, part in enumerate(bench.split(room=room)):
            prompt = READING(question=asked, schema=schema, memory=memory, chunk=part.text)
            reply = bench.ask(prompt, step="revise", max_tokens=tokens, schema=Revisions)
            if not isinstance(reply.parsed, Revisions):
                bench.note("revisions_unparsable", number)
                continue
            for revision in reply.parsed.revisions:
                self._revise(memory, revision, held, bench)
        return bench.reply(READ(memory=memory, question=asked), step="read")

    def _revise(self, memory: Memory, revision: Revision, held: int, bench: Bench) -> None:
        before = list(memory.entries)
        if not memory.apply(revision):
            bench.note("invalid_revision", f"{revision.op} {revision.root}/{revision.key}"[:80])
        elif bench.count(str(memory)) > held:
            memory.entries = before
            bench.note("memory_full", f"{revision.root}/{revision.key}"[:80])
