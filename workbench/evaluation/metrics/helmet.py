"""HELMET (princeton-nlp/HELMET at 4526dfb): measures the raw and the parsed reply, and the better score counts."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence

from workbench.evaluation.metrics._registry import metric_function
from workbench.evaluation.metrics.answer_match import normalize_answer
from workbench.evaluation.metrics.citations import without_citations
from workbench.evaluation.metrics.multi_hop import hotpotqa_f1
from workbench.evaluation.metrics.rouge import google


def helmet_parsed(reply: str, prefix: str = "Answer:") -> str:
    """What follows the prefix (in any case) up to the end of its line; without the prefix, the first line.

    >>> helmet_parsed("So.\\nanswer: Paris\\nBecause"), helmet_parsed("Paris\\nBecause")
    ('Paris', 'Paris')
    """
    found = re.search(rf"{re.escape(prefix)}(.*)", reply, re.IGNORECASE)
    line = found.group(1) if found else reply.split("\n", 1)[0]
    return re.sub(f"^{re.escape(prefix)}", "", line.strip(), flags=re.IGNORECASE).strip()  # some replies repeat it


def _best(measure: Callable[[str], float], reply: str, prefix: str) -> float:
    return max(measure(reply), measure(helmet_parsed(reply, prefix)))


@metric_function(1, own_rule=True)
def helmet_sub_em(prediction: str, references: list[str], *, prefix: str = "Answer:") -> float:
    """1 when the normalised reply contains a normalised gold answer, also inside words (recall and RAG)."""
    said = normalize_answer(prediction)  # the parsed reply is a part of the raw one, so the raw one decides
    return float(any(normalize_answer(reference) in said for reference in references))


@metric_function(1, own_rule=True)
def helmet_exact(prediction: str, references: list[str], *, prefix: str = "Answer:") -> float:
    """1 when the reply, or what follows the prefix in it, equals a gold answer after normalisation."""
    gold = {normalize_answer(reference) for reference in references}
    return _best(lambda text: float(normalize_answer(text) in gold), prediction, prefix)


@metric_function(1, own_rule=True)
def helmet_label(prediction: str, references: list[str]) -> float:
    """1 when the reply, or what follows `label:` in it, is the gold label (in-context learning)."""
    return helmet_exact(prediction, references, prefix="label:")


@metric_function(1, own_rule=True)
def helmet_f1(prediction: str, references: list[str], *, prefix: str = "Answer:") -> float:
    """Token F1 with HotpotQA's rule that yes and no score only when they match exactly."""
    return _best(lambda text: hotpotqa_f1(text, references), prediction, prefix)


@metric_function(1, own_rule=True)
def helmet_rouge_l(prediction: str, references: list[str], *, prefix: str = "Answer:") -> float:
    """ROUGE-L F1 of `rouge-score` with stemming (InfBench QA)."""
    return _best(lambda text: google(text, references, "rougeL", stemmer=True), prediction, prefix)


@metric_function(1, own_rule=True)
def helmet_choice(prediction: str, references: list[str], *, prefix: str = "Answer:") -> float:
    """1 when the reply is the gold letter, or contains the option as `A. text` (InfBench MC).

    References are the letter and the text, or `A. text`.
    """
    texts = [reference for reference in references if len(reference.strip()) > 1]
    letters = [reference.strip() for reference in references if len(reference.strip()) == 1]
    whole = [f"{letter}. {text}" for letter in letters for text in texts] or texts
    found = any(normalize_answer(option) in normalize_answer(prediction) for option in whole)
    return max(helmet_exact(prediction, references, prefix=prefix), float(found))


def helmet_ranking(reply: str) -> list[str]:
    """The passage numbers of the longest chain `a > b > c` in a reply; brackets, colons and "id" are ignored."""
    cleaned = re.sub(r"[\[\]:]", "", reply).lower().replace("id", "")
    chains = [match.group() for match in re.finditer(r"\d+(?:\s*>\s*\d+)*", cleaned)]
    return list(dict.fromkeys(part.strip() for part in max(chains, key=len).split(">"))) if chains else []


def ndcg_at(ranking: Sequence[str], relevance: Mapping[str, int], k: int = 10) -> float:
    """nDCG@k of a ranking with graded relevance, where the gain is the grade, as in trec_eval's `ndcg_cut`."""
    unique = list(dict.fromkeys(ranking))[:k]
    gained = sum(relevance.get(item, 0) / math.log2(rank + 1) for rank, item in enumerate(unique, 1))
    best = sum(g / math.log2(rank + 1) for rank, g in enumerate(sorted(relevance.values(), reverse=True)[:k], 1))
    return gained / best if best else 0.0


@metric_function(1, needs=("relevance",), own_rule=True)
def helmet_ndcg10(prediction: str, references: list[str], *, relevance: Mapping[str, int]) -> float:
    """nDCG@10 of the ranking in a reply (`ID3 > ID1`) by the passages' relevance grades (re-ranking).

    >>> helmet_ndcg10("Ranking: ID7 > ID8", [], relevance={"7": 1, "8": 0})
    1.0
    """
    return ndcg_at(helmet_ranking(prediction), {str(name): int(grade) for name, grade in relevance.items()})


def _alce_text(reply: str) -> str:
    """A reply as HELMET's `eval_alce.py` reads it: joined to one line, without citations. ALCE's own code takes the
    first line instead."""
    return without_citations(re.sub(r"\n+", " ", reply))


@metric_function(1, needs=("short_answers",), own_rule=True)
def alce_str_em(prediction: str, references: list[str], *, short_answers: Sequence[Sequence[str]]) -> float:
    """Share of the sub-questions with a normalised short answer that appears in the reply (ALCE's ASQA)."""
    said = normalize_answer(_alce_text(prediction))
    hits = [any(normalize_answer(answer) in said for answer in answers) for answers in short_answers]
    return sum(hits) / len(hits) if hits else 0.0


def _alce_found(prediction: str, short_answers: Sequence[Sequence[str]]) -> int:
    """How many of the answers are among the reply's comma-separated items."""
    items = _alce_text(prediction).rstrip().rstrip(".").rstrip(",").split(",")
    said = {normalize_answer(item) for item in items} - {""}
    return sum(any(normalize_answer(alias) in said for alias in aliases) for aliases in short_answers)


@metric_function(1, needs=("short_answers",), own_rule=True)
def alce_rec_top5(prediction: str, references: list[str], *, short_answers: Sequence[Sequence[str]]) -> float:
    """Answers among the reply's items, divided by 5 or by their number if smaller; at most 1 (ALCE's QAMPARI)."""
    wanted = min(5, len(short_answers))
    return min(5, _alce_found(prediction, short_answers)) / wanted if wanted else 0.0


@metric_function(1, needs=("short_answers",), own_rule=True)
def alce_recall(prediction: str, references: list[str], *, short_answers: Sequence[Sequence[str]]) -> float:
    """Share of the answers that are among the reply's items (ALCE's QAMPARI)."""
    return _alce_found(prediction, short_answers) / len(short_answers) if short_answers else 0.0


def long_qa_judgement(fluency: int, correctness: int) -> float:
    """HELMET's judged score of an answer, 0 to 1: fluency (0 or 1) times correctness (0 to 3) divided by 3."""
    return fluency * correctness / 3


def summary_judgement(
    fluency: int, supported_key_points: int, key_points: int, supported_sentences: int, sentences: int
) -> float:
    """HELMET's judged score of a summary, 0 to 1: fluency times the F1 of key-point recall and sentence precision."""
    recall = supported_key_points / key_points if key_points else 0.0
    precision = supported_sentences / sentences if sentences else 0.0
    return fluency * 2 * recall * precision / (recall + precision) if recall + precision else 0.0
