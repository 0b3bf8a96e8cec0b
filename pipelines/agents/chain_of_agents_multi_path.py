"""Chain of Agents, multi-path: chains in different orders run in parallel, and a vote or a judge decides."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import ClassVar, Literal

from pipelines.agents.chain_of_agents import Chain, chain_for, managed, manager_room
from pipelines.agents.chain_of_agents_merge import majority
from workbench.method.fitting import labelled, room_for, shortened
from workbench.method.prompts import ANSWER_RULE, Prompt, render_question
from workbench.method.protocol import Bench, MethodCard
from workbench.records import Answer, Context, Question

JUDGE = Prompt(
    "chain_of_agents_multi_path.judge",
    user="{notes}\n\nThe text was too long to be read at once. Above are summaries of all of it by several readers, "
    "who read its parts in different orders. Choose the most reliable one and answer from it.\n\n"
    f"{ANSWER_RULE}\n\nQuestion: {{question}}\nAnswer:",
)


@dataclass(frozen=True)
class ChainOfAgentsMultiPath:
    """Zhang et al., NeurIPS 2024 (arXiv 2406.02818), section on multi-path chains: P parallel chains of n workers. n +
    1 calls in sequence.

    `orders`: `bidirectional` (left to right and right to left, P = 2), `permutation` (P random orders, seeded) or
    `self_consistency` (P times left to right at `temperature`). `decide`: `judge`, one call over the last notes of all
    chains (P·n + 1 calls), or `vote`, the majority of P managers' answers (P·(n + 1) calls). Defaults are the paper's
    best on HotpotQA: five permutations and a judge.

    Deviations:
    - those of `chain_of_agents`, whose workers and manager these are;
    - empty last notes are not shown to the judge; notes that do not fit its prompt are cut, the longest first,
      recorded;
    - the temperature is our choice, as the paper gives none.
    """

    card: ClassVar[MethodCard] = MethodCard(
        title="Chain of Agents: multi-path",
        cost="judge: P·n + 1 calls; vote: P·(n + 1); n + 1 in sequence",
        url="https://arxiv.org/abs/2406.02818",
        year=2024,
        stages="P chains of workers (parallel) → judge, or P managers → vote",
    )
    orders: Literal["bidirectional", "permutation", "self_consistency"] = "permutation"
    decide: Literal["judge", "vote"] = "judge"
    paths: int = 5
    temperature: float = 0.7
    worker_window: int = 8_192
    note_tokens: int = 1_024

    def __post_init__(self) -> None:
        if self.paths < 1:
            raise ValueError("paths must be at least 1")

    def build(self, context: Context, bench: Bench) -> None:
        return None  # chunks depend on the question's length

    def answer(self, question: Question, state: None, bench: Bench) -> Answer:
        asked = render_question(question)
        whole = chain_for(asked, bench, worker_window=self.worker_window, note_tokens=self.note_tokens)
        walks = self._walks(whole, question, asked, bench)
        if self.decide == "vote":
            last = manager_room(asked, bench)

            def voter(walk: Callable[[], str]) -> str:
                return managed(walk(), asked, last, bench).text

            return Answer(majority(bench.parallel([partial(voter, walk) for walk in walks]), bench))
        room = room_for(JUDGE(notes="", question=asked), bench, reply_tokens=bench.answer_tokens)
        notes = [note for note in bench.parallel(walks) if note]
        notes = shortened(notes, room, bench)
        return bench.reply(JUDGE(notes=labelled(notes), question=asked), step="judge")

    def _walks(self, whole: Chain, question: Question, asked: str, bench: Bench) -> list[Callable[[], str]]:
        if self.orders == "self_consistency":
            return [
                partial(whole.walk, asked, bench, temperature=self.temperature, sample=draw)
                for draw in range(self.paths)
            ]
        if self.orders == "bidirectional":
            chains = [whole, replace(whole, parts=whole.parts[::-1])]
        else:
            draw_order = random.Random(f"{bench.seed}:{question.question_id}")
            chains = [
                replace(whole, parts=tuple(draw_order.sample(whole.parts, len(whole.parts)))) for _ in range(self.paths)
            ]
        return [partial(chain.walk, asked, bench) for chain in chains]
