"""Query transforms: what is searched for instead of, or beside, the question as it was asked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from workbench.errors import UnknownName
from workbench.retrieval.asking import Asker, filled, lines

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from workbench.retrieval.indexes.chunk_index import ChunkIndex

TRANSFORMS = ("none", "hyde", "multi_query", "decompose", "step_back")
HYDE_PROMPT = (
    "Write one short passage, as it could stand in a document, that answers the question below. Invent what you do not "
    "know. Write the passage only.\n\nQuestion: {question}\nPassage:"
)
MULTI_QUERY_PROMPT = (
    "A search in a document collection shall find the answer to the question below. Word the question in {number} "
    "other ways: other words, other order, names in full. One a line, nothing else."
    "\n\nQuestion: {question}\nRewordings:"
)
DECOMPOSE_PROMPT = (
    "Which simpler questions have to be answered first to answer the question below? Write at most {number}, each "
    "understandable by itself, one a line, nothing else. A question that is simple already is written again as it is."
    "\n\nQuestion: {question}\nSimpler questions:"
)
STEP_BACK_PROMPT = (
    "Write one more general question whose answer gives the background needed to answer the question below. Write that "
    "question only.\n\nQuestion: {question}\nMore general question:"
)
_TEMPERATURE = 0.7  # HyDE's


@dataclass(frozen=True)
class Query:
    """What is searched for: one or more wordings, the question first, and for HyDE a vector for the dense search."""

    wordings: tuple[str, ...]
    vector: Any = None


def transformed(
    question: str,
    kind: str,
    index: ChunkIndex,
    asker: Asker,
    *,
    number: int = 4,
    question_tokens: int = 64,
    passage_tokens: int = 512,
) -> Query:
    """The question as it is searched for; the plain question when the model's reply is unusable or has no room.

    `hyde` (Gao et al., arXiv 2212.10496; texttron/hyde): a model writes `number` passages as answers, sampled at
    temperature 0.7, which are embedded as documents; their mean with the question's vector is searched for (dense only;
    BM25 gets the question). `multi_query`: up to `number` rewordings beside the question. `decompose`: up to `number`
    simpler questions beside it. `step_back` (Zheng et al., arXiv 2310.06117): one more general question beside it. All
    wordings are searched for, and their rankings fused. A passage has at most `passage_tokens` tokens (512 are HyDE's),
    a reply with questions `question_tokens` for each. Raises UnknownName.
    """
    if kind not in TRANSFORMS:
        raise UnknownName("query transform", kind, list(TRANSFORMS), field="query")
    if kind == "none":
        return Query((question,))
    if kind == "hyde":
        return Query((question,), _hyde(question, index, asker, number, passage_tokens))
    template, count, step = {
        "multi_query": (MULTI_QUERY_PROMPT, number, "reword"),
        "decompose": (DECOMPOSE_PROMPT, number, "decompose"),
        "step_back": (STEP_BACK_PROMPT, 1, "step_back"),
    }[kind]
    prompt = filled(template, question=question, number=count)
    tokens = min(question_tokens * count, asker.room(prompt, 0))
    if tokens < 8:
        return Query((question,))
    (reply,) = asker.ask([prompt], step=step, max_tokens=tokens)
    others = [line for line in lines(reply, count) if line != question]
    return Query((question, *others))


def _hyde(question: str, index: ChunkIndex, asker: Asker, number: int, most: int) -> NDArray[np.float32]:
    import numpy as np

    prompt = filled(HYDE_PROMPT, question=question)
    tokens = min(most, asker.room(prompt, 0))
    replies: list[str] = []
    if tokens >= 8 and number > 0:
        replies = asker.ask([prompt] * number, step="hyde", max_tokens=tokens, temperature=_TEMPERATURE)
    passages = [reply.strip() for reply in replies if reply.strip()]
    rows = [index.embed_queries([question])]
    if passages:
        rows.append(index.embedder.embed(passages))
    mean: NDArray[np.float32] = np.concatenate(rows).mean(axis=0)  # its length does not matter to the ranking
    return mean
