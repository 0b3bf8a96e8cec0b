"""LLMLingua-2: a small token classifier keeps the tokens that carry meaning, and the compressed context is read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from workbench.method.compressors import check_installed, open_compressor
from workbench.method.fitting import cut, room_for
from workbench.method.prompts import ANSWER_RULE, Prompt, render_question
from workbench.method.protocol import Bench, MethodCard
from workbench.records import Answer, Context, Question

READ = Prompt("llm_lingua2.read", user=f"{{text}}\n\n{ANSWER_RULE}\n\nQuestion: {{question}}\nAnswer:")


@dataclass(frozen=True)
class LlmLingua2:
    """Pan et al., ACL Findings 2024 (arXiv 2403.12968; microsoft/LLMLingua, MIT), by the authors' package `llmlingua`.
    Each document is compressed once, at index time and whatever the question; 1 call reads the result.

    Defaults are the repository's: rate 0.33, line breaks and question marks always kept, XLM-RoBERTa-large trained on
    MeetingBank. Needs the extra `[llmlingua]` and the weights (`compressor` may be a local folder); without them an
    InputError is raised before any call. The compressor runs in this process; its tokens and seconds are recorded.

    Deviations:
    - titles of documents are shown as they are, not compressed;
    - over the window the end of the compressed text is cut, and counted as dropped.
    """

    card: ClassVar[MethodCard] = MethodCard(
        title="LLMLingua-2",
        cost="1 call (and the compressor's ⌈N / 510⌉ passes here, once per context)",
        url="https://arxiv.org/abs/2403.12968",
        year=2024,
        stages="index: compress (here) | read",
        requires=("llmlingua",),
    )
    compressor: str = "microsoft/llmlingua-2-xlm-roberta-large-meetingbank"
    device: str = "cpu"
    rate: float = 0.33
    keep: tuple[str, ...] = ("\n", "?")

    def __post_init__(self) -> None:
        if not 0 < self.rate <= 1:
            raise ValueError("rate must lie between 0 and 1")

    def check(self) -> None:
        """Raise InputError when this method cannot run here."""
        check_installed("llm_lingua2")

    def build(self, context: Context, bench: Bench) -> str:
        compressor = open_compressor("llm_lingua2", self.compressor, self.device, second=True)
        texts = []
        for document in context.documents:
            if not document.text.strip():
                continue
            made = compressor.compress([document.text], rate=self.rate, force_tokens=list(self.keep))
            bench.note("compressed", f"{made.tokens_before} to {made.tokens_after} tokens in {made.seconds:.1f} s")
            texts.append(f"[{document.title}]\n{made.text}" if document.title else made.text)
        return "\n\n".join(texts)

    def answer(self, question: Question, state: str, bench: Bench) -> Answer:
        asked = render_question(question)
        room = room_for(READ(text="", question=asked), bench, reply_tokens=bench.answer_tokens)
        text = cut(state, room, bench)
        dropped = bench.count(state) - bench.count(text) if len(text) < len(state) else 0
        return bench.reply(READ(text=text, question=asked), step="read", dropped_tokens=dropped)
