"""ComoRAG: three layers of memory; while the question cannot be answered, new probes search them and what is found is
fused."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from math import log2
from typing import ClassVar

from pydantic import BaseModel

from pipelines.graph.hippo_rag import HippoRag, Memory
from pipelines.retrieval.raptor import Raptor
from pipelines.retrieval.self_route import declines
from workbench.method.fitting import (
    cut,
    fitting_hits,
    from_the_start,
    labelled,
    leading,
    note_number,
    note_room,
    room_for,
)
from workbench.method.prompts import ANSWER_RULE, Prompt, render_question
from workbench.method.protocol import Bench, MethodCard
from workbench.records import Answer, Context, Hit, Question
from workbench.retrieval.bounds import within
from workbench.retrieval.indexes.text_index import TextIndex

TIMELINE = Prompt(
    "como_rag.timeline",
    user="{texts}\n\nThe text above is one stretch of a longer text. Tell in order what happens in it: who does what, "
    "when and where, and what changes.\nSummary:",
)
CUE = Prompt(
    "como_rag.cue",
    user="{texts}\n\nFrom the text above, write down at most five findings that bear on the question below{aim}. Give "
    "names, numbers and dates. Do not answer the question.\n\nQuestion: {question}\nNotes:",
)
PROBE = Prompt(
    "como_rag.probe",
    user="{texts}\n\nWhat is known so far, above, is not enough to answer the question below. Already searched for: "
    "{probes}\n\nWrite up to three new, different questions whose answers would close the gap; prefer persons, things "
    "and events that were not asked about yet.\n\nQuestion: {question}\nReply:",
)
FUSE = Prompt(
    "como_rag.fuse",
    user="{cues}\n\nAbove are findings from earlier searches. Fuse them into one coherent account of what bears on the "
    "question below. Do not answer it.\n\nQuestion: {question}\nNotes:",
)
READ = Prompt("como_rag.read", user=f"{{texts}}\n\n{ANSWER_RULE}\n\nQuestion: {{question}}\nAnswer:")
LAYERS = ("Text", "Themes", "Timeline")
AIM, PROBE_TOKENS = ", and on this one: ", 64  # a longer probe is cut


class Probes(BaseModel):
    """New questions to search for."""

    probes: list[str]


@dataclass(frozen=True)
class Story:
    """The three layers: facts and chunks, summaries of clusters, summaries of consecutive windows."""

    veridical: Memory
    semantic: TextIndex
    episodic: TextIndex


@dataclass(frozen=True)
class Evidence:
    """What one layer of the memory holds on a query, as text that fits its share of the prompt, and its chunks."""

    layer: str
    text: str
    hits: tuple[Hit, ...] = ()


@dataclass(frozen=True)
class MemoryNode:
    """Evidence found for the question (`probe` None) or for a probe of it, and the cue drawn from it."""

    evidence: Evidence
    probe: str | None
    cue: str


@dataclass(frozen=True)
class ComoRag:
    """Wang et al., AAAI 2026 (arXiv 2508.10419; EternityJune25/ComoRAG, MIT). Index stage: HippoRAG 2's graph of
    chunks, RAPTOR's cluster summaries, and a timeline for every window of w consecutive chunks (w grows with their
    number). Query stage: all layers are searched, each layer's find is condensed to a cue, an answer is tried from the
    texts. While it is declined, up to `iterations` times: up to 3 probes, each searched and condensed side by side; the
    nearer half of all earlier cues is fused; the next try reads the new cues and all fused accounts. The last try
    counts. With A tries, f = A - 1 and p probes: 4 + A + f·(2 + 4p) calls, 3 + 5f in sequence.

    Defaults: chunks of 512 tokens, layers of 3,000, 1,000 and 1,000 (smaller windows: the same shares), 50 candidates,
    5 iterations. Upstream's slips are not repeated (w always 2, summaries cut at 100 tokens).

    Deviations:
    - of each layer the best that fit are read, in order (upstream puts its 50 in order first, so it keeps the
      earliest); what an earlier round has read may be found again (upstream means to leave it out, and does not);
    - declining is the common rule's "unanswerable", not "*"; answers without titled sections;
    - no probing after the last try; clusters as in `raptor`, over its own leaves, with membership over 0.1;
    - without readable or new probes a round only fuses; an empty summary is replaced by its text, an empty cue left
      out; a question that finds no chunk reads the first ones. All are noted.
    """

    card: ClassVar[MethodCard] = MethodCard(
        title="ComoRAG",
        cost="index: 2n + ⌈n / w⌉ + clusters; query: 4 + A + f·(2 + 4p) (5 to 80), 3 + 5f in sequence",
        url="https://arxiv.org/abs/2508.10419",
        year=2025,
        stages="index: graph ∥ clusters ∥ timeline | search → cues → try (→ probe → search, cues → fuse → try)*",
    )
    iterations: int = 5
    probes: int = 3
    candidates: int = 50
    chunk_tokens: int = 512
    layer_tokens: tuple[int, int, int] = (3_000, 1_000, 1_000)
    cue_tokens: int = 500
    fusion_tokens: int = 1_000
    summary_tokens: int = 300
    facts_tokens: int = 1_024  # visible tokens of a chunk's names, and of its triples
    filter_tokens: int = 512  # visible tokens of the facts that the graph's filter keeps
    probe_tokens: int = 300  # visible tokens of the reply with all probes

    def __post_init__(self) -> None:
        if self.iterations < 0 or self.probes < 1 or self.candidates < 1 or len(self.layer_tokens) != 3:
            raise ValueError("probes and candidates must be at least 1, iterations not negative, layer_tokens three")
        for name in ("facts_tokens", "filter_tokens", "probe_tokens"):
            within(name, getattr(self, name), 1)

    @property
    def graph(self) -> HippoRag:
        """The veridical layer's method."""
        return HippoRag(
            chunk_tokens=self.chunk_tokens,
            passage_weight=0.005,
            reply_tokens=self.facts_tokens,
            filter_tokens=self.filter_tokens,
        )

    def build(self, context: Context, bench: Bench) -> Story:
        raptor = Raptor(leaf_tokens=self.chunk_tokens, summary_tokens=self.summary_tokens)

        def themes() -> list[str]:
            return [node.text for node in raptor.build(context, bench).nodes if node.chunk is None]

        def facts() -> Memory:
            return self.graph.build(context, bench)

        def timeline() -> list[str]:
            return self._timeline(bench)

        branches: list[Callable[[], Memory | list[str]]] = [facts, themes, timeline]
        memory, semantic, episodic = bench.parallel(branches)
        assert isinstance(memory, Memory) and isinstance(semantic, list) and isinstance(episodic, list)
        return Story(memory, bench.text_index(semantic), bench.text_index(episodic))

    def _timeline(self, bench: Bench) -> list[str]:
        chunks = bench.index(chunk_tokens=self.chunk_tokens).chunks
        width = window_width(len(chunks))
        windows = [chunks[i : i + width] for i in range(0, len(chunks), width)]
        windows = [window for window in windows if len(window) > 1]
        tokens = note_room(self.summary_tokens, TIMELINE(texts=""), bench)
        room = room_for(TIMELINE(texts=""), bench, reply_tokens=tokens)
        texts = [cut("\n".join(chunk.text for chunk in window), room, bench) for window in windows]
        replies = bench.ask_many([TIMELINE(texts=text) for text in texts], step="timeline", max_tokens=tokens)
        told = [cut(reply.text.strip(), tokens, bench, noted=False) for reply in replies]
        note_number("empty_timelines", told.count(""), bench)
        return [summary or text for summary, text in zip(told, texts, strict=True)]

    def answer(self, question: Question, state: Story, bench: Bench) -> Answer:
        loop = Loop(self, question, state, bench, self._rooms(render_question(question), bench))
        nodes = loop.encoded(None)
        shown = by_layer([(node, node.evidence.text) for node in nodes])
        tried = loop.tried(shown, [hit for node in nodes for hit in node.evidence.hits])
        pool: list[MemoryNode] = []
        accounts: list[str] = []
        searched = [question.text]
        while declines(tried.text) and len(accounts) < self.iterations:
            pool += nodes
            probes = loop.probes(shown, searched)
            searched += probes
            sides = bench.parallel([partial(loop.encoded, probe) for probe in probes])
            nodes = [node for side in sides for node in side]
            accounts.append(loop.fused(pool))
            shown = by_layer([(node, node.cue) for node in nodes])
            shown += [f"Earlier findings:\n{account}" for account in reversed(accounts) if account]
            tried = loop.tried(shown)
        bench.note("rounds", len(accounts))
        return tried

    def _rooms(self, asked: str, bench: Bench) -> Rooms:
        """What every prompt has room for, known before the first is sent. Raises ContextOverflow."""
        reading = room_for(READ(texts="", question=asked), bench, reply_tokens=bench.answer_tokens)
        aim = AIM + "word " * PROBE_TOKENS if self.iterations else ""
        cue, fuse = CUE(texts="", aim=aim, question=asked), FUSE(cues="", question=asked)
        cue_tokens = note_room(self.cue_tokens, cue, bench)
        cue_room = Room(min(room_for(cue, bench, reply_tokens=cue_tokens), max(1, reading - 32)), cue_tokens)
        if not self.iterations:
            return Rooms(reading, cue_room)
        probe = PROBE(texts="", probes="", question=asked)
        probe_tokens = note_room(self.probe_tokens, probe, bench, schema=Probes)
        fusion_tokens = note_room(self.fusion_tokens, fuse, bench)
        return Rooms(
            reading,
            cue_room,
            Room(room_for(probe, bench, reply_tokens=probe_tokens, schema=Probes), probe_tokens),
            Room(room_for(fuse, bench, reply_tokens=fusion_tokens), fusion_tokens),
        )


@dataclass(frozen=True)
class Room:
    """Tokens of text that a prompt has room for, and tokens of its reply."""

    text: int = 0
    reply: int = 0


@dataclass(frozen=True)
class Rooms:
    """The rooms of the prompts; without iterations nothing is probed or fused."""

    reading: int
    cue: Room
    probe: Room = Room()
    fuse: Room = Room()


@dataclass(frozen=True)
class Loop:
    """The steps of the metacognitive loop over one question, each under the paper's name for it."""

    method: ComoRag
    question: Question
    story: Story
    bench: Bench
    rooms: Rooms

    @property
    def asked(self) -> str:
        """The question with its options."""
        return render_question(self.question)

    def encoded(self, probe: str | None) -> list[MemoryNode]:
        """Tri-Retrieve and Mem-Encode: all layers searched for the question, or for a probe of it; what each holds is
        condensed to a cue."""
        bench, reply = self.bench, self.rooms.cue.reply
        found = [evidence for evidence in self._evidence(probe) if evidence.text]
        aim = "" if probe is None else f"{AIM}{probe}"
        prompts = [CUE(texts=evidence.text, aim=aim, question=self.asked) for evidence in found]
        replies = bench.ask_many(prompts, step="cue", max_tokens=reply)
        cues = [cut(reply_.text.strip(), reply, bench) for reply_ in replies]
        note_number("empty_cues", cues.count(""), bench)
        return [MemoryNode(evidence, probe, cue) for evidence, cue in zip(found, cues, strict=True)]

    def tried(self, shown: Sequence[str], hits: Sequence[Hit] = ()) -> Answer:
        """Try-Answer: from the paragraphs that fit."""
        room = self.rooms.reading
        kept = leading(shown, room, self.bench, "\n\n".join)
        text = "\n\n".join(kept) if kept else cut("".join(shown[:1]), room, self.bench)
        return self.bench.reply(READ(texts=text, question=self.asked), step="try", hits=hits)

    def probes(self, shown: Sequence[str], searched: Sequence[str]) -> list[str]:
        """Self-Probe: new questions whose answers would close the gap; none, noted, when the reply has none."""
        bench, room = self.bench, self.rooms.probe
        before = cut("; ".join(reversed(searched)), room.text // 4, bench, noted=False)
        text = cut("\n\n".join(shown), room.text - bench.count(before) - 1, bench, noted=False)
        prompt = PROBE(texts=text, probes=before, question=self.asked)
        reply = bench.ask(prompt, step="probe", max_tokens=room.reply, schema=Probes)
        said = [] if reply.parsed is None else [probe.strip() for probe in reply.parsed.probes]
        fresh = [probe for probe in dict.fromkeys(said) if probe and probe not in searched]
        if not fresh:
            bench.note("no_new_probe", reply.text[:40])
        return [cut(probe, PROBE_TOKENS, bench, noted=False) for probe in fresh][: self.method.probes]

    def fused(self, pool: Sequence[MemoryNode]) -> str:
        """Mem-Fuse: one account of the half of the memory pool's cues that is nearest to the question."""
        bench, room = self.bench, self.rooms.fuse
        vectors = bench.embed([self.question.text, *(f"{node.probe or ''} {node.cue}" for node in pool)])
        scores = (vectors[1:] @ vectors[0]).tolist()
        nearest = sorted(range(len(pool)), key=lambda i: -scores[i])[: max(1, len(pool) // 2)]
        cues = [pool[i].cue for i in nearest if pool[i].cue]
        kept = leading(cues, room.text, bench, lambda some: labelled(some, "Finding"))
        prompt = FUSE(cues=labelled(kept, "Finding"), question=self.asked)
        reply = bench.ask(prompt, step="fuse", max_tokens=room.reply)
        return cut(reply.text.strip(), room.reply, bench, noted=False)

    def _evidence(self, probe: str | None) -> list[Evidence]:
        """The best of each layer that fits its share of the room, chunks and timeline in the order of the text."""
        method, story, bench = self.method, self.story, self.bench
        query = self.question if probe is None else replace(self.question, text=probe, options=())
        share = min(1.0, self.rooms.cue.text / sum(method.layer_tokens))
        veridical, semantic, episodic = (max(1, int(part * share)) for part in method.layer_tokens)
        chunks = story.veridical.index.chunks
        hits = method.graph.ranked(query, story.veridical, bench)[: method.candidates]
        if probe is None:  # a probe may find nothing, the question itself reads something
            hits = from_the_start(hits, chunks, method.candidates, bench)
        hits, _ = fitting_hits(hits, veridical, bench, lambda some: "\n".join(hit.chunk.text for hit in some))
        place = {(chunk.document_id, chunk.start): i for i, chunk in enumerate(chunks)}
        in_order = sorted(hits, key=lambda hit: place[hit.chunk.document_id, hit.chunk.start])
        themes = [story.semantic.texts[i] for i, _ in story.semantic.dense(query.text, method.candidates)]
        windows = [i for i, _ in story.episodic.dense(query.text, method.candidates)]
        windows = leading(windows, episodic, bench, lambda some: "\n".join(story.episodic.texts[i] for i in some))
        text, theme, timeline = LAYERS
        return [
            Evidence(text, "\n".join(hit.chunk.text for hit in in_order), tuple(hits)),
            Evidence(theme, "\n".join(leading(themes, semantic, bench, "\n".join))),
            Evidence(timeline, "\n".join(story.episodic.texts[i] for i in sorted(windows))),
        ]


def by_layer(told: Sequence[tuple[MemoryNode, str]]) -> list[str]:
    """What is told of memory nodes, as one paragraph per layer that holds something, under the layer's name."""
    parts = []
    for layer in LAYERS:
        own = [text for node, text in told if node.evidence.layer == layer and text]
        if own:
            parts.append(f"{layer}:\n" + "\n".join(own))
    return parts


def window_width(chunks: int) -> int:
    """How many consecutive chunks a timeline covers.

    >>> [window_width(n) for n in (5, 20, 50, 100, 200, 1_000, 10_000)]
    [2, 3, 5, 8, 10, 19, 20]
    """
    for most, width in ((5, 2), (20, 3), (50, 5), (100, 8), (200, 10)):
        if chunks <= most:
            return width
    return min(20, int(2 * log2(chunks)))
