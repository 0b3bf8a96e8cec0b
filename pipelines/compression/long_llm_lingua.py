"""LongLLMLingua: given the question, a small language model drops the tokens that say least; the rest is read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

from workbench.method.compressors import check_installed, open_compressor
from workbench.method.fitting import cut, passages, room_for
from workbench.method.prompts import ANSWER_RULE, Prompt, render_question
from workbench.method.protocol import Bench, MethodCard
from workbench.records import Answer, Context, Question

CONTEXT_BUDGET = 100  # tokens beyond the target that the ranking may keep
RESTRICTION = "We can get the answer to this question in the given documents."  # a part of the paper's formula
SCORE = Prompt("long_llm_lingua.score", user=f"{{passage}}\n\nQuestion: {{question}} {RESTRICTION}")
READ = Prompt("long_llm_lingua.read", user=f"{{text}}\n\n{ANSWER_RULE}\n\nQuestion: {{question}}\nAnswer:")


@dataclass(frozen=True)
class LongLlmLingua:
    """Jiang et al., ACL 2024 (arXiv 2310.06839; microsoft/LLMLingua, MIT), by the authors' package `llmlingua`.
    Passages are ranked by the likelihood of the question after them, the best are compressed least, and tokens are kept
    by contrastive perplexity; 1 call reads the result. The compressor runs in this process; its tokens and seconds are
    recorded.

    Defaults are the repository's recipe: rate 0.55, budget +100, ratio ±0.3, sorted by relevance, Llama-2-7B. The
    target is lowered to what the window holds. Needs the extra `[llmlingua]` and the compressor's weights (`compressor`
    may be a local folder); without them an InputError is raised before any call. `scorer: server` needs neither, but a
    server that tells the probabilities of a prompt's tokens (vLLM): D parallel calls rank the passages, the best are
    kept whole, and no token is dropped.

    Deviations:
    - the question stands uncompressed in our own prompt, not in the package's;
    - passages are whole sentences up to `passage_tokens`, without the titles of their documents;
    - `rate` is that of the passages alone. Their target is counted by the reader's tokenizer but spent by the package
      in the compressor's tokens, so the text gets shorter than `rate` says where the compressor needs more tokens.
    """

    card: ClassVar[MethodCard] = MethodCard(
        title="LongLLMLingua",
        cost="1 call (and the compressor's D + 2·⌈kept / 200⌉ passes here); server: D + 1 calls, 2 in sequence",
        url="https://arxiv.org/abs/2310.06839",
        year=2023,
        stages="compress for the question (here) → read",
        requires=("llmlingua or prompt_logprobs",),
    )
    scorer: Literal["package", "server"] = "package"
    compressor: str = "NousResearch/Llama-2-7b-hf"
    device: str = "cpu"
    rate: float = 0.55
    ratio: float = 0.3
    passage_tokens: int = 300

    def __post_init__(self) -> None:
        if not 0 < self.rate <= 1:
            raise ValueError("rate must lie between 0 and 1")

    def check(self) -> None:
        """Raise InputError when this method cannot run here."""
        if self.scorer == "package":
            check_installed("long_llm_lingua")

    def build(self, context: Context, bench: Bench) -> None:
        if self.scorer == "package":
            open_compressor("long_llm_lingua", self.compressor, self.device, second=False)

    def answer(self, question: Question, state: None, bench: Bench) -> Answer:
        asked = render_question(question)
        room = room_for(READ(text="", question=asked), bench, reply_tokens=bench.answer_tokens)
        texts = [chunk.text for chunk in passages(bench, self.passage_tokens) if chunk.text.strip()]
        if not texts:
            return bench.reply(READ(text="", question=asked), step="read")
        target = min(round(self.rate * sum(map(bench.count, texts))), room)
        if self.scorer == "server":
            text = "\n\n".join(self._likeliest(texts, question, target, bench))
            return self._read(text, asked, room, bench)
        compressor = open_compressor("long_llm_lingua", self.compressor, self.device, second=False)
        made = compressor.compress(
            texts,
            question=question.text,
            target_token=target,
            condition_in_question="after_condition",
            reorder_context="sort",
            dynamic_context_compression_ratio=self.ratio,
            condition_compare=True,
            context_budget=f"+{CONTEXT_BUDGET}",
            rank_method="longllmlingua",
            concate_question=False,
        )
        bench.note("compressed", f"{made.tokens_before} to {made.tokens_after} tokens in {made.seconds:.1f} s")
        return self._read(made.text, asked, room, bench)

    def _read(self, text: str, asked: str, room: int, bench: Bench) -> Answer:
        kept = cut(text, room, bench)
        dropped = bench.count(text) - bench.count(kept) if len(kept) < len(text) else 0
        return bench.reply(READ(text=kept, question=asked), step="read", dropped_tokens=dropped)

    def _likeliest(self, texts: Sequence[str], question: Question, target: int, bench: Bench) -> list[str]:
        """The best passages, until the budget is passed: those after which the question has the least mean negative
        log-likelihood.

        The scored tokens are the last of the prompt. They include the chat template's closing tokens, so that as many
        of the first tokens of the question are not scored.
        """
        room = room_for(SCORE(passage="", question=question.text), bench, reply_tokens=1)
        prompts = [SCORE(passage=cut(text, room, bench), question=question.text) for text in texts]
        last = bench.count(f"Question: {question.text} {RESTRICTION}")
        replies = bench.ask_many(prompts, step="score", max_tokens=1, prompt_logprobs=last)
        told = [reply.prompt_logprobs or (0.0,) for reply in replies]
        scores = [-sum(tokens) / len(tokens) for tokens in told]
        kept: list[str] = []
        for i in sorted(range(len(texts)), key=lambda i: (scores[i], i)):
            if sum(map(bench.count, kept)) > target + CONTEXT_BUDGET:
                break
            kept.append(texts[i])
        bench.note("passages_kept", f"{len(kept)} of {len(texts)}")
        return kept
