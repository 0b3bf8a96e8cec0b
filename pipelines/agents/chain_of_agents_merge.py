"""Chain of Agents, merge: each worker answers from its own part, and the majority wins."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from workbench.method.fitting import room_for
from workbench.method.prompts import ANSWER_RULE, REFUSAL, Prompt, refuses, render_question
from workbench.method.protocol import Bench, MethodCard
from workbench.records import Answer, Context, Question

WORKER = Prompt(
    "chain_of_agents_merge.worker",
    user=f"{{chunk}}\n\n{ANSWER_RULE}\n\nQuestion: {{question}}\nAnswer:",
    shared=("chunk",),
)


@dataclass(frozen=True)
class ChainOfAgentsMerge:
    """Zhang et al., NeurIPS 2024 (arXiv 2406.02818), the baseline "Merge": n independent workers vote. max(n, 1)
    parallel calls, no manager. It shows what the chain's communication is worth (HotpotQA in the paper: 42.96 against
    53.62).

    Deviations:
    - the prompt is unpublished; ours is the answer rule of all methods;
    - refusals do not count while any worker answers, since with n parts most workers must refuse;
    - answers are compared without case, articles and punctuation; among equally frequent ones the first wins.
    """

    card: ClassVar[MethodCard] = MethodCard(
        title="Chain of Agents: merge",
        cost="max(n, 1) calls, 1 in sequence",
        url="https://arxiv.org/abs/2406.02818",
        year=2024,
        stages="workers answer (parallel) → vote",
    )
    worker_window: int = 8_192  # tokens of a worker's prompt and reply together

    def build(self, context: Context, bench: Bench) -> None:
        return None  # parts depend on the question's length

    def answer(self, question: Question, state: None, bench: Bench) -> Answer:
        asked = render_question(question)
        frame = WORKER(chunk="", question=asked)
        room = room_for(frame, bench, reply_tokens=bench.answer_tokens, window=self.worker_window)
        parts = [part.text for part in bench.split(room=room)] or [""]
        replies = bench.ask_many([WORKER(chunk=part, question=asked) for part in parts], step="worker")
        return Answer(majority([reply.text for reply in replies], bench))


def majority(answers: Sequence[str], bench: Bench) -> str:
    """The most frequent answer, as first given. Refusals count only when there is nothing else. The number of votes is
    noted.

    Answers are the same when they differ only in case, articles, punctuation or white space.
    """
    given = [answer.strip() for answer in answers if answer.strip()]
    voting = [answer for answer in given if not refuses(answer)]
    bench.note("votes", f"{len(voting)} of {len(answers)}")
    votes = Counter(_plain(answer) for answer in voting)
    if not votes:
        return REFUSAL
    most = max(votes.values())
    return next(answer for answer in voting if votes[_plain(answer)] == most)


def _plain(answer: str) -> str:
    words = re.sub(r"[^\w\s]", " ", answer.lower()).split()
    return " ".join(word for word in words if word not in ("a", "an", "the")) or answer.lower()
