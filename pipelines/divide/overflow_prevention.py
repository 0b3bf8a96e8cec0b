"""Overflow prevention (OPRM): the answer is read from the one part that the model is surest about."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

from workbench.method.fitting import reduced, room_for
from workbench.method.prompts import ANSWER_RULE, Prompt, render_question
from workbench.method.protocol import Bench, MethodCard
from workbench.method.uncertainty import entropy, hidden_mass, likeliest
from workbench.records import Answer, Context, Hit, Question

ABSENT = "Error"
TRY = Prompt(
    "overflow_prevention.try",
    user="{chunk}\n\nAnswer the question from the text above, as briefly as possible. If the text does not hold the "
    f"answer, reply with the single word: {ABSENT}\n\nQuestion: {{question}}\nAnswer:",
    shared=("chunk",),
)
READ = Prompt(
    "overflow_prevention.read", user=f"{{chunk}}\n\n{ANSWER_RULE}\n\nQuestion: {{question}}\nAnswer:", shared=("chunk",)
)


@dataclass(frozen=True)
class OverflowPrevention:
    """Ben-Kish et al. 2025, "Overflow Prevention Enhances Long-Context Recurrent LLMs" (arXiv 2505.07793; assafbk/OPRM,
    without a licence, so not copied), through an API: n parallel calls of one token each, then 1 answer.

    Each part is tried with the question. Parts whose likeliest first token begins the word for "not in the text" are
    left out (`absent_filter`). The answer is read from the part whose first token has the least entropy or, with
    `criterion: question_likelihood`, the paper's second criterion, from the part after which the question is likeliest
    (only vLLM can tell). Parts of 3,000 tokens (the paper: 1,000 to 3,000).

    Deviations:
    - the chosen part is read again, under the answer rule of all methods (upstream goes on decoding from its state);
    - when every part is left out, the surest of all is read, recorded;
    - there is no form for summaries (upstream joins what all parts give);
    - entropy is that of the `top_logprobs` likeliest tokens; the largest probability that these leave out is recorded;
    - the last tokens of the prompt, which `question_likelihood` scores, include the chat template's closing tokens, so
      that as many of the first tokens of the question are not scored.
    """

    card: ClassVar[MethodCard] = MethodCard(
        title="Overflow prevention (OPRM)",
        cost="n + 1 calls, 2 in sequence",
        url="https://arxiv.org/abs/2505.07793",
        year=2025,
        stages="first token of every part (parallel) → read the part of least entropy",
        requires=("logprobs (question_likelihood: prompt_logprobs)",),
    )
    chunk_tokens: int = 3_000
    criterion: Literal["entropy", "question_likelihood"] = "entropy"
    absent_filter: bool = True
    top_logprobs: int = 20

    def build(self, context: Context, bench: Bench) -> None:
        return None  # parts depend on the question's length

    def answer(self, question: Question, state: None, bench: Bench) -> Answer:
        asked = render_question(question)
        room = min(
            room_for(TRY(chunk="", question=asked), bench, reply_tokens=1),
            room_for(READ(chunk="", question=asked), bench, reply_tokens=bench.answer_tokens),
        )
        parts = bench.split(room=reduced(self.chunk_tokens, room, bench))
        prompts = [TRY(chunk=part.text, question=asked) for part in parts]
        own = bench.count(f"Question: {asked}\nAnswer:") if self.criterion == "question_likelihood" else 0
        replies = bench.ask_many(prompts, step="try", max_tokens=1, top_logprobs=self.top_logprobs, prompt_logprobs=own)
        told = [reply.first_token_logprobs or {} for reply in replies]
        holding = [i for i, tokens in enumerate(told) if not (self.absent_filter and says_absent(likeliest(tokens)))]
        if told:
            bench.note("hidden_probability_at_most", round(max(map(hidden_mass, told)), 4))
            bench.note("parts_left", f"{len(holding)} of {len(told)}")
        doubt = [
            -sum(reply.prompt_logprobs) / len(reply.prompt_logprobs)
            if own and reply.prompt_logprobs
            else entropy(reply.first_token_logprobs or {})
            for reply in replies
        ]
        chosen = min(holding or range(len(parts)), key=lambda i: (doubt[i], i), default=None)
        if chosen is None:
            return bench.reply(READ(chunk="", question=asked), step="read")
        hits = [Hit(chunk, -doubt[chosen], rank) for rank, chunk in enumerate(parts[chosen].chunks, 1)]
        return bench.reply(READ(chunk=parts[chosen].text, question=asked), step="read", hits=hits)


def says_absent(token: str) -> bool:
    """True when a first token begins the word for "not in the text"; a tokenizer may cut the word.

    >>> says_absent(" Err"), says_absent("ERROR"), says_absent("E"), says_absent("21"), says_absent("")
    (True, True, False, False, False)
    """
    plain = token.strip(" \u2581\u0120\"'.\n").lower()
    return len(plain) > 2 and ABSENT.lower().startswith(plain)
