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
AIM, PROBE_TOKENS = ", and on this one: ", 64


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
class Found:
    """What a search for a probe found in one layer, and the cue drawn from it."""

    probe: str
    layer: str
    text: str
    cue: str
    hits: tuple[Hit, ...] = ()


@dataclass(frozen=True)
class Rooms:
    """Tokens of texts and replies that the prompts have room for; the last four only matter when there are rounds."""

    reading: int
    cue_tokens: int
    finding: int
    probe_tokens: int = 0
    probing: int = 0
    fusion_tokens: int = 0
    fusing: int = 0


@dataclass(frozen=True)
class ComoRag:
    """Wang et al., AAAI 2026 (arXiv 2508.10419; EternityJune25/ComoRAG, MIT). Index stage: HippoRAG 2's graph of
    chunks, RAPTOR's cluster summaries, and a timeline for every window of w consecutive chunks (w grows with their
    number). Query stage: all layers are searched, each layer's find is condensed to a cue, an answer is tried from the
    texts. While it is declined, up to `iterations` times: up to 3 probes, each searched and condensed side by side; the
    nearer half of all earlier cues is fused; the next try reads the new cues and all fused accounts. The last try
    counts. With A tries, f = A - 1 and p probes: 4 + A + f·(2 + 4p) calls, 3 + 5f in sequence.

    Defaults: chunks of 512 tokens, layers of 3,000, 1,000 and 1,000 (smaller windows: the same shares), 50 candidates,
    5 iterations. Upstream's slips are not repeated (w always 2, summaries cut at 100 tokens). Named deviations: of each
    layer the best that fit are read, in order (upstream puts its 50 in order first, and so keeps the earliest); what an
    earlier round has read may be found again (upstream means to leave it out, and does not); declining is the common
    rule's "unanswerable", not "*"; answers without titled sections; no probing after the last try; clusters as in
    `raptor`, over its own leaves, with membership over 0.1. Unparsable or no new probes: the round only fuses; an empty
    summary is its text; an empty cue is left out; a question that finds no chunk reads the first ones. All are noted.
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

    def __post_init__(self) -> None:
        if self.iterations < 0 or self.probes < 1 or self.candidates < 1 or len(self.layer_tokens) != 3:
            raise ValueError("probes and candidates must be at least 1, iterations not negative, layer_tokens three")

    @property
    def _hippo(self) -> HippoRag:
        return HippoRag(chunk_tokens=self.chunk_tokens, passage_weight=0.005)

    def build(self, context: Context, bench: Bench) -> Story:
        raptor = Raptor(leaf_tokens=self.chunk_tokens, summary_tokens=self.summary_tokens)

        def themes() -> list[str]:
            return [node.text for node in raptor.build(context, bench).nodes if node.chunk is None]

        branches: list[Callable[[], Memory | list[str]]] = [
            lambda: self._hippo.build(context, bench), themes, lambda: self._timeline(bench)
        ]  # fmt: skip
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
        asked = render_question(question)
        rooms = self._rooms(asked, bench)
        search = partial(self._search, question, rooms=rooms, state=state, bench=bench)
        new = search("")
        shown = layered(new, [found.text for found in new])
        tried = self._try(shown, rooms.reading, asked, [hit for found in new for hit in found.hits], bench)
        pool: list[Found] = []
        fused: list[str] = []
        searched = [question.text]
        while declines(tried.text) and len(fused) < self.iterations:
            pool += new
            probes = self._probes(shown, searched, rooms, asked, bench)
            searched += probes
            new = [found for side in bench.parallel([partial(search, probe) for probe in probes]) for found in side]
            fused.append(self._fused(pool, rooms, question, asked, bench))
            shown = layered(new, [found.cue for found in new])
            shown += [f"Earlier findings:\n{account}" for account in reversed(fused) if account]
            tried = self._try(shown, rooms.reading, asked, [], bench)
        bench.note("rounds", len(fused))
        return tried

    def _try(self, shown: Sequence[str], room: int, asked: str, hits: Sequence[Hit], bench: Bench) -> Answer:
        kept = leading(shown, room, bench, "\n\n".join)
        text = "\n\n".join(kept) if kept else cut("".join(shown[:1]), room, bench)
        return bench.reply(READ(texts=text, question=asked), step="try", hits=hits)

    def _rooms(self, asked: str, bench: Bench) -> Rooms:
        """What every prompt has room for, known before the first is sent. Raises ContextOverflow."""
        reading = room_for(READ(texts="", question=asked), bench, reply_tokens=bench.answer_tokens)
        aim = AIM + "word " * PROBE_TOKENS if self.iterations else ""
        cue, fuse = CUE(texts="", aim=aim, question=asked), FUSE(cues="", question=asked)
        cue_tokens = note_room(self.cue_tokens, cue, bench)
        finding = min(room_for(cue, bench, reply_tokens=cue_tokens), max(1, reading - 32))
        if not self.iterations:
            return Rooms(reading, cue_tokens, finding)
        probe = PROBE(texts="", probes="", question=asked)
        probe_tokens, fusion_tokens = (
            note_room(300, probe, bench, schema=Probes),
            note_room(self.fusion_tokens, fuse, bench),
        )
        probing = room_for(probe, bench, reply_tokens=probe_tokens, schema=Probes)
        fusing = room_for(fuse, bench, reply_tokens=fusion_tokens)
        return Rooms(reading, cue_tokens, finding, probe_tokens, probing, fusion_tokens, fusing)

    def _search(self, question: Question, probe: str, rooms: Rooms, state: Story, bench: Bench) -> list[Found]:
        """All three layers for the question, or for a probe of it; every find with its cue."""
        query = replace(question, text=probe, options=()) if probe else question
        texts, hits = self._layers(query, rooms.finding, state, bench, whole=not probe)
        filled = [(layer, text) for layer, text in zip(LAYERS, texts, strict=True) if text]
        aim, asked = f"{AIM}{probe}" if probe else "", render_question(question)
        prompts = [CUE(texts=text, aim=aim, question=asked) for _, text in filled]
        replies = bench.ask_many(prompts, step="cue", max_tokens=rooms.cue_tokens)
        cues = [cut(reply.text.strip(), rooms.cue_tokens, bench) for reply in replies]
        note_number("empty_cues", cues.count(""), bench)
        return [
            Found(probe, layer, text, cue, tuple(hits) if layer == LAYERS[0] else ())
            for (layer, text), cue in zip(filled, cues, strict=True)
        ]

    def _layers(
        self, query: Question, room: int, state: Story, bench: Bench, *, whole: bool
    ) -> tuple[tuple[str, str, str], list[Hit]]:
        """The best of each layer that fits its share of the room, text and timeline in order; and the chunks."""
        share = min(1.0, room / sum(self.layer_tokens))
        ver, sem, epi = (max(1, int(part * share)) for part in self.layer_tokens)
        chunks = state.veridical.index.chunks
        hits = self._hippo.ranked(query, state.veridical, bench)[: self.candidates]
        if whole:  # a probe may find nothing, the question itself reads something
            hits = from_the_start(hits, chunks, self.candidates, bench)
        hits, _ = fitting_hits(hits, ver, bench, lambda some: "\n".join(hit.chunk.text for hit in some))
        place = {(chunk.document_id, chunk.start): i for i, chunk in enumerate(chunks)}
        in_order = sorted(hits, key=lambda hit: place[hit.chunk.document_id, hit.chunk.start])
        themes = [state.semantic.texts[i] for i, _ in state.semantic.dense(query.text, self.candidates)]
        windows = [i for i, _ in state.episodic.dense(query.text, self.candidates)]
        kept = leading(windows, epi, bench, lambda some: "\n".join(state.episodic.texts[i] for i in some))
        texts = (
            "\n".join(hit.chunk.text for hit in in_order),
            "\n".join(leading(themes, sem, bench, "\n".join)),
            "\n".join(state.episodic.texts[i] for i in sorted(kept)),
        )
        return texts, hits

    def _probes(
        self, shown: Sequence[str], searched: Sequence[str], rooms: Rooms, asked: str, bench: Bench
    ) -> list[str]:
        tokens, room = rooms.probe_tokens, rooms.probing
        before = cut("; ".join(reversed(searched)), room // 4, bench, noted=False)
        text = cut("\n\n".join(shown), room - bench.count(before) - 1, bench, noted=False)
        prompt = PROBE(texts=text, probes=before, question=asked)
        reply = bench.ask(prompt, step="probe", max_tokens=tokens, schema=Probes)
        said = [] if reply.parsed is None else [probe.strip() for probe in reply.parsed.probes]
        new = [cut(p, PROBE_TOKENS, bench, noted=False) for p in dict.fromkeys(said) if p and p not in searched][
            : self.probes
        ]
        if not new:
            bench.note("no_new_probe", reply.text[:40])
        return new

    def _fused(self, pool: Sequence[Found], rooms: Rooms, question: Question, asked: str, bench: Bench) -> str:
        """One account of the half of the pool's cues that is nearest to the question."""
        vectors = bench.embed([question.text, *(f"{found.probe} {found.cue}" for found in pool)])
        scores = (vectors[1:] @ vectors[0]).tolist()
        order = sorted(range(len(pool)), key=lambda i: (-scores[i], i))[: max(1, len(pool) // 2)]
        cues = [pool[i].cue for i in order if pool[i].cue]
        kept = leading(cues, rooms.fusing, bench, lambda some: labelled(some, "Finding"))
        text = labelled(kept, "Finding")
        reply = bench.ask(FUSE(cues=text, question=asked), step="fuse", max_tokens=rooms.fusion_tokens)
        return cut(reply.text.strip(), rooms.fusion_tokens, bench, noted=False)


def window_width(chunks: int) -> int:
    """How many consecutive chunks a timeline covers.

    >>> [window_width(n) for n in (5, 20, 50, 100, 200, 1_000, 10_000)]
    [2, 3, 5, 8, 10, 19, 20]
    """
    for most, width in ((5, 2), (20, 3), (50, 5), (100, 8), (200, 10)):
        if chunks <= most:
            return width
    return min(20, int(2 * log2(chunks)))


def layered(found: Sequence[Found], texts: Sequence[str]) -> list[str]:
    """One paragraph per layer that holds something, under the layer's name."""
    parts = []
    for layer in LAYERS:
        own = [text for item, text in zip(found, texts, strict=True) if item.layer == layer and text]
        if own:
            parts.append(f"{layer}:\n" + "\n".join(own))
    return parts
