"""ROUGE-L on word sequences."""

from __future__ import annotations

from workbench.evaluation.metrics._registry import metric_function
from workbench.evaluation.metrics.answer_match import normalize_answer


@metric_function(1)
def rouge_l(prediction: str, references: list[str]) -> float:
    """Best ROUGE-L F1 (longest common subsequence, Lin 2004) over the references, on SQuAD-normalised words.

    Differs from the packages `rouge` and `rouge-score`, whose values are the metrics of the benchmarks that use them.
    """
    words = normalize_answer(prediction).split()
    return max((_lcs_f1(words, normalize_answer(reference).split()) for reference in references), default=0.0)


def _lcs_f1(prediction: list[str], reference: list[str]) -> float:
    row = [0] * (len(reference) + 1)
    for word in prediction:
        diagonal = 0
        for column, other in enumerate(reference, 1):
            above = row[column]
            row[column] = diagonal + 1 if word == other else max(above, row[column - 1])
            diagonal = above
    if row[-1] == 0:
        return 0.0
    precision, recall = row[-1] / len(prediction), row[-1] / len(reference)
    return 2 * precision * recall / (precision + recall)
