"""LongRAG: few, long units are retrieved; one call writes a long answer from them, a second call shortens it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from workbench.method.fitting import cut, fitting_hits, hits_text, leading, note_room, reduced, room_for
from workbench.method.prompts import ANSWER_RULE, Prompt, render_question
from workbench.method.protocol import Bench, MethodCard, Portion
from workbench.records import Answer, Context, Document, Hit, Message, Question
from workbench.retrieval.chunks.chunking import pack
from workbench.retrieval.indexes.text_index import TextIndex

READ = Prompt(
    "long_rag.read",
    user="{units}\n\n{titles}First find the documents above that help to answer the question below. If it asks for a "
    "comparison or a choice, compare and choose; else find the words that answer it. Then answer in a few sentences "
    "that name what the answer rests on.\n\nQuestion: {question}\nReply:",
)
EXTRACT = Prompt(
    "long_rag.extract",
    system="You shorten answers: from a question and a long answer you take the shortest words that answer it.\n\n"
    "Question: Who wrote the opera? Long answer: The opera is by Ilse Brand, of 1901. Short answer: Ilse Brand\n"
    "Question: When did the mill close? Long answer: It closed in May 1932, after a flood. Short answer: May 1932\n"
    "Question: Is Orr older than Venn? Long answer: Orr was born in 1840, Venn in 1851, so yes. Short answer: yes\n"
    "Question: How far is it to Lund? Long answer: Lund lies about 40 miles off. Short answer: 40 miles\n"
    "Question: Which is longer, the Aas or the Bek? Long answer: The Bek, at 90 km, is longer. Short answer: the Bek\n"
    "Question: Where was he buried? Long answer: He was laid to rest in Arles. Short answer: Arles\n"
    "Question: What was her trade? Long answer: She worked as a clockmaker. Short answer: clockmaker\n"
    "Question: How many ships sank? Long answer: Of nine ships three were lost. Short answer: three",
    user=f"{{long_answer}}\n\n{ANSWER_RULE}\n\nQuestion: {{question}}\nAnswer:",
)
_MARKED = re.compile(r"answer:[ \t]*(\S.*)", re.I)


@dataclass(frozen=True)
class Units:
    """The long units; an index of their passages, and for each passage the number of its unit."""

    units: tuple[Portion, ...]
    unit_of: tuple[int, ...]
    index: TextIndex


@dataclass(frozen=True)
class LongRag:
    """Jiang, Ma and Chen 2024 (arXiv 2406.15319; TIGER-AI-Lab/LongRAG, MIT). Units of about 4,000 tokens are ranked by
    the best of their 512-token passages. The best units, about 30,000 tokens, go to a reader that writes a long answer;
    a second call shortens it, with eight examples. 2 calls in sequence.

    Deviations:
    - the long answer is "a few sentences that name what the answer rests on" (upstream: very concise, in the exact
      words of the context);
    - units are neighbouring documents (upstream groups documents that link to each other), and a document longer than a
      unit is cut;
    - the second call has the answer rule of all methods, so it may say that there is no answer;
    - a unit takes at most half of a small window, recorded;
    - when nothing is found, the first units are read, recorded;
    - the workbench's embedder instead of bge-large.
    """

    card: ClassVar[MethodCard] = MethodCard(
        title="LongRAG (long units)",
        cost="2 calls in sequence",
        url="https://arxiv.org/abs/2406.15319",
        year=2024,
        stages="index passages of units | rank units → read → shorten",
    )
    unit_tokens: int = 4_000
    passage_tokens: int = 512
    top_k: int = 8
    budget_tokens: int = 30_000
    long_answer_tokens: int = 1_000

    def __post_init__(self) -> None:
        if self.top_k < 1 or not 1 <= self.passage_tokens <= self.unit_tokens:
            raise ValueError("top_k must be at least 1, and passage_tokens between 1 and unit_tokens")

    def build(self, context: Context, bench: Bench) -> Units:
        most = room_for(_read("", (), ""), bench, reply_tokens=0) // 2
        size = reduced(self.unit_tokens, most, bench, "unit_tokens")
        units = bench.split(room=size)
        passages = [
            (passage.text, number)
            for number, unit in enumerate(units)
            for chunk in unit.chunks
            for passage in pack(Document("", chunk.text), self.passage_tokens, bench.count)
        ]
        index = bench.text_index([text for text, _ in passages])
        return Units(tuple(units), tuple(number for _, number in passages), index)

    def answer(self, question: Question, state: Units, bench: Bench) -> Answer:
        asked = render_question(question)
        last = room_for(EXTRACT(long_answer="", question=asked), bench, reply_tokens=bench.answer_tokens)
        ranked = self._ranked(question.text, state, bench)
        titles = tuple(dict.fromkeys(t for unit, _ in ranked for t in _titles(unit, bench.context)))
        frame = _read("", titles, asked)
        if bench.count(frame) > bench.window // 2:  # the titles alone would fill a small window
            titles, frame = (), _read("", (), asked)
        tokens = note_room(self.long_answer_tokens, frame, bench)
        room = min(self.budget_tokens, room_for(frame, bench, reply_tokens=tokens))
        kept = leading(ranked, room, bench, _rendered)
        hits = _hits(kept)
        dropped = sum(bench.count(unit.text) for unit, _ in ranked[len(kept) :])
        text = _rendered(kept)
        if ranked and not kept:  # not even the best unit fits: read its first chunks
            hits, left_out = fitting_hits(_hits(ranked[:1]), room, bench)
            dropped += left_out - bench.count(ranked[0][0].text)
            text = hits_text(hits, bench)
        reply = bench.ask(_read(text, titles, asked), step="read", max_tokens=tokens)
        long_answer = cut(marked(reply.text), last, bench)
        if not long_answer:
            bench.note("long_answer_empty", True)
        prompt = EXTRACT(long_answer=long_answer, question=asked)
        done = bench.reply(prompt, step="extract", hits=hits, dropped_tokens=dropped)
        return Answer(marked(done.text), hits=done.hits, dropped_tokens=dropped)

    def _ranked(self, query: str, state: Units, bench: Bench) -> list[tuple[Portion, float]]:
        """The best units, each with the score of its best passage. When nothing is found, the first units in the order
        of the text, noted."""
        best: dict[int, float] = {}
        for passage, score in state.index.dense(query, len(state.index)):
            best.setdefault(state.unit_of[passage], score)
        if not best and state.units:
            bench.note("nothing_found", "read the first units")
        found = list(best.items()) or [(number, 0.0) for number in range(len(state.units))]
        return [(state.units[number], score) for number, score in found[: self.top_k]]


def marked(reply: str) -> str:
    """What follows "answer:" on its line, as upstream reads replies; without it, the whole reply.

    >>> marked("Two are useful.\\nAnswer: Bergen"), marked("Bergen")
    ('Bergen', 'Bergen')
    """
    found = _MARKED.search(reply)
    return found.group(1).strip() if found else reply.strip()


def _read(text: str, titles: Sequence[str], asked: str) -> tuple[Message, ...]:
    listed = f"Titles of the documents above: {'; '.join(titles)}\n\n" if titles else ""
    return READ(units=text, titles=listed, question=asked)


def _titles(unit: Portion, context: Context) -> list[str]:
    found = [context.document(chunk.document_id).title for chunk in unit.chunks]
    return [title for title in found if title]


def _hits(units: Sequence[tuple[Portion, float]]) -> list[Hit]:
    chunks = [(chunk, score) for unit, score in units for chunk in unit.chunks]
    return [Hit(chunk, score, rank) for rank, (chunk, score) in enumerate(chunks, 1)]


def _rendered(units: Sequence[tuple[Portion, float]]) -> str:
    return "\n\n".join(unit.text for unit, _ in units)
