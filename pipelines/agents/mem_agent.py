"""MemAgent: a memory of fixed size is rewritten after each part, and the answer comes from the memory alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from workbench.method.fitting import cut, note_room, reduced, room_for
from workbench.method.prompts import ANSWER_RULE, Prompt, render_question
from workbench.method.protocol import Bench, MethodCard
from workbench.records import Answer, Context, Question

NO_MEMORY = "(no memory yet)"
UPDATE = Prompt(
    "mem_agent.update",
    user="Question: {question}\n\nYou read a longer text part by part and keep a memory, from which the question will "
    "be answered later. Below are the memory so far and the next part. Write the new memory: take up what helps to "
    "answer the question, and keep what the memory already holds and is still of use. Do not answer the question.\n\n"
    "<memory>\n{memory}\n</memory>\n\n<part>\n{chunk}\n</part>\n\nNotes:",
)
READ = Prompt("mem_agent.read", user=f"{{memory}}\n\n{ANSWER_RULE}\n\nQuestion: {{question}}\nAnswer:")


@dataclass(frozen=True)
class MemAgent:
    """Yu et al. 2025 (arXiv 2507.02259; BytedTsinghua-SIA/MemAgent, Apache-2.0), the workflow without the model trained
    for it ("w/o RL" in the paper): n + 1 independent single-turn calls, all in sequence.

    Each part is read with the question and the memory so far; the reply, without its thinking, replaces the memory. The
    last call sees the question and the memory only. Defaults are the repository's: parts of 5,000 tokens, a memory of
    1,024.

    Deviations:
    - the prompt that updates the memory says "Do not answer the question" (upstream's does not);
    - the final answer follows the answer rule of all methods (upstream: free text that ends in the answer);
    - parts end at sentences, not at the 5,000th token;
    - an empty reply, or thinking that never ends, keeps the old memory (upstream loses it), recorded;
    - the temperature is the experiment's (upstream: 0.7).
    """

    card: ClassVar[MethodCard] = MethodCard(
        title="MemAgent",
        cost="n + 1 calls, all in sequence",
        url="https://arxiv.org/abs/2507.02259",
        year=2025,
        stages="update memory → update memory → … → read memory",
    )
    chunk_tokens: int = 5_000
    memory_tokens: int = 1_024

    def build(self, context: Context, bench: Bench) -> None:
        return None  # parts depend on the question's length

    def answer(self, question: Question, state: None, bench: Bench) -> Answer:
        asked = render_question(question)
        last = room_for(READ(memory="", question=asked), bench, reply_tokens=bench.answer_tokens)
        frame = UPDATE(chunk="", memory=NO_MEMORY, question=asked)
        tokens = note_room(self.memory_tokens, frame, bench, held=2)
        room = room_for(frame, bench, reply_tokens=2 * tokens)  # the new memory, and the old one in the prompt
        memory = ""
        for part in bench.split(room=reduced(self.chunk_tokens, room, bench)):
            prompt = UPDATE(chunk=part.text, memory=memory or NO_MEMORY, question=asked)
            said = bench.ask(prompt, step="update", max_tokens=tokens).text.strip()
            if not said:
                bench.note("empty_memory_kept_last", True)
            memory = cut(said, tokens, bench) or memory
        answer = READ(memory=cut(memory, last, bench), question=asked)
        return bench.reply(answer, step="read")
