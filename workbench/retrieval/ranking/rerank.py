"""Rerankers: put a search's candidates in a better order, by a model, by their vectors or by an entity graph."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from workbench.errors import UnknownName
from workbench.records import Chunk, Hit
from workbench.retrieval.asking import Asker, filled
from workbench.retrieval.bounds import within

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from workbench.retrieval.indexes.chunk_index import ChunkIndex

RERANKERS = ("none", "listwise", "listwise_full", "pointwise", "cross_encoder", "mmr", "graph")
LISTWISE_PROMPT = (
    "{passages}\n\nAbove are {number} passages, each under its number in brackets. Put all of them in order of how "
    "much they help to answer the question below, the most helpful first, in the form [2] > [1] > [3]. Reply with that "
    "line only.\n\nQuestion: {question}\nOrder:"
)
POINTWISE_PROMPT = (
    "{passage}\n\nHow much does the passage above help to answer the question below? Reply with one whole number from "
    "0 (not at all) to 10 (it holds the full answer), nothing else.\n\nQuestion: {question}\nNumber:"
)
_ID_TOKENS = 5  # "[12] > "
_LEAST_PASSAGE = 24  # tokens; a passage cut shorter than this is useless
_SEAM = 8  # a tokenizer may split a joined text differently
_NUMBER = re.compile(r"\d+(?:\.\d+)?")


@dataclass(frozen=True, slots=True)
class Rerank:
    """Which reranker to use, and its settings: `window` and `step` for listwise (RankGPT: 20 and 10), `diversity` for
    MMR (weight of being unlike the passages already taken; 0 is relevance only), `cross_encoder` for the model, named
    as in `cross_encoder.py`; the tokens of a model's ranking (None: 5 for each passage shown and 8) and grade."""

    kind: Literal["none", "listwise", "listwise_full", "pointwise", "cross_encoder", "mmr", "graph"] = "none"
    window: int = 20
    step: int = 10
    diversity: float = 0.5
    cross_encoder: str = ""
    ranking_tokens: int | None = None
    grade_tokens: int = 8

    def __post_init__(self) -> None:
        """Raises InputError with the field's name among the options of `chunk_rag`."""
        if self.kind not in RERANKERS:
            raise UnknownName("reranker", self.kind, list(RERANKERS), field="rerank")
        within("rerank_window", self.window, 2)
        within("rerank_step", self.step, 1, self.window)
        within("diversity", self.diversity, 0, 1)
        within("ranking_tokens", 1 if self.ranking_tokens is None else self.ranking_tokens, 1)
        within("grade_tokens", self.grade_tokens, 1)


def reranked(question: str, hits: Sequence[Hit], how: Rerank, index: ChunkIndex, asker: Asker) -> list[Hit]:
    """All hits in their new order, ranked from 1.

    Their scores become the reranker's: 1 / rank (listwise), grade / 10 (pointwise), the model's (cross-encoder), the
    marginal relevance (MMR), the PageRank (graph).
    """
    chunks = [hit.chunk for hit in hits]
    if how.kind == "none" or len(hits) < 2:
        return list(hits)
    if how.kind in ("listwise", "listwise_full"):
        window = len(chunks) if how.kind == "listwise_full" else how.window
        step = min(how.step, window)
        order = listwise(question, chunks, asker, window=window, step=step, reply_tokens=how.ranking_tokens)
        scored = [(position, 1 / rank) for rank, position in enumerate(order, 1)]
    elif how.kind == "pointwise":
        scored = pointwise(question, chunks, asker, reply_tokens=how.grade_tokens)
    elif how.kind == "cross_encoder":
        from workbench.retrieval.ranking.cross_encoder import open_cross_encoder

        encoder = open_cross_encoder(how.cross_encoder)
        scores = encoder.scores(question, [chunk.text for chunk in chunks], directory=index.directory)
        if left_out := scores.count(None):
            asker.note("candidates_not_scored", left_out)
        scored = below_the_scored(scores)
    elif how.kind == "mmr":
        scored = mmr(index.embed_queries([question])[0], index.vectors_of(chunks), how.diversity)
    else:
        scored = by_graph(question, hits)
    return [Hit(chunks[position], float(score), rank) for rank, (position, score) in enumerate(scored, 1)]


def below_the_scored(scores: Sequence[float | None]) -> list[tuple[int, float]]:
    """Positions by their scores, best first; then those without one in their order, all with 0, or with one less than
    the lowest score where that is not above 0.

    >>> below_the_scored([None, 0.2, None, 0.9]), below_the_scored([None, -3.0])
    ([(3, 0.9), (1, 0.2), (0, 0.0), (2, 0.0)], [(1, -3.0), (0, -4.0)])
    """
    given = [score for score in scores if score is not None]
    lowest = min(given, default=1.0)
    least = 0.0 if lowest > 0 else lowest - 1
    filled_in = [least if score is None else score for score in scores]
    return sorted(enumerate(filled_in), key=lambda item: (-item[1], item[0]))


def listwise(
    question: str,
    chunks: Sequence[Chunk],
    asker: Asker,
    *,
    window: int = 20,
    step: int = 10,
    reply_tokens: int | None = None,
) -> list[int]:
    """Positions in the order that a model gives them: in windows from the last to the first candidates, so that the
    best rise (RankGPT: Sun et al., arXiv 2304.09542), or all at once in a window that holds them all (arXiv
    2412.14574).

    Makes ⌈(n − window) / step⌉ + 1 calls, one after the other; the last window always begins at the first candidate. A
    reply that is not a ranking changes nothing. Passages are cut to their share of the prompt; those for which not even
    24 tokens are left are not shown and keep their places. All three cases are recorded by `asker.note`. A reply has at
    most `reply_tokens` tokens, or 5 for each passage shown and 8 when None.
    """
    order = list(range(len(chunks)))
    for start, end in windows(len(order), min(window, len(order)), step):
        shown = order[start:end]
        prompt = filled(LISTWISE_PROMPT, passages="", number=len(shown), question=question)
        room = asker.room(prompt, 0) - _SEAM
        if reply_tokens is None:
            fitting = min(len(shown), room // (_LEAST_PASSAGE + 2 * _ID_TOKENS))
        else:
            fitting = min(len(shown), (room - reply_tokens) // (_LEAST_PASSAGE + _ID_TOKENS))
        if fitting < len(shown):
            asker.note("candidates_not_shown", len(shown) - max(0, fitting))
        if fitting < 2:
            continue
        tokens = fitting * _ID_TOKENS + 8 if reply_tokens is None else reply_tokens
        share = (room - tokens) // fitting - _ID_TOKENS
        whole = [chunks[position].text.strip() for position in shown[:fitting]]
        texts = [asker.cut(text, share) for text in whole]
        if texts != whole:
            asker.note("passages_cut", sum(len(text) < len(full) for text, full in zip(texts, whole, strict=True)))
        passages = "\n\n".join(f"[{number}] {text}" for number, text in enumerate(texts, 1))
        prompt = filled(LISTWISE_PROMPT, passages=passages, number=fitting, question=question)
        (reply,) = asker.ask([prompt], step="rerank", max_tokens=tokens)
        if not ranked_in(reply, fitting):
            asker.note("ranking_unreadable", reply[:40])
        order[start : start + fitting] = [shown[i] for i in permutation(reply, fitting)]
    return order


def windows(number: int, size: int, step: int) -> list[tuple[int, int]]:
    """The windows (start, end) over `number` candidates, from the last candidates to the first.

    >>> windows(25, 20, 10), len(windows(100, 20, 10)), windows(1, 1, 10)
    ([(5, 25), (0, 15)], 9, [])
    """
    if number < 2:
        return []
    spans = [(number - size, number)]
    while spans[-1][0] > 0:
        end = spans[-1][1] - step
        spans.append((max(0, end - size), end))
    return spans


def permutation(reply: str, number: int) -> list[int]:
    """All positions (from 0), first those that the reply ranks, in its order, then the rest.

    Numbers in brackets count; without any, bare numbers do, unless the reply contains letters ("the top 10").

    >>> permutation("[3] > [1] > [3] > [9]", 4)
    [2, 0, 1, 3]
    """
    order = ranked_in(reply, number)
    return [*order, *(i for i in range(number) if i not in order)]


def ranked_in(reply: str, number: int) -> list[int]:
    """The positions below `number` that a reply ranks, each once; empty when it is not a ranking."""
    text = reply.rpartition("</think>")[2]
    bare = [] if re.search(r"[^\W\d_]", text) else re.findall(r"\d{1,4}", text)
    named = [int(digits) - 1 for digits in re.findall(r"\[\s*(\d{1,4})\s*\]", text) or bare]
    return list(dict.fromkeys(i for i in named if 0 <= i < number))


def pointwise(
    question: str, chunks: Sequence[Chunk], asker: Asker, *, reply_tokens: int = 8
) -> list[tuple[int, float]]:
    """Positions with grades from 0 to 1 that a model gives each passage by itself; ties keep their order.

    One call per passage, all independent. A reply without a number counts as 0, which is recorded. Without room for 24
    tokens of a passage, no call is made and the order stays as it is.
    """
    frame = filled(POINTWISE_PROMPT, passage="", question=question)
    room = asker.room(frame, reply_tokens) - _SEAM
    if room < _LEAST_PASSAGE:
        return [(position, 1 / (1 + position)) for position in range(len(chunks))]
    prompts = [
        filled(POINTWISE_PROMPT, passage=asker.cut(chunk.text.strip(), room), question=question) for chunk in chunks
    ]
    replies = asker.ask(prompts, step="grade", max_tokens=reply_tokens)
    unreadable = sum(not _NUMBER.search(reply.rpartition("</think>")[2]) for reply in replies)
    if unreadable:
        asker.note("grades_unreadable", unreadable)
    grades = [grade(reply) for reply in replies]
    return sorted(enumerate(grades), key=lambda item: (-item[1], item[0]))


def grade(reply: str) -> float:
    """The first number of a reply divided by 10, at most 1; 0 without a number.

    >>> grade("8/10"), grade("Score: 3."), grade("none"), grade("99")
    (0.8, 0.3, 0.0, 1.0)
    """
    found = _NUMBER.search(reply.rpartition("</think>")[2])
    return min(float(found.group()), 10.0) / 10 if found else 0.0


def mmr(query: NDArray[np.float32], vectors: NDArray[np.float32], diversity: float = 0.5) -> list[tuple[int, float]]:
    """Maximal marginal relevance (Carbonell and Goldstein, SIGIR 1998): positions in the order in which they are taken,
    with their values. The one taken next has the largest (1 − diversity) · cos(query) − diversity · (largest cosine to
    those already taken)."""
    import numpy as np

    relevance = vectors @ query
    closest = np.full(len(vectors), -np.inf)
    left = np.ones(len(vectors), dtype=bool)
    taken: list[tuple[int, float]] = []
    for _ in range(len(vectors)):
        unlike = np.where(np.isinf(closest), 0.0, closest)
        value = np.where(left, (1 - diversity) * relevance - diversity * unlike, -np.inf)
        position = int(np.argmax(value))
        taken.append((position, float(value[position])))
        left[position] = False
        closest = np.maximum(closest, vectors @ vectors[position])
    return taken


def by_graph(question: str, hits: Sequence[Hit]) -> list[tuple[int, float]]:
    """Positions by personalised PageRank over the graph of the candidates' entities (no model call).

    Entities that share a sentence are joined with each other, and each entity with its chunks. The walk restarts at
    the question's entities and, with less weight, at the candidates by their scores (after HippoRAG 2, arXiv
    2502.14802).
    """
    from workbench.retrieval.graphs.entity_graph import EntityGraph, cooccurrence_triples, entities

    texts = [hit.chunk.text for hit in hits]
    graph = EntityGraph([t for i, text in enumerate(texts) for t in cooccurrence_triples(text, i)], texts)
    lowest = min(hit.score for hit in hits)
    span = max(hit.score for hit in hits) - lowest or 1.0
    prior = {position: 0.05 * (0.01 + (hit.score - lowest) / span) for position, hit in enumerate(hits)}
    ranked = graph.rank(graph.seeds(entities(question)), prior)
    found = {position for position, _ in ranked}
    return [*ranked, *((position, 0.0) for position in range(len(hits)) if position not in found)]
