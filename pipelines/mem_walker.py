"""MemWalker: a tree of summaries, walked from the root to the segment that answers, and back when it does not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from pydantic import BaseModel

from workbench.fitting import cut, note_room, room_for, shortened
from workbench.pipeline import ANSWER_RULE, Bench, MethodCard, Prompt, render_question
from workbench.records import Answer, Context, Question

LEAF_SUMMARY = Prompt(
    "mem_walker.leaf_summary",
    user="{chunk}\n\nThe text above is one segment of a longer text. Write a comprehensive summary of it: people, "
    "places, things, what happens, numbers and dates.\nSummary:",
)
NODE_SUMMARY = Prompt(
    "mem_walker.node_summary",
    user="{summaries}\n\nAbove are summaries of consecutive segments of a longer text. Compress them into one much "
    "shorter summary.\nSummary:",
)
TRIAGE = Prompt(
    "mem_walker.triage",
    user="{memory}{summaries}\n\nAbove are summaries of parts of a longer text, numbered. First compare in words which "
    "of them most likely leads to the answer of the question below (reasoning), then choose exactly one by its number "
    "(action).\n\nQuestion: {question}\nReply:",
)
LEAF = Prompt(
    "mem_walker.leaf",
    user="{memory}{segment}\n\nRead the segment of a longer text above. If the question below can be answered from it, "
    f"say so (found) and answer (answer); else found is false.\n\n{ANSWER_RULE}\n\nQuestion: {{question}}\nAnswer:",
)
GAVE_UP = "unanswerable"
REPLY_TOKENS = 400


class Triage(BaseModel):
    """Where to go next."""

    reasoning: str
    action: int


class Verdict(BaseModel):
    """What a segment says: `found` false is the paper's action -1, go back; true is its -2."""

    found: bool
    reasoning: str
    answer: str


@dataclass(frozen=True)
class Node:
    """A node of the tree; a leaf has a segment of the text and no children."""

    summary: str
    children: tuple[Node, ...] = ()
    segment: str = ""


@dataclass(frozen=True)
class MemWalker:
    """Chen et al. 2023 (arXiv 2310.05029); no official repository.

    Index stage: a summary for each of m segments, then one for every `children` consecutive summaries, up to a root:
    m + Σ⌈m / b^l⌉ calls, parallel inside a level. Query stage, in sequence: D triage calls from the root to a leaf, one
    call that reads the leaf's *text*; when it says no, back to the parent, without that child. The summaries on the
    path are the working memory, shown everywhere (the paper's ablation). Segments of 1,000 tokens and 8 children, its
    QuALITY setting. Named deviations: replies are JSON; a triage may not choose to go back (the printed prompt does not
    offer it); a sole child is not asked about; the walk ends after `calls` calls (the paper's ends only with the tree),
    after three invalid choices in a row, or when the tree is exhausted: unanswerable, noted.
    """

    card: ClassVar[MethodCard] = MethodCard(
        title="MemWalker",
        family="agents",
        cost="index: m + Σ⌈m / b^l⌉ (levels in sequence); query: D + 1 + 2 per wrong turn, in sequence",
        url="https://arxiv.org/abs/2310.05029",
        year=2023,
        stages="index: summarise segments → summarise summaries → … | triage → … → read leaf (→ back → triage → …)",
    )
    segment_tokens: int = 1_000
    children: int = 8
    summary_tokens: int = 200
    calls: int = 24

    def __post_init__(self) -> None:
        if self.children < 2 or self.calls < 1:
            raise ValueError("children must be at least 2 and calls at least 1")

    def build(self, context: Context, bench: Bench) -> Node:
        frame = NODE_SUMMARY(summaries="")
        # a parent prompt holds all its children's summaries, and a triage prompt too, beside question and memory
        tokens = note_room(self.summary_tokens, frame, bench, held=2 * self.children)
        room = room_for(frame, bench, reply_tokens=max(tokens, REPLY_TOKENS)) // 2
        segments = [part.text for part in bench.split(room=min(self.segment_tokens, room))]
        leaves = [LEAF_SUMMARY(chunk=segment) for segment in segments]
        replies = bench.ask_many(leaves, step="leaf_summary", max_tokens=tokens)
        level = [
            Node(cut(reply.text.strip(), tokens, bench), segment=segment)
            for reply, segment in zip(replies, segments, strict=True)
        ]
        while len(level) > 1:
            groups = [level[i : i + self.children] for i in range(0, len(level), self.children)]
            prompts = [NODE_SUMMARY(summaries=_numbered(group)) for group in groups]
            replies = bench.ask_many(prompts, step="node_summary", max_tokens=tokens)
            level = [
                Node(cut(reply.text.strip(), tokens, bench), children=tuple(group))
                for reply, group in zip(replies, groups, strict=True)
            ]
        return level[0] if level else Node("")

    def answer(self, question: Question, state: Node, bench: Bench) -> Answer:
        walk = _Walk(render_question(question), bench, self.calls)
        found = walk.visit(state, ())
        if found is None:
            bench.note("walk_ended", walk.ended or "tree exhausted")
        bench.note("leaves_read", walk.leaves)
        return Answer(found or GAVE_UP)


class _Walk:
    """One question's walk; counts what it may still spend."""

    def __init__(self, asked: str, bench: Bench, calls: int) -> None:
        self._asked, self._bench, self._left = asked, bench, calls
        self._invalid = self.leaves = 0
        self.ended = ""

    def visit(self, node: Node, path: tuple[str, ...]) -> str | None:
        """The answer found under a node, or None."""
        if not node.children:
            return self._read(node, path)
        open_children = list(node.children)
        while open_children and not self.ended:
            chosen = 0 if len(open_children) == 1 else self._triage(open_children, path)
            if chosen is None:
                return None
            child = open_children.pop(chosen)
            found = self.visit(child, (*path, child.summary))
            if found is not None:
                return found
        return None

    def _triage(self, nodes: Sequence[Node], path: tuple[str, ...]) -> int | None:
        shown = _numbered(nodes)
        empty = TRIAGE(memory="", summaries=shown, question=self._asked)
        tokens = min(REPLY_TOKENS, self._bench.window // 8)
        room = room_for(empty, self._bench, reply_tokens=tokens, schema=Triage)
        prompt = TRIAGE(memory=_memory(path, room, self._bench), summaries=shown, question=self._asked)
        while self._may_ask():
            reply = self._bench.ask(prompt, step="triage", max_tokens=tokens, schema=Triage, sample=self._invalid)
            if isinstance(reply.parsed, Triage) and 1 <= reply.parsed.action <= len(nodes):
                self._invalid = 0
                return reply.parsed.action - 1
            self._bench.note("invalid_action", reply.text[:80])
            self._invalid += 1
            if self._invalid == 3:
                self.ended = "three invalid actions"
        return None

    def _read(self, leaf: Node, path: tuple[str, ...]) -> str | None:
        if not self._may_ask():
            return None
        self.leaves += 1
        tokens = min(REPLY_TOKENS, self._bench.window // 8) + self._bench.answer_tokens
        frame = LEAF(memory="", segment="", question=self._asked)
        room = room_for(frame, self._bench, reply_tokens=tokens, schema=Verdict)
        segment = cut(leaf.segment, room, self._bench)
        memory = _memory(path[:-1], room - self._bench.count(segment), self._bench)
        prompt = LEAF(memory=memory, segment=segment, question=self._asked)
        reply = self._bench.ask(prompt, step="leaf", max_tokens=tokens, schema=Verdict)
        if not isinstance(reply.parsed, Verdict):
            self._bench.note("leaf_unparsable", reply.text[:80])
            return None
        said = reply.parsed.answer.strip()
        return said if reply.parsed.found and said and GAVE_UP not in said.lower() else None

    def _may_ask(self) -> bool:
        if not self.ended and self._left <= 0:
            self.ended = "calls spent"
        self._left -= 1
        return not self.ended


def _numbered(nodes: Sequence[Node]) -> str:
    return "\n\n".join(f"Summary {number}:\n{node.summary}" for number, node in enumerate(nodes, 1))


def _memory(path: Sequence[str], room: int, bench: Bench) -> str:
    """The visited summaries, as far as they fit."""

    def shown(notes: Sequence[str]) -> str:
        return "".join(f"Seen on the way here:\n{note}\n\n" for note in notes)

    return shown(shortened(path, room, bench, shown)) if room > 0 else ""
