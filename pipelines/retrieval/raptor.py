"""RAPTOR: chunks are clustered and summarised, layer upon layer; a question is matched with the nodes of all layers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

from workbench.method.fitting import cut, leading, note_number, note_room, packed, room_for
from workbench.method.prompts import ANSWER_RULE, Prompt, render_question
from workbench.method.protocol import Bench, MethodCard
from workbench.records import Answer, Chunk, Context, Hit, Question
from workbench.retrieval.graphs.soft_clusters import soft_clusters
from workbench.retrieval.indexes.text_index import TextIndex

SUMMARISE = Prompt(
    "raptor.summarise",
    user="{texts}\n\nWrite a summary of the texts above, with as many of their key details as possible: names, places, "
    "numbers, dates, and what happens.\nSummary:",
)
READ = Prompt("raptor.read", user=f"{{texts}}\n\n{ANSWER_RULE}\n\nQuestion: {{question}}\nAnswer:")


@dataclass(frozen=True)
class Node:
    """A node of the tree. A leaf has its chunk, a summary the numbers of the nodes that it summarises."""

    text: str
    children: tuple[int, ...] = ()
    chunk: Chunk | None = None


@dataclass(frozen=True)
class Tree:
    """All nodes, the numbers of the nodes in each layer (leaves first), and an index of all nodes' texts."""

    nodes: tuple[Node, ...]
    layers: tuple[tuple[int, ...], ...]
    index: TextIndex


@dataclass(frozen=True)
class Raptor:
    """Sarthi et al., ICLR 2024 (arXiv 2401.18059; parthsarthi03/raptor, MIT). Index stage: leaves of whole sentences;
    while a layer has more than 11 nodes, and for at most `layers` layers, its nodes are softly clustered and one call
    summarises each cluster, in parallel within a layer. Query stage: `collapsed` takes the nodes nearest to the
    question among all layers; `tree` takes the nearest of the top layer, then the nearest of their children, and so on
    down. One call reads them.

    Defaults are the repository's: leaves and summaries of 100 tokens, 5 layers, clusters up to 3,500 tokens; collapsed:
    the 10 nearest nodes in 3,500 tokens; tree: 5 nodes per layer.

    Deviations:
    - a cluster that is too long is cut into consecutive groups (upstream clusters it again);
    - vectors are reduced spectrally instead of by UMAP (see `soft_clusters`); the embedder is the workbench's;
    - leaves keep their punctuation and order, and a sentence longer than a leaf is cut at words;
    - a layer that does not shrink ends the tree, recorded;
    - an empty summary is replaced by the beginning of its texts, recorded;
    - when nothing is found, the top layer is read, recorded.
    """

    card: ClassVar[MethodCard] = MethodCard(
        title="RAPTOR",
        cost="index: Σ layers clusters (layers in sequence); query: 1 call",
        url="https://arxiv.org/abs/2401.18059",
        year=2024,
        stages="index: cluster → summarise (parallel) → cluster → … | nearest nodes → read",
    )
    form: Literal["collapsed", "tree"] = "collapsed"
    leaf_tokens: int = 100
    summary_tokens: int = 100
    layers: int = 5
    cluster_tokens: int = 3_500
    top_k: int = 10
    budget_tokens: int = 3_500
    tree_top_k: int = 5

    def __post_init__(self) -> None:
        if self.leaf_tokens < 1 or self.layers < 0 or self.top_k < 1 or self.tree_top_k < 1:
            raise ValueError("leaf_tokens, top_k and tree_top_k must be at least 1, and layers not negative")

    def build(self, context: Context, bench: Bench) -> Tree:
        leaves = bench.index(chunk_tokens=self.leaf_tokens, splitter="packed").chunks
        nodes = [Node(leaf.text.strip(), chunk=leaf) for leaf in leaves]
        layers = [tuple(range(len(nodes)))]
        tokens = note_room(self.summary_tokens, SUMMARISE(texts=""), bench)
        while len(layers[-1]) > 11 and len(layers) <= self.layers:
            groups = self._clusters(nodes, layers[-1], tokens, bench)
            if len(groups) >= len(layers[-1]):
                bench.note("layer_did_not_shrink", len(layers))
                break
            prompts = [SUMMARISE(texts="\n\n".join(nodes[i].text for i in group)) for group in groups]
            replies = bench.ask_many(prompts, step="summarise", max_tokens=tokens)
            start = len(nodes)
            for group, reply in zip(groups, replies, strict=True):
                text = reply.text.strip() or " ".join(nodes[i].text for i in group)
                nodes.append(Node(cut(text, tokens, bench, noted=False), tuple(group)))
            note_number("empty_summaries", sum(not reply.text.strip() for reply in replies), bench)
            layers.append(tuple(range(start, len(nodes))))
        return Tree(tuple(nodes), tuple(layers), bench.text_index([node.text for node in nodes]))

    def _clusters(self, nodes: Sequence[Node], layer: Sequence[int], tokens: int, bench: Bench) -> list[list[int]]:
        """The clusters of a layer, cut so that each fits the prompt that summarises it."""
        room = min(self.cluster_tokens, room_for(SUMMARISE(texts=""), bench, reply_tokens=tokens))
        groups = []
        for cluster in soft_clusters(bench.embed([nodes[i].text for i in layer]), seed=224):
            parts = packed([nodes[layer[i]].text for i in cluster], room, bench, "\n\n".join)
            if len(parts) > 1:
                bench.note("cluster_cut_in", len(parts))
            members = iter(cluster)
            groups += [[layer[next(members)] for _ in part] for part in parts]
        return groups

    def answer(self, question: Question, state: Tree, bench: Bench) -> Answer:
        asked = render_question(question)
        room = room_for(READ(texts="", question=asked), bench, reply_tokens=bench.answer_tokens)
        found = self._walk(question.text, state) if self.form == "tree" else self._nearest(question.text, state)
        if not found and state.nodes:
            bench.note("nothing_found", "read the top layer")
            found = [(i, 0.0) for i in state.layers[-1][: self.top_k]]
        limit = min(room, self.budget_tokens) if self.form == "collapsed" else room

        def shown(some: Sequence[tuple[int, float]]) -> str:
            return "\n\n".join(" ".join(state.nodes[i].text.split()) for i, _ in some)

        kept = leading(found, limit, bench, shown)
        text = shown(kept) if kept or not found else cut(shown(found[:1]), limit, bench)
        read = [(chunk, score) for i, score in kept if (chunk := state.nodes[i].chunk) is not None]
        hits = [Hit(chunk, score, rank) for rank, (chunk, score) in enumerate(read, 1)]
        dropped = sum(bench.count(state.nodes[i].text) for i, _ in found[len(kept) :])
        return bench.reply(READ(texts=text, question=asked), step="read", hits=hits, dropped_tokens=dropped)

    def _nearest(self, query: str, tree: Tree) -> list[tuple[int, float]]:
        return tree.index.dense(query, self.top_k)

    def _walk(self, query: str, tree: Tree) -> list[tuple[int, float]]:
        found: list[tuple[int, float]] = []
        among: Sequence[int] = tree.layers[-1]
        while among:
            nearest = tree.index.dense(query, self.tree_top_k, among=among)
            found += nearest
            among = sorted({child for i, _ in nearest for child in tree.nodes[i].children})
        return found
