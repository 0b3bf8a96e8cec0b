"""The reading call that most retrieval methods share: one prompt over the chunks that were found."""

from __future__ import annotations

from collections.abc import Sequence

from workbench.method.fitting import fitting_hits, hits_text
from workbench.method.prompts import ANSWER_RULE, Prompt, render_question
from workbench.method.protocol import Bench
from workbench.records import Answer, Hit, Question
from workbench.retrieval.ranking.selection import arranged

READ = Prompt("chunk_rag.read", user=f"{{chunks}}\n\n{ANSWER_RULE}\n\nQuestion: {{question}}\nAnswer:")


def read_hits(hits: Sequence[Hit], question: Question, bench: Bench, *, order: str = "relevance") -> Answer:
    """One call over retrieved chunks, arranged by `order` (see `arranged`). When they do not fit the window the lowest
    ranks are dropped; when not even the first one fits, its end is cut."""
    asked = render_question(question)
    room = bench.room(READ(chunks="", question=asked), reply_tokens=bench.answer_tokens)
    kept, dropped = fitting_hits(hits, room, bench)
    shown = arranged(kept, order, bench.context)
    return bench.reply(
        READ(chunks=hits_text(shown, bench), question=asked), step="read", hits=kept, dropped_tokens=dropped
    )
