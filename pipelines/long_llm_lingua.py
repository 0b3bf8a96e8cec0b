"""LongLLMLingua: a small language model drops the tokens that say least, given the question; the rest is read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from workbench.compressors import check_installed, open_compressor
from workbench.fitting import cut, passages, room_for
from workbench.pipeline import ANSWER_RULE, Bench, MethodCard, Prompt, render_question
from workbench.records import Answer, Context, Question

READ = Prompt("long_llm_lingua.read", user=f"{{text}}\n\n{ANSWER_RULE}\n\nQuestion: {{question}}\nAnswer:")


@dataclass(frozen=True)
class LongLlmLingua:
    """Jiang et al., ACL 2024 (arXiv 2310.06839; microsoft/LLMLingua, MIT), by the authors' package `llmlingua`:
    passages are ranked by the question's likelihood after them, the best compressed least, tokens kept by contrastive
    perplexity; 1 call reads the result. The compressor runs in this process, its seconds and tokens are noted.

    Defaults are the repository's recipe: rate 0.55, budget +100, ratio ±0.3, sorted by relevance, Llama-2-7B. The
    target is lowered to what the window holds. Needs the extra `[llmlingua]` and the compressor's weights (`compressor`
    may be a local folder); without them an InputError comes before any call. Named deviations: passages are whole
    sentences up to `passage_tokens`; the question stands in our own prompt, uncompressed, and not in the package's.
    """

    card: ClassVar[MethodCard] = MethodCard(
        title="LongLLMLingua",
        family="compression",
        cost="1 call (and the compressor's D + 2·⌈kept / 200⌉ passes here)",
        url="https://arxiv.org/abs/2310.06839",
        year=2023,
        stages="compress for the question (here) → read",
        requires=("llmlingua",),
    )
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
        check_installed("long_llm_lingua")

    def build(self, context: Context, bench: Bench) -> None:
        open_compressor("long_llm_lingua", self.compressor, self.device, second=False)

    def answer(self, question: Question, state: None, bench: Bench) -> Answer:
        asked = render_question(question)
        room = room_for(READ(text="", question=asked), bench, reply_tokens=bench.answer_tokens)
        texts = [chunk.text for chunk in passages(bench, self.passage_tokens) if chunk.text.strip()]
        if not texts:
            return bench.reply(READ(text="", question=asked), step="read")
        compressor = open_compressor("long_llm_lingua", self.compressor, self.device, second=False)
        made = compressor.compress(
            texts,
            question=question.text,
            target_token=min(round(self.rate * sum(map(bench.count, texts))), room),
            condition_in_question="after_condition",
            reorder_context="sort",
            dynamic_context_compression_ratio=self.ratio,
            condition_compare=True,
            context_budget="+100",
            rank_method="longllmlingua",
            concate_question=False,
        )
        bench.note("compressed", f"{made.tokens_before} to {made.tokens_after} tokens in {made.seconds:.1f} s")
        return bench.reply(READ(text=cut(made.text, room, bench), question=asked), step="read")
