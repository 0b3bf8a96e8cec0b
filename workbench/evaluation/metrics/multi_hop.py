"""Metrics of multi-hop question answering: HotpotQA and 2WikiMultihopQA, MuSiQue, MultiHop-RAG."""

from __future__ import annotations

import re
from collections.abc import Hashable, Sequence

from workbench.evaluation.metrics._registry import metric_function
from workbench.evaluation.metrics.answer_match import bag_f1, normalize_answer

_WHOLE = frozenset({"yes", "no", "noanswer"})


@metric_function(1, own_rule=True)
def hotpotqa_f1(prediction: str, references: list[str]) -> float:
    """Best token F1, where yes, no and noanswer score only when both sides are exactly that word (HotpotQA v1).

    >>> hotpotqa_f1("yes it is", ["yes"])
    0.0
    """
    return max((_guarded(normalize_answer(prediction), normalize_answer(r)) for r in references), default=0.0)


def _guarded(said: str, gold: str) -> float:
    if said != gold and (said in _WHOLE or gold in _WHOLE):
        return 0.0
    return bag_f1(said.split(), gold.split())


@metric_function(1, own_rule=True)
def musique_f1(prediction: str, references: list[str]) -> float:
    """Best token F1 as in SQuAD v2, with 1 when both sides are empty after normalisation (MuSiQue's `answer.py`)."""

    def score(reference: str) -> float:
        said, gold = normalize_answer(prediction).split(), normalize_answer(reference).split()
        return bag_f1(said, gold) if said and gold else float(said == gold)

    return max(map(score, references), default=0.0)


@metric_function(1, own_rule=True)
def multihop_rag_accuracy(prediction: str, references: list[str], *, official: bool = True) -> float:
    """1 when reply and gold share a word, in any case (MultiHop-RAG's `qa_evaluate.py`).

    A reply in the requested form, `The answer to the question is "X"`, is read as X. Officially any shared word counts,
    even "the"; without `official`, the normalised reply has to contain the whole normalised gold answer.
    """
    match = re.search(r'The answer to the question is "(.*?)"', prediction)
    said = match.group(1) if match else prediction
    if official:
        return float(any(set(said.lower().split()) & set(gold.lower().split()) for gold in references))
    words = f" {normalize_answer(said)} "
    return float(any(f" {normalize_answer(gold)} " in words for gold in references if normalize_answer(gold)))


def supporting_facts(predicted: Sequence[Hashable], gold: Sequence[Hashable]) -> tuple[float, float, float, float]:
    """Exact match, precision, recall and F1 of supporting facts, e.g. (title, sentence) (HotpotQA, 2Wiki, MuSiQue).

    >>> supporting_facts([("A", 0), ("B", 1)], [("A", 0)])
    (0.0, 0.5, 1.0, 0.6666666666666666)
    """
    said, wanted = set(predicted), set(gold)
    hits = len(said & wanted)
    precision = hits / len(said) if said else 0.0
    recall = hits / len(wanted) if wanted else 0.0
    f1 = 2 * precision * recall / (precision + recall) if precision + recall else 0.0
    return float(said == wanted), precision, recall, f1


def joint(answer: tuple[float, float, float], facts: tuple[float, float, float]) -> tuple[float, float, float]:
    """HotpotQA's joint precision, recall and F1: the products of the answer's and the facts' precision and recall,
    and their harmonic mean."""
    precision, recall = answer[0] * facts[0], answer[1] * facts[1]
    return precision, recall, 2 * precision * recall / (precision + recall) if precision + recall else 0.0


def multihop_rag_retrieval(retrieved: Sequence[str], gold: Sequence[str]) -> dict[str, float]:
    """Hits@4, Hits@10, MAP@10 and MRR@10 of one question (MultiHop-RAG's `retrieval_evaluate.py`).

    A text is a hit when it contains a gold fact verbatim, ignoring spaces and line breaks. As in the official code,
    precision at a rank is the number of facts first found *at* that rank divided by the rank, not of those found up to
    it.
    """
    texts = [re.sub("[ \n]", "", text) for text in retrieved[:10]]
    facts = [re.sub("[ \n]", "", fact) for fact in gold]
    found: set[str] = set()
    precision = 0.0
    first = 0
    for rank, text in enumerate(texts, 1):
        held = [fact for fact in facts if fact in text]
        if held and not first:
            first = rank
        precision += len(set(held) - found) / rank
        found |= set(held)
    return {
        "hits@4": float(0 < first <= 4),
        "hits@10": float(first > 0),
        "map@10": precision / min(len(facts), 10) if facts else 0.0,
        "mrr@10": 1 / first if first else 0.0,
    }
