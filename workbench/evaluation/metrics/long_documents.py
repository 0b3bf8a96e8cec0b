"""Questions and summaries over long documents: QASPER, NarrativeQA and LiteraryQA, QMSum and SQuALITY, NovelQA."""

from __future__ import annotations

import re
from collections.abc import Sequence

from workbench.evaluation.metrics._registry import NotApplicable, metric_function
from workbench.evaluation.metrics.answer_match import token_f1
from workbench.evaluation.metrics.citations import set_precision_recall_f1
from workbench.evaluation.metrics.multi_hop import hotpotqa_f1
from workbench.evaluation.metrics.refusal import abstains
from workbench.evaluation.metrics.rouge import google


@metric_function(1, own_rule=True)
def qasper_f1(prediction: str, references: list[str], *, official: bool = True) -> float:
    """Best token F1 over the annotators' answers; yes, no and Unanswerable are treated as any other words (QASPER).

    Without `official`, a refusal in any wording matches the gold `Unanswerable`.
    """
    if not official and abstains(prediction) and any(r.strip().lower() == "unanswerable" for r in references):
        return 1.0
    return token_f1(prediction, references)


def qasper_evidence_f1(predicted: Sequence[str], annotations: Sequence[Sequence[str]]) -> float:
    """Best F1 of the sets of evidence paragraphs over the annotators; 1 when neither side has any (QASPER).

    >>> qasper_evidence_f1(["p1", "p2"], [["p1"], []])
    0.6666666666666666
    """

    def score(gold: Sequence[str]) -> float:
        return 1.0 if not gold and not predicted else set_precision_recall_f1(set(predicted), set(gold))[2]

    return max(map(score, annotations), default=0.0)


@metric_function(1, own_rule=True)
def literaryqa_f1(prediction: str, references: list[str]) -> float:
    """Best token F1 with HotpotQA's rule that yes and no must match exactly (LiteraryQA's `ngram_metrics.py`)."""
    return hotpotqa_f1(prediction, references)


@metric_function(1)
def meteor(prediction: str, references: list[str]) -> float:
    """Best METEOR of nltk on its word tokens, with alpha 0.9, beta 3, gamma 0.5 (LiteraryQA, NarrativeQA).

    Does not apply where nltk's `wordnet` and `punkt_tab` data are missing: METEOR needs synonyms.
    """
    from nltk import word_tokenize
    from nltk.translate.meteor_score import meteor_score

    try:
        gold = [word_tokenize(reference) for reference in references]
        return float(meteor_score(gold, word_tokenize(prediction), alpha=0.9, beta=3, gamma=0.5))
    except LookupError:
        raise NotApplicable(
            "METEOR needs nltk's data: python -m nltk.downloader wordnet punkt_tab, where the network is allowed"
        ) from None


@metric_function(1)
def rouge_mean(prediction: str, references: list[str]) -> float:
    """Mean of ROUGE-1, -2 and -L F1 with stemming, each with its best reference (QMSum and SQuALITY tables)."""
    return sum(google(prediction, references, v, stemmer=True) for v in ("rouge1", "rouge2", "rougeL")) / 3


@metric_function(1)
def rouge_1_stemmed(prediction: str, references: list[str]) -> float:
    """Best ROUGE-1 F1 of `rouge-score` with stemming (QMSum, SQuALITY, HELMET)."""
    return google(prediction, references, "rouge1", stemmer=True)


@metric_function(1)
def rouge_2_stemmed(prediction: str, references: list[str]) -> float:
    """Best ROUGE-2 F1 of `rouge-score` with stemming (QMSum, SQuALITY, HELMET)."""
    return google(prediction, references, "rouge2", stemmer=True)


@metric_function(1)
def rouge_l_stemmed(prediction: str, references: list[str]) -> float:
    """Best ROUGE-L F1 of `rouge-score` with stemming (QMSum, SQuALITY, HELMET)."""
    return google(prediction, references, "rougeL", stemmer=True)


@metric_function(1, own_rule=True)
def novelqa_choice(prediction: str, references: list[str], *, official: bool = True) -> float:
    """1 when the reply is the gold letter; without `official`, when its first separate letter A to D is.

    NovelQA's gold answers are hidden and its scorer is not published; its submission form asks for the exact letter.
    """
    said = prediction.strip()
    if not official:
        found = re.search(r"(?<![A-Za-z])[A-D](?![A-Za-z'])", said)
        said = found.group() if found else said
    return float(said in {reference.strip() for reference in references})
