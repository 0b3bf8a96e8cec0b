"""LongAgent: a leader who sees no text directs members who each hold one part, and has conflicts resolved."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

from pydantic import BaseModel

from workbench.method.fitting import cut, note_room, reduced, room_for, shortened
from workbench.method.prompts import ANSWER_RULE, Prompt, render_question
from workbench.method.protocol import Bench, MethodCard
from workbench.records import Answer, Context, Question
from workbench.retrieval.bounds import within
from workbench.text import says_only

REFUSAL = "[NOT MENTIONED]"
START = Prompt(
    "long_agent.start",
    user="You lead a team of {members} members. Each of them holds another part of a longer text; you do not see it, "
    "and only you know the task. Write one instruction or question for all members that gathers what the task "
    "needs.\n\n"
    "Question: {question}\nReply:",
)
MEMBER = Prompt(
    "long_agent.member",
    user="{chunk}\n\nThe text above is all you hold of a longer text. Reply from it alone, in one or two sentences "
    f"that give the evidence. If it does not hold the answer, reply exactly: {REFUSAL}\n\n"
    "Question: {instruction}\nNotes:",
    shared=("chunk",),
)
DECIDE = Prompt(
    "long_agent.decide",
    user="{replies}\n\nAbove is what the members, who hold disjoint parts of a longer text, were asked and replied; a "
    "few informative ones may be right against many. Decide: answer, when they suffice (fill answer); conflict, when "
    "members contradict each other (list their numbers as members, they will compare their parts); new_state, when "
    "something is still missing (fill instruction with the next question to all members).\n\nFor the answer: "
    f"{ANSWER_RULE}\n\nQuestion: {{question}}\nAnswer:",
)
END = Prompt("long_agent.end", user=f"{{replies}}\n\n{ANSWER_RULE}\n\nQuestion: {{question}}\nAnswer:")


class Instruction(BaseModel):
    """What the leader tells all members."""

    instruction: str


class Decision(BaseModel):
    """The leader's move."""

    action: Literal["answer", "conflict", "new_state"]
    answer: str = ""
    members: list[int] = []
    instruction: str = ""


@dataclass(frozen=True)
class Round:
    """What all members were asked, and what each of them replied last."""

    instruction: str
    responses: list[str]

    def lines(self) -> list[str]:
        """The instruction, then what members said, the same words once, under their numbers; refusals are counted."""
        said: dict[str, list[str]] = {}
        for number, response in enumerate(self.responses, 1):
            if response and not says_only(response, REFUSAL):
                said.setdefault(response, []).append(str(number))
        lines = [f"Member {', '.join(numbers)}: {response}" for response, numbers in said.items()]
        silent = len(self.responses) - sum(map(len, said.values()))
        asked = " ".join(self.instruction.split())
        return [f"[Asked of all members: {asked}]", *lines, f"{silent} members found nothing."]


@dataclass(frozen=True)
class NewState:
    """The leader's move to ask all members anew."""

    instruction: str


@dataclass(frozen=True)
class Conflict:
    """The leader's move to have members who contradict each other compare their parts, two by two."""

    members: tuple[int, ...]


@dataclass(frozen=True)
class Final:
    """The leader's move to answer."""

    answer: str


Move = NewState | Conflict | Final


@dataclass(frozen=True)
class Rooms:
    """Tokens of a member's part and response, of what the leader is told, and of its decision."""

    part: int
    response_tokens: int
    deciding: int
    decision_tokens: int
    ending: int


@dataclass(frozen=True)
class LongAgent:
    """Zhao et al., EMNLP 2024 (arXiv 2402.11550), the paper's protocol; the repository (zuucan/LongAgent, no licence,
    does not run as shipped) merges whatever responses differ, and we do not follow it.

    The leader writes an instruction (1 call). In every round either n members reply to it side by side or, after the
    move `conflict`, m pairs of members reply again from both their parts. Then the leader, who sees what was asked and
    replied in all rounds, makes its next move (1 call): `answer`, `conflict` or `new_state`. After `rounds` rounds
    without an answer, one forced call ends it. Parts of 1,500 tokens.

    Deviations:
    - at most 3 rounds, as in the repository (the paper sets no limit), and resolving a conflict is a round of its own;
    - pairs are formed in the order in which the leader names the members;
    - members reply in words of at most `response_tokens`, the leader in JSON;
    - fewer than two valid members, no next instruction, or a decision that cannot be read lead to the forced call; an
      empty first instruction is replaced by the question. These, and rounds that do not fit the window, are noted.
    """

    card: ClassVar[MethodCard] = MethodCard(
        title="LongAgent",
        cost="1 + Σ rounds (n or m, + 1) + (1 if forced) calls; 1 + 2·rounds (+ 1) in sequence",
        url="https://arxiv.org/abs/2402.11550",
        year=2024,
        stages="leader → members (parallel) → leader → (pairs on conflict → leader | members → leader) → answer",
    )
    chunk_tokens: int = 1_500
    response_tokens: int = 256
    decision_tokens: int = 256  # visible tokens of the leader's decision beside its answer; ≤ window / 8
    rounds: int = 3

    def __post_init__(self) -> None:
        if self.rounds < 1:
            raise ValueError("rounds must be at least 1")
        within("decision_tokens", self.decision_tokens, 1)

    def build(self, context: Context, bench: Bench) -> None:
        return None  # an instruction is known at query time only

    def answer(self, question: Question, state: None, bench: Bench) -> Answer:
        asked = render_question(question)
        rooms = self._rooms(asked, bench)
        parts = [part.text for part in bench.split(room=rooms.part)]
        move: Move | None = NewState(self._instruction(len(parts), asked, rooms, bench))
        talk: list[Round] = []
        for _ in range(self.rounds if parts else 0):
            if isinstance(move, NewState):
                talk.append(Round(move.instruction, [""] * len(parts)))
                alone = [(member,) for member in range(len(parts))]
                _respond(alone, parts, talk[-1], "member", rooms, bench)
            elif isinstance(move, Conflict):
                _respond(_pairs(move.members), parts, talk[-1], "conflict", rooms, bench)
            move = self._next_move(talk, len(parts), asked, rooms, bench)
            if isinstance(move, Final):
                return Answer(move.answer)
            if move is None:
                break
        bench.note("forced_end", True)
        return bench.reply(END(replies=told(talk, rooms.ending, bench), question=asked), step="end")

    def _instruction(self, members: int, asked: str, rooms: Rooms, bench: Bench) -> str:
        prompt = START(members=members, question=asked)
        reply = bench.ask(prompt, step="start", max_tokens=rooms.response_tokens, schema=Instruction)
        said = reply.parsed.instruction.strip() if isinstance(reply.parsed, Instruction) else ""
        if not said:
            bench.note("no_instruction", True)
        return cut(said, rooms.response_tokens, bench) or asked

    def _next_move(self, talk: Sequence[Round], members: int, asked: str, rooms: Rooms, bench: Bench) -> Move | None:
        """The leader's decision over all rounds; None, noted, when it is no move that can be made."""
        prompt = DECIDE(replies=told(talk, rooms.deciding, bench), question=asked)
        decision = bench.ask(prompt, step="decide", max_tokens=rooms.decision_tokens, schema=Decision).parsed
        if not isinstance(decision, Decision):
            bench.note("decision_unparsable", True)
            return None
        named = tuple(dict.fromkeys(number - 1 for number in decision.members if 1 <= number <= members))
        if decision.action == "answer" and (answer := decision.answer.strip()):
            return Final(answer)
        if decision.action == "conflict" and len(named) > 1:
            return Conflict(named)
        if decision.action == "new_state" and (instruction := decision.instruction.strip()):
            return NewState(cut(instruction, rooms.response_tokens, bench))
        bench.note("no_next_step", decision.action)
        return None

    def _rooms(self, asked: str, bench: Bench) -> Rooms:
        """What every prompt has room for, known before the first is sent. Raises ContextOverflow."""
        ending = room_for(END(replies="", question=asked), bench, reply_tokens=bench.answer_tokens)
        decision_tokens = min(self.decision_tokens, bench.window // 8) + bench.answer_tokens
        frame = DECIDE(replies="", question=asked)
        deciding = room_for(frame, bench, reply_tokens=decision_tokens, schema=Decision)
        response_tokens = note_room(self.response_tokens, frame, bench, schema=Decision)
        longest = max(bench.count(asked), response_tokens) + response_tokens  # an instruction, and the response to it
        pair = room_for(MEMBER(chunk="", instruction=""), bench, reply_tokens=longest)
        part = reduced(self.chunk_tokens, pair // 2 - 4, bench)
        return Rooms(part, response_tokens, deciding, decision_tokens, ending)


def _respond(
    groups: Sequence[tuple[int, ...]], parts: Sequence[str], asked: Round, step: str, rooms: Rooms, bench: Bench
) -> None:
    """Every group of members replies to the round's instruction from its parts; that is what each of them says now."""
    prompts = [MEMBER(chunk="\n\n".join(parts[i] for i in group), instruction=asked.instruction) for group in groups]
    replies = bench.ask_many(prompts, step=step, max_tokens=rooms.response_tokens)
    for group, reply in zip(groups, replies, strict=True):
        for member in group:
            asked.responses[member] = cut(reply.text.strip(), rooms.response_tokens, bench)


def _pairs(members: Sequence[int]) -> list[tuple[int, ...]]:
    """Two by two in the order named; an odd last one is compared with the first.

    >>> _pairs([4, 7, 9])
    [(4, 7), (9, 4)]
    """
    pairs = [tuple(members[i : i + 2]) for i in range(0, len(members), 2)]
    return [pair if len(pair) == 2 else (*pair, members[0]) for pair in pairs]


def told(talk: Sequence[Round], room: int, bench: Bench) -> str:
    """What the leader knows: every round's instruction and responses, the same words once; of a long talk the first
    rounds are left out, of a long last round the longest lines halved."""
    kept: list[str] = []  # the last round first
    for number, asked in enumerate(reversed(talk)):
        lines = asked.lines()
        if not number:
            lines = shortened(lines, room, bench, "\n".join)
        if bench.count("\n\n".join((*kept, "\n".join(lines)))) > room:
            bench.note("rounds_left_out", len(talk) - number)
            break
        kept.append("\n".join(lines))
    return "\n\n".join(reversed(kept))
