"""ROUGE: our own ROUGE-L, and the two packages whose numbers benchmarks publish.

The packages differ strongly. `rouge` (pltrdy) counts *distinct* words, splits sentences at full stops and does not
lower-case; `rouge-score` (Google) lower-cases, keeps only letters and digits, and counts every occurrence.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from workbench.evaluation.metrics._registry import metric_function
from workbench.evaluation.metrics.answer_match import normalize_answer
from workbench.evaluation.metrics.chinese import zh_words


@metric_function(1)
def rouge_l(prediction: str, references: list[str]) -> float:
    """Best ROUGE-L F1 (longest common subsequence, Lin 2004) over the references, on SQuAD-normalised words.

    Its values differ from those of the packages `rouge` and `rouge-score`, which the benchmarks' own metrics use.
    """
    words = normalize_answer(prediction).split()
    return max((_lcs_f1(words, normalize_answer(reference).split()) for reference in references), default=0.0)


def lcs_length(a: Sequence[object], b: Sequence[object]) -> int:
    """Length of the longest common subsequence.

    >>> lcs_length("abcd", "xbxd")
    2
    """
    row = [0] * (len(b) + 1)
    for item in a:
        diagonal = 0
        for column, other in enumerate(b, 1):
            above = row[column]
            row[column] = diagonal + 1 if item == other else max(above, row[column - 1])
            diagonal = above
    return row[-1]


def _lcs_f1(prediction: list[str], reference: list[str]) -> float:
    common = lcs_length(prediction, reference)
    if common == 0:
        return 0.0
    precision, recall = common / len(prediction), common / len(reference)
    return 2 * precision * recall / (precision + recall)


@lru_cache(maxsize=1)
def _pltrdy() -> Any:
    from rouge import Rouge

    return Rouge()


def pltrdy(hypothesis: str, reference: str, variant: str = "rouge-l", part: str = "f") -> float:
    """A score of the package `rouge` 1.0.1 for one pair, 0 where the package fails.

    It fails on an empty text and, by too deep recursion, on very long sentences; all benchmarks that use it catch that
    and score 0. `variant`: rouge-1, rouge-2 or rouge-l; `part`: f (F1), p (precision) or r (recall).
    """
    try:
        return float(_pltrdy().get_scores([hypothesis], [reference], avg=True)[variant][part])
    except (ValueError, RecursionError):
        return 0.0


@metric_function(1)
def rouge_l_pltrdy(prediction: str, references: list[str]) -> float:
    """Best `rouge-l.f` of the package `rouge` over the references (LongBench, LV-Eval, L-CiteEval)."""
    return max((pltrdy(prediction, reference) for reference in references), default=0.0)


@metric_function(1)
def rouge_1_recall_pltrdy(prediction: str, references: list[str]) -> float:
    """Best `rouge-1.r` of the package `rouge`: share of the reference's distinct words found (L-CiteEval's needles)."""
    return max((pltrdy(prediction, reference, "rouge-1", "r") for reference in references), default=0.0)


@metric_function(1)
def rouge_l_zh(prediction: str, references: list[str]) -> float:
    """Best `rouge-l.f` of the package `rouge` on words segmented by jieba (LongBench `rouge_zh_score`)."""
    said = " ".join(zh_words(prediction))
    return max((pltrdy(said, " ".join(zh_words(reference))) for reference in references), default=0.0)


@lru_cache(maxsize=16)
def _google(variant: str, stemmer: bool) -> Any:
    from rouge_score.rouge_scorer import RougeScorer

    return RougeScorer([variant], use_stemmer=stemmer)


def google(prediction: str, references: Sequence[str], variant: str, *, stemmer: bool = False) -> float:
    """Best F1 of the package `rouge-score`; `variant`: rouge1, rouge2, rougeL or rougeLsum (one sentence per line)."""
    if not references:
        return 0.0
    return float(_google(variant, stemmer).score_multi(list(references), prediction)[variant].fmeasure)


@metric_function(1)
def rouge_1_google(prediction: str, references: list[str]) -> float:
    """Best ROUGE-1 F1 of `rouge-score`, without stemming."""
    return google(prediction, references, "rouge1")


@metric_function(1)
def rouge_2_google(prediction: str, references: list[str]) -> float:
    """Best ROUGE-2 F1 of `rouge-score`, without stemming."""
    return google(prediction, references, "rouge2")


@metric_function(1)
def rouge_l_google(prediction: str, references: list[str]) -> float:
    """Best ROUGE-L F1 of `rouge-score`, without stemming (L-Eval, LiteraryQA)."""
    return google(prediction, references, "rougeL")


@metric_function(1)
def rouge_lsum_google(prediction: str, references: list[str]) -> float:
    """Best summary-level ROUGE-L F1 of `rouge-score`, without stemming (InfiniteBench's summaries, SCBench)."""
    return google(prediction, references, "rougeLsum")
