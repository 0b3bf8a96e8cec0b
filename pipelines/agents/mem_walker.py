"""MemWalker: a tree of summaries is walked from the root to a segment that answers, and back when it does not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from pydantic import BaseModel

from workbench.method.fitting import cut, note_room, reduced, room_for, shortened
from workbench.method.prompts import ANSWER_RULE, REFUSAL, Prompt, refuses, render_question
from workbench.method.protocol import Bench, MethodCard
from workbench.records import Answer, Context, Question
from workbench.retrieval.bounds import within

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
    """A node of the tree. A leaf has a segment of the text and no children."""

    summary: str
    children: tuple[Node, ...] = ()
    segment: str = ""


@dataclass(frozen=True)
class MemWalker:
    """Chen et al. 2023 (arXiv 2310.05029); no official repository.

    Index stage: a summary of each of m segments, then one of every `children` consecutive summaries, up to a root: m +
    Σ⌈m / b^l⌉ calls, parallel within a level. Query stage, in sequence: D triage calls lead from the root to a leaf,
    and one call reads the *text* of the leaf. When it does not answer, the walk goes back to the parent, without that
    child. The summaries on the path are the working memory, which every prompt shows (the paper's ablation). Three
    invalid choices in a row, or an exhausted tree, end the walk: the answer is "unanswerable", recorded. Segments of
    1,000 tokens and 8 children, the paper's setting for QuALITY.

    Deviations:
    - the walk also ends after `calls` calls (the paper sets no limit);
    - a triage cannot choose to go back, which the paper's text allows and its printed prompt does not offer;
    - a node that is the only one left to choose is taken without a call;
    - replies are JSON; a leaf's reply that cannot be read, or that refuses, counts as no answer.
    """

    card: ClassVar[MethodCard] = MethodCard(
        title="MemWalker",
        cost="index: m + Σ⌈m / b^l⌉ (levels in sequence); query: D + 1 + 2 per wrong turn, in sequence",
        url="https://arxiv.org/abs/2310.05029",
        year=2023,
        stages="index: summarise segments → summarise summaries → … | triage → … → read leaf (→ back → triage → …)",
    )
    segment_tokens: int = 1_000
    children: int = 8
    summary_tokens: int = 200
    reply_tokens: int = 400  # visible tokens of a triage, and of a leaf's verdict beside its answer; ≤ window / 8
    calls: int = 24

    def __post_init__(self) -> None:
        if self.children < 2 or self.calls < 1:
            raise ValueError("children must be at least 2 and calls at least 1")
        within("reply_tokens", self.reply_tokens, 1)

    def build(self, context: Context, bench: Bench) -> Node:
        frame = NODE_SUMMARY(summaries="")
        # the prompts of a parent and of a triage hold all children's summaries, the latter beside question and memory
        tokens = note_room(self.summary_tokens, frame, bench, held=2 * self.children)
        room = room_for(frame, bench, reply_tokens=max(tokens, self.reply_tokens)) // 2
        size = reduced(self.segment_tokens, room, bench, "segment_tokens")
        segments = [part.text for part in bench.split(room=size)]
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
        asked = render_question(question)
        self._rooms(state, asked, bench)
        left, leaves, ended = self.calls, 0, "tree exhausted"
        trail: list[tuple[list[Node], tuple[str, ...]]] = [(list(state.children) or [state], ())]
        while trail:
            options, path = trail[-1]
            if not options:  # all children said no: back to the parent
                trail.pop()
                continue
            chosen, asks = (0, 0) if len(options) == 1 else self._triage(options, path, asked, bench, min(3, left))
            left -= asks
            if chosen is None or (left < 1 and not options[chosen].children):
                ended = "three invalid actions" if chosen is None and asks == 3 else "calls spent"
                break
            node = options.pop(chosen)
            if node.children:
                trail.append((list(node.children), (*path, node.summary)))
                continue
            left, leaves = left - 1, leaves + 1
            found = self._read(node, path, asked, bench)
            if found:
                bench.note("leaves_read", leaves)
                return Answer(found)
        bench.note("walk_ended", ended)
        bench.note("leaves_read", leaves)
        return Answer(REFUSAL)

    def _rooms(self, root: Node, asked: str, bench: Bench) -> None:
        """Raises ContextOverflow, before the first call, when some prompt of the walk would not fit."""
        nodes = [root]
        for node in nodes:
            nodes += node.children
            if len(node.children) > 1:
                self._triage_room(node.children, asked, bench)
        room_for(
            LEAF(memory="", segment="", question=asked), bench, reply_tokens=self._leaf_tokens(bench), schema=Verdict
        )

    def _triage_room(self, nodes: Sequence[Node], asked: str, bench: Bench) -> int:
        frame = TRIAGE(memory="", summaries=_numbered(nodes), question=asked)
        return room_for(frame, bench, reply_tokens=self._triage_tokens(bench), schema=Triage)

    def _triage(
        self, nodes: Sequence[Node], path: Sequence[str], asked: str, bench: Bench, tries: int
    ) -> tuple[int | None, int]:
        """The position of the chosen node, or None when no try gave a valid number; and the number of calls made."""
        shown = _numbered(nodes)
        tokens, room = self._triage_tokens(bench), self._triage_room(nodes, asked, bench)
        prompt = TRIAGE(memory=_memory(path, room, bench), summaries=shown, question=asked)
        for number in range(tries):
            reply = bench.ask(prompt, step="triage", max_tokens=tokens, schema=Triage, sample=number)
            if isinstance(reply.parsed, Triage) and 1 <= reply.parsed.action <= len(nodes):
                return reply.parsed.action - 1, number + 1
            bench.note("invalid_action", reply.text[:80])
        return None, tries

    def _read(self, leaf: Node, path: Sequence[str], asked: str, bench: Bench) -> str:
        """The answer that a segment gives; empty when it gives none."""
        tokens = self._leaf_tokens(bench)
        room = room_for(LEAF(memory="", segment="", question=asked), bench, reply_tokens=tokens, schema=Verdict)
        segment = cut(leaf.segment, room, bench)
        memory = _memory(path, room - bench.count(segment), bench)
        prompt = LEAF(memory=memory, segment=segment, question=asked)
        reply = bench.ask(prompt, step="leaf", max_tokens=tokens, schema=Verdict)
        if not isinstance(reply.parsed, Verdict):
            bench.note("leaf_unparsable", reply.text[:80])
            return ""
        said = reply.parsed.answer.strip()
        return said if reply.parsed.found and not refuses(said) else ""

    def _triage_tokens(self, bench: Bench) -> int:
        return min(self.reply_tokens, bench.window // 8)

    def _leaf_tokens(self, bench: Bench) -> int:
        return self._triage_tokens(bench) + bench.answer_tokens


def _numbered(nodes: Sequence[Node]) -> str:
    return "\n\n".join(f"Summary {number}:\n{node.summary}" for number, node in enumerate(nodes, 1))


def _memory(path: Sequence[str], room: int, bench: Bench) -> str:
    """The summaries of the visited nodes, as far as they fit `room` tokens."""

    def shown(notes: Sequence[str]) -> str:
        return "".join(f"Seen on the way here:\n{note}\n\n" for note in notes)

    return shown(shortened(path, room, bench, shown)) if room > 0 else ""
