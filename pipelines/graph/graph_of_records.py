"""Graph of Records without its GNN: answers to simulated questions become records that are searched with the chunks."""

from __future__ import annotations

import random
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal

from workbench.method.fitting import SEAM, cut, leading, note_room, room_for
from workbench.method.prompts import ANSWER_RULE, Prompt, render_question
from workbench.method.protocol import Bench, MethodCard
from workbench.records import Answer, Chunk, Context, Hit, Question
from workbench.retrieval.bounds import within

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

SIMULATE = Prompt(
    "graph_of_records.simulate",
    user="{chunk}\n\nWrite one question that a reader interested in this material would ask and that the text above "
    "answers. Write the question only, on one line.\nReply:",
)
RECORD = Prompt(
    "graph_of_records.record",
    user="{texts}\n\nAnswer the question below from the text above, briefly but completely.\n\n"
    "Question: {question}\nNotes:",
)
READ = Prompt("graph_of_records.read", user=f"{{texts}}\n\n{ANSWER_RULE}\n\nQuestion: {{question}}\nAnswer:")


@dataclass(frozen=True)
class Records:
    """The texts and unit vectors of all nodes, chunks first, then records; edges from nodes to the records made of
    them."""

    texts: tuple[str, ...]
    chunks: tuple[Chunk, ...]
    edges: tuple[tuple[int, int], ...]
    vectors: NDArray[np.float32] | None = None


@dataclass(frozen=True)
class GraphOfRecords:
    """The retriever of "Graph of Records" (Zhang et al., ACL 2025, arXiv 2410.11001; ulab-uiuc/GoR, MIT) without the
    graph neural network that the paper trains: an ablation, not GoR. Index stage: questions are simulated from randomly
    drawn chunks, in parallel, and then answered one after the other, each from the 6 nearest nodes among the chunks and
    earlier answers. Each answer becomes a record, with edges from the nodes it was made of. Query stage: one call reads
    the 6 nearest nodes.

    `form: plain` compares the nodes' own vectors; `propagated` averages each with those of its neighbours (no
    parameters, no training). Chunks of 256 tokens with 32 shared, 30 questions and 6 nodes are the paper's; the limit
    of 256 tokens per record is ours.

    Deviations:
    - a simulated question is one that a reader would ask (upstream: one summary question that the chunk answers);
    - at most one question per chunk (the paper draws until it has 30, which a short text never gives);
    - repeated or empty questions are dropped, recorded;
    - the workbench's embedder instead of Contriever;
    - questions are simulated at the experiment's temperature (the paper: 0.5).
    """

    card: ClassVar[MethodCard] = MethodCard(
        title="Graph of Records without GNN",
        cost="index: 2·min(30, n), 1 + min(30, n) in sequence; query: 1 call",
        url="https://arxiv.org/abs/2410.11001",
        year=2024,
        stages="index: simulate (parallel) → record → record → … | nearest nodes → read",
    )
    form: Literal["plain", "propagated"] = "plain"
    questions: int = 30
    top_k: int = 6
    chunk_tokens: int = 256
    overlap: int = 32
    question_tokens: int = 64  # visible tokens of a simulated question
    record_tokens: int = 256

    def __post_init__(self) -> None:
        if self.top_k < 1 or self.questions < 0 or not 0 <= self.overlap < self.chunk_tokens:
            raise ValueError("top_k must be at least 1, questions not negative, and overlap less than chunk_tokens")
        within("question_tokens", self.question_tokens, 1)

    def build(self, context: Context, bench: Bench) -> Records:
        import numpy as np

        room = room_for(SIMULATE(chunk=""), bench, reply_tokens=self.question_tokens)
        chunks = bench.index(chunk_tokens=self.chunk_tokens, overlap=self.overlap).chunks
        if not chunks:
            return Records((), (), ())
        drawn = random.Random(bench.seed).sample(range(len(chunks)), min(self.questions, len(chunks)))
        prompts = [SIMULATE(chunk=cut(chunks[i].text, room, bench)) for i in sorted(drawn)]
        replies = bench.ask_many(prompts, step="simulate", max_tokens=self.question_tokens)
        written = [cut(question_line(reply.text), self.question_tokens, bench) for reply in replies]
        questions = [question for question in dict.fromkeys(written) if question]
        if len(questions) < len(prompts):
            bench.note("questions_dropped", len(prompts) - len(questions))
        texts = [chunk.text for chunk in chunks]
        vectors = bench.embed(texts)
        edges: list[tuple[int, int]] = []
        for question in questions:
            near = nearest(vectors, bench.embed([question])[0], self.top_k)
            record = self._record(question, [texts[i] for i in near], bench)
            if not record:
                bench.note("empty_record", question)
                continue
            edges += [(i, len(texts)) for i in near]
            texts.append(record)
            vectors = np.concatenate([vectors, bench.embed([record])])
        if self.form == "propagated":
            vectors = propagated(vectors, edges)
        return Records(tuple(texts), tuple(chunks), tuple(edges), vectors)

    def _record(self, question: str, texts: Sequence[str], bench: Bench) -> str:
        frame = RECORD(texts="", question=question)
        tokens = note_room(self.record_tokens, frame, bench)
        shown = _joined(texts, room_for(frame, bench, reply_tokens=tokens), bench)
        reply = bench.ask(RECORD(texts=shown, question=question), step="record", max_tokens=tokens)
        return cut(reply.text.strip(), tokens, bench, noted=False)

    def answer(self, question: Question, state: Records, bench: Bench) -> Answer:
        asked = render_question(question)
        room = room_for(READ(texts="", question=asked), bench, reply_tokens=bench.answer_tokens)
        query = bench.embed([question.text])[0]
        near = nearest(state.vectors, query, self.top_k) if state.vectors is not None else []
        kept = leading(near, room, bench, lambda some: "\n\n".join(state.texts[i] for i in some))
        text = "\n\n".join(state.texts[i] for i in kept) or _joined([state.texts[i] for i in near[:1]], room, bench)
        read = [state.chunks[i] for i in kept if i < len(state.chunks)]
        bench.note("records_read", len(kept) - len(read))
        hits = [Hit(chunk, 1 / rank, rank) for rank, chunk in enumerate(read, 1)]
        dropped = sum(bench.count(state.texts[i]) for i in near[len(kept) :])
        return bench.reply(READ(texts=text, question=asked), step="read", hits=hits, dropped_tokens=dropped)


def question_line(reply: str) -> str:
    """The first line that holds a letter, from its first letter on.

    >>> question_line("1. Who came?"), question_line("…")
    ('Who came?', '')
    """
    lines = (re.sub(r"^[\W\d_]+", "", line).strip() for line in reply.splitlines())
    return next((line for line in lines if line), "")


def nearest(vectors: NDArray[np.float32], query: NDArray[np.float32], k: int) -> list[int]:
    """The `k` rows with the highest inner products, ties by position."""
    scores = vectors @ query
    return sorted(range(len(vectors)), key=lambda i: (-float(scores[i]), i))[:k]


def propagated(vectors: NDArray[np.float32], edges: Sequence[tuple[int, int]]) -> NDArray[np.float32]:
    """Each row averaged with the rows of its neighbours, scaled to length 1 again."""
    import numpy as np

    from workbench.retrieval.embedders.embedder import unit_rows

    summed, degree = vectors.copy(), np.ones((len(vectors), 1), dtype=np.float32)
    for a, b in edges:
        summed[a] += vectors[b]
        summed[b] += vectors[a]
        degree[[a, b]] += 1
    return unit_rows(summed / degree)


def _joined(texts: Sequence[str], room: int, bench: Bench) -> str:
    """As many texts as fit, as paragraphs; at least the beginning of the first."""
    kept = leading(texts, room, bench, "\n\n".join)
    return "\n\n".join(kept) if kept else cut("".join(texts[:1]), room - SEAM, bench)
