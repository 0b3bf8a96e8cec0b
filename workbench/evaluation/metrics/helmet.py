"""HELMET (princeton-nlp/HELMET at 4526dfb): each measure on the raw and on the parsed reply, the better one counts."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence

from workbench.evaluation.metrics._registry import metric_function
from workbench.evaluation.metrics.answer_match import normalize_answer
from workbench.evaluation.metrics.multi_hop import hotpotqa_f1
from workbench.evaluation.metrics.rouge import google


def helmet_parsed(reply: str, prefix: str = "Answer:") -> str | None:
    """What follows the prefix up to the end of its line, case aside; None without the prefix.

    >>> helmet_parsed("So.\\nanswer: Paris\\nBecause")
    'Paris'
    """
    found = re.search(rf"{re.escape(prefix)}[ \t]*(.*)", reply, re.IGNORECASE)
    return found.group(1).strip() if found else None


def _best(measure: Callable[[str], float], reply: str, prefix: str) -> float:
    parsed = helmet_parsed(reply, prefix)
    return max(measure(reply), measure(parsed) if parsed is not None else 0.0)


@metric_function(1, own_rule=True)
def helmet_sub_em(prediction: str, references: list[str], *, prefix: str = "Answer:") -> float:
    """1 when a normalised gold stands in the normalised reply, inside of words too (recall and RAG)."""
    said = normalize_answer(prediction)  # what is parsed is part of it, so the raw reply decides
    return float(any(normalize_answer(reference) in said for reference in references))


@metric_function(1, own_rule=True)
def helmet_exact(prediction: str, references: list[str], *, prefix: str = "Answer:") -> float:
    """1 when the reply, or what follows the prefix, is a gold after normalisation."""
    gold = {normalize_answer(reference) for reference in references}
    return _best(lambda text: float(normalize_answer(text) in gold), prediction, prefix)


@metric_function(1, own_rule=True)
def helmet_label(prediction: str, references: list[str]) -> float:
    """1 when the reply, or what follows `label:`, is the gold label (in-context learning)."""
    return helmet_exact(prediction, references, prefix="label:")


@metric_function(1, own_rule=True)
def helmet_f1(prediction: str, references: list[str], *, prefix: str = "Answer:") -> float:
    """Token F1 with the guard for yes and no."""
    return _best(lambda text: hotpotqa_f1(text, references), prediction, prefix)


@metric_function(1, own_rule=True)
def helmet_rouge_l(prediction: str, references: list[str], *, prefix: str = "Answer:") -> float:
    """ROUGE-L F1 of `rouge-score` with stemming (InfBench QA)."""
    return _best(lambda text: google(text, references, "rougeL", stemmer=True), prediction, prefix)


@metric_function(1, own_rule=True)
def helmet_choice(prediction: str, references: list[str], *, prefix: str = "Answer:") -> float:
    """1 when the reply is the gold letter, or holds the option as `A. text` (InfBench MC).

    References are the letter and the text, or `A. text`.
    """
    texts = [reference for reference in references if len(reference.strip()) > 1]
    letters = [reference.strip() for reference in references if len(reference.strip()) == 1]
    whole = [f"{letter}. {text}" for letter in letters for text in texts] or texts
    found = any(normalize_answer(option) in normalize_answer(prediction) for option in whole)
    return max(helmet_exact(prediction, references, prefix=prefix), float(found))


def helmet_ranking(reply: str) -> list[str]:
    """The passage ids of the longest chain `a > b > c` in a reply, without the word ID and brackets."""
    cleaned = re.sub(r"[\[\]:]", "", reply)
    cleaned = re.sub("id", "", cleaned, flags=re.IGNORECASE)
    chains = re.findall(r"\w+(?:\s*>\s*\w+)+", cleaned)
    return [part.strip() for part in max(chains, key=lambda c: c.count(">")).split(">")] if chains else []


def ndcg_at(ranking: Sequence[str], relevance: Mapping[str, int], k: int = 10) -> float:
    """nDCG@k of a ranking with graded relevance and gain = grade, as trec_eval's `ndcg_cut` (re-ranking)."""
    unique = list(dict.fromkeys(ranking))[:k]
    gained = sum(relevance.get(item, 0) / math.log2(rank + 1) for rank, item in enumerate(unique, 1))
    best = sum(g / math.log2(rank + 1) for rank, g in enumerate(sorted(relevance.values(), reverse=True)[:k], 1))
    return gained / best if best else 0.0


def long_qa_judgement(fluency: int, correctness: int) -> float:
    """HELMET's judged score of an answer, 0 to 1: fluency (0 or 1) times correctness (0 to 3) over 3."""
    return fluency * correctness / 3


def summary_judgement(
    fluency: int, supported_key_points: int, key_points: int, supported_sentences: int, sentences: int
) -> float:
    """HELMET's judged score of a summary, 0 to 1: fluency times the F1 of key-point recall and sentence precision."""
    recall = supported_key_points / key_points if key_points else 0.0
    precision = supported_sentences / sentences if sentences else 0.0
    return fluency * 2 * recall * precision / (recall + precision) if recall + precision else 0.0
