"""Recursive summarisation: parts are summarised, summaries are merged level by level, and the last one is read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from workbench.method.fitting import SEAM, cut, labelled, note_room, packed, reduced, room_for
from workbench.method.prompts import ANSWER_RULE, Prompt, render_question
from workbench.method.protocol import Bench, MethodCard
from workbench.records import Answer, Context, Question, Reply

SUMMARISE = Prompt(
    "recursive_summary.summarise",
    user="{chunk}\n\nThe text above is one part of a longer text. Write a summary of it that keeps who did what, when "
    "and where: names, numbers, dates, and how things are related. At most {words} words.\nSummary:",
)
MERGE = Prompt(
    "recursive_summary.merge",
    user="{summaries}\n\nAbove are summaries of consecutive parts of a longer text. Merge them into one summary in the "
    "same order, which reads as one text; keep names, numbers and dates. At most {words} words.\nSummary:",
)
READ = Prompt(
    "recursive_summary.read",
    user=f"{{summary}}\n\n{ANSWER_RULE}\n\nQuestion: {{question}}\nAnswer:",
    shared=("summary",),
)
_WORDS_PER_TOKEN = 0.65  # BooookScore's word_ratio


@dataclass(frozen=True)
class RecursiveSummary:
    """Wu et al. 2021, "Recursively Summarizing Books" (arXiv 2109.10862), in BooookScore's form, hierarchical merging
    (Chang et al., ICLR 2024, arXiv 2310.00785; lilakk/BooookScore, summ.py, MIT).

    Index stage: n parts are summarised in parallel; then as many consecutive summaries as fit one prompt are merged,
    level by level, until one is left. Query stage: one call reads it. Summaries do not depend on the question, so all
    questions share them. Defaults are the repository's: parts of 2,048 tokens, summaries of 900 tokens, 0.65 words
    asked for per token.

    Deviations:
    - a merge does not show the summary before it, which would make every level sequential;
    - a summary that is too long is cut (upstream asks again, up to six times);
    - an empty summary is dropped, recorded;
    - all levels have the same limits (upstream: each its own);
    - merging also ends when no two summaries fit one prompt (recorded) or after `levels` levels; then all are read;
    - the temperature is the experiment's (upstream: 0.5).
    """

    card: ClassVar[MethodCard] = MethodCard(
        title="Recursive summarisation",
        cost="index: n + Σ groups (1 + levels in sequence); query: 1 call",
        url="https://arxiv.org/abs/2310.00785",
        year=2023,
        stages="index: summarise (parallel) → merge until one is left | read",
    )
    chunk_tokens: int = 2_048
    summary_tokens: int = 900
    levels: int = 8

    def build(self, context: Context, bench: Bench) -> str:
        frame = MERGE(summaries="", words=0)
        tokens = note_room(self.summary_tokens, frame, bench, held=2)
        room = room_for(frame, bench, reply_tokens=tokens)
        words = round(tokens * _WORDS_PER_TOKEN)
        size = reduced(self.chunk_tokens, room - SEAM, bench)
        prompts = [SUMMARISE(chunk=part.text, words=words) for part in bench.split(room=size)]
        summaries = self._kept(bench.ask_many(prompts, step="summarise", max_tokens=tokens), tokens, bench)
        for _ in range(self.levels):
            if len(summaries) < 2:
                break
            groups = packed(summaries, room, bench, _numbered)
            if len(groups) == len(summaries):  # no two fit together
                bench.note("merge_stuck", len(summaries))
                break
            prompts = [MERGE(summaries=_numbered(group), words=words) for group in groups]
            summaries = self._kept(bench.ask_many(prompts, step="merge", max_tokens=tokens), tokens, bench)
        return "\n\n".join(summaries)

    def _kept(self, replies: list[Reply], tokens: int, bench: Bench) -> list[str]:
        texts = [cut(reply.text.strip(), tokens, bench) for reply in replies]
        kept = [text for text in texts if text]
        if len(kept) < len(texts):
            bench.note("empty_summaries", len(texts) - len(kept))
        return kept

    def answer(self, question: Question, state: str, bench: Bench) -> Answer:
        asked = render_question(question)
        room = room_for(READ(summary="", question=asked), bench, reply_tokens=bench.answer_tokens)
        return bench.reply(READ(summary=cut(state, room, bench), question=asked), step="read")


def _numbered(summaries: Sequence[str]) -> str:
    return labelled(summaries, "Summary")
