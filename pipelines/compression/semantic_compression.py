"""Semantic compression: blocks are grouped into topics, topics are summarised, and the summaries are read in order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from workbench.method.fitting import cut, note_number, note_room, reduced, room_for
from workbench.method.prompts import ANSWER_RULE, Prompt, render_question
from workbench.method.protocol import Bench, MethodCard
from workbench.records import Answer, Context, Question

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

COMPRESS = Prompt(
    "semantic_compression.compress",
    user="{chunk}\n\nCompress the text above to at most {words} words. Keep every fact: who, what, when, where, and "
    "how much. Leave out only what is repeated or says nothing.\nSummary:",
)
READ = Prompt("semantic_compression.read", user=f"{{text}}\n\n{ANSWER_RULE}\n\nQuestion: {{question}}\nAnswer:")
QUESTION_TOKENS = 256  # kept free for the question, which is not known at index time


@dataclass(frozen=True)
class SemanticCompression:
    """Fei et al., ACL Findings 2024 (arXiv 2312.09571; no repository): at index time, and whatever the question, the
    text is compressed about `ratio` times until it fits the window.

    Blocks of sentences are embedded, and the graph of their similarities is cut into topics by modularity. Within a
    topic, blocks are packed in order up to the summariser's 512 tokens, and one call compresses each pack, in parallel.
    The results stand in the order of their first blocks. This is repeated, at most `rounds` times, while the text does
    not fit the window; a text that fits is left as it is.

    Deviations:
    - the model compresses, instead of a fine-tuned BART;
    - edges join each block to its `neighbours` nearest blocks;
    - an empty summary is replaced by its source, recorded;
    - what does not fit after the last round is cut.
    """

    card: ClassVar[MethodCard] = MethodCard(
        title="Semantic compression",
        cost="index: Σ rounds ⌈N / 512⌉ (rounds in sequence; 0 if it fits); query: 1 call",
        url="https://arxiv.org/abs/2312.09571",
        year=2023,
        stages="index: blocks → topics → compress (parallel), until it fits | read",
    )
    block_tokens: int = 128
    pack_tokens: int = 512
    ratio: int = 6
    neighbours: int = 5
    rounds: int = 3

    def __post_init__(self) -> None:
        if self.ratio < 2 or self.neighbours < 1 or self.pack_tokens < self.block_tokens:
            raise ValueError("ratio must be at least 2, neighbours 1, and pack_tokens not below block_tokens")

    def build(self, context: Context, bench: Bench) -> str:
        wanted = max(32, self.pack_tokens // self.ratio)
        tokens = note_room(wanted, COMPRESS(chunk="", words=0), bench)
        most = room_for(COMPRESS(chunk="", words=0), bench, reply_tokens=tokens)
        pack = reduced(self.pack_tokens, most, bench, "pack_tokens")
        room = bench.room(READ(text="", question=""), reply_tokens=bench.answer_tokens)
        room -= min(QUESTION_TOKENS, room // 4)
        blocks = [part.text for part in bench.split(room=max(1, min(self.block_tokens, pack // 2)))]
        for _ in range(self.rounds):
            if bench.count("\n".join(blocks)) <= room:
                break
            packs = self._packs(blocks, pack, bench)
            prompts = [COMPRESS(chunk=cut(text, pack, bench), words=tokens * 2 // 3) for text in packs]
            replies = bench.ask_many(prompts, step="compress", max_tokens=tokens)
            shorter = [cut(reply.text.strip(), tokens, bench) for reply in replies]
            note_number("empty_summaries", shorter.count(""), bench)
            blocks = [short or text for short, text in zip(shorter, packs, strict=True)]
        return "\n".join(blocks)

    def _packs(self, blocks: Sequence[str], room: int, bench: Bench) -> list[str]:
        """The blocks of each topic, joined in order up to `room` tokens; packs in the order of their first blocks."""
        packs: list[list[int]] = []
        for topic in topics(bench.embed(blocks), self.neighbours):
            own: list[list[int]] = []
            for i in topic:
                if not own or bench.count("\n".join(blocks[j] for j in (*own[-1], i))) > room:
                    own.append([])
                own[-1].append(i)
            packs += own
        return ["\n".join(blocks[i] for i in pack) for pack in sorted(packs)]

    def answer(self, question: Question, state: str, bench: Bench) -> Answer:
        asked = render_question(question)
        room = room_for(READ(text="", question=asked), bench, reply_tokens=bench.answer_tokens)
        text = cut(state, room, bench)
        dropped = bench.count(state) - bench.count(text) if len(text) < len(state) else 0
        return bench.reply(READ(text=text, question=asked), step="read", dropped_tokens=dropped)


def topics(vectors: NDArray[np.float32], neighbours: int) -> list[list[int]]:
    """The blocks partitioned by greedy modularity (Clauset, Newman and Moore 2004) on the graph of their nearest
    neighbours with a positive cosine. Positions ascend within a topic. The same vectors always give the same topics."""
    import networkx as nx
    import numpy as np

    similarity = vectors @ vectors.T
    np.fill_diagonal(similarity, -1.0)
    graph = nx.Graph()
    graph.add_nodes_from(range(len(vectors)))
    for i, row in enumerate(similarity):
        for j in np.argsort(-row, kind="stable")[:neighbours].tolist():
            if row[j] > 0:
                graph.add_edge(i, j, weight=float(row[j]))
    if not graph.number_of_edges():
        return [[i] for i in graph]
    found = nx.community.greedy_modularity_communities(graph, weight="weight")
    return sorted(sorted(topic) for topic in found)
