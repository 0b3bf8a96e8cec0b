"""Parent–child retrieval: small children are searched, and the larger parents to which they belong are read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

from pipelines._reading import read_hits
from workbench.method.fitting import from_the_start
from workbench.method.protocol import Bench, MethodCard, Retriever
from workbench.records import Answer, Chunk, Context, Hit, Question
from workbench.retrieval.indexes.chunk_index import ChunkIndex


@dataclass(frozen=True)
class Family:
    """The index of the children, the number of each child's parent, and the parents, which are runs of children."""

    index: ChunkIndex
    parent_of: tuple[int, ...]
    parents: tuple[Chunk, ...]


@dataclass(frozen=True)
class ParentChild:
    """Small-to-big retrieval: LangChain's ParentDocumentRetriever (`merge: always`) and llama-index's
    AutoMergingRetriever (`merge: majority`; both MIT). Children are searched. A parent is read in place of its
    children: always, or when more than half of them were found. 1 call.

    Children of 128 and parents of 512 tokens are the two lower levels of llama-index's hierarchy; 12 children are
    searched for, as in its example (LangChain's default: 4).

    Deviations:
    - two levels, not three;
    - a child between two found neighbours is not added (llama-index adds it);
    - a parent is a run of whole children of one document, so that both levels are cut at the same places;
    - parents rank by their best child;
    - when nothing is found, the first chunks of the text are read, recorded.
    """

    card: ClassVar[MethodCard] = MethodCard(
        title="Parent–child",
        cost="1 call",
        url="https://docs.llamaindex.ai/en/stable/examples/retrievers/auto_merging_retriever/",
        year=2023,
        stages="index children | retrieve children → parents → read",
    )
    merge: Literal["always", "majority"] = "always"
    top_k: int = 12
    child_tokens: int = 128
    parent_tokens: int = 512
    retriever: Retriever = "dense"

    def __post_init__(self) -> None:
        if self.top_k < 1 or not 1 <= self.child_tokens <= self.parent_tokens:
            raise ValueError("top_k must be at least 1, and child_tokens between 1 and parent_tokens")

    def build(self, context: Context, bench: Bench) -> Family:
        index = bench.index(chunk_tokens=self.child_tokens, splitter="packed")
        runs: list[list[Chunk]] = []
        parent_of = []
        tokens = 0
        for child in index.chunks:
            size = bench.count(child.text)
            if not runs or runs[-1][0].document_id != child.document_id or tokens + size > self.parent_tokens:
                runs.append([])
                tokens = 0
            runs[-1].append(child)
            tokens += size
            parent_of.append(len(runs) - 1)
        parents = [Chunk.of(context.document(r[0].document_id), r[0].start, r[-1].end) for r in runs]
        return Family(index, tuple(parent_of), tuple(parents))

    def answer(self, question: Question, state: Family, bench: Bench) -> Answer:
        found = state.index.search(question.text, self.top_k, self.retriever)
        found = from_the_start(found, state.index.chunks, self.top_k, bench)
        place = {chunk: i for i, chunk in enumerate(state.index.chunks)}
        parents = [state.parent_of[place[hit.chunk]] for hit in found]
        best: dict[Chunk, float] = {}
        for hit, parent in zip(found, parents, strict=True):
            whole = self.merge == "always" or 2 * parents.count(parent) > state.parent_of.count(parent)
            best.setdefault(state.parents[parent] if whole else hit.chunk, hit.score)
        hits = [Hit(chunk, score, rank) for rank, (chunk, score) in enumerate(best.items(), 1)]
        return read_hits(hits, question, bench)
