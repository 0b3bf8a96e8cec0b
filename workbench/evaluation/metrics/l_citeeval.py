"""L-CiteEval's rules for answers and citations (ZetangForward/L-CITEEVAL at 6e49326)."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence

from workbench.evaluation.metrics._registry import metric_function
from workbench.evaluation.metrics.answer_match import token_f1
from workbench.evaluation.metrics.citations import set_precision_recall_f1, without_citations
from workbench.evaluation.metrics.rouge import rouge_1_recall_pltrdy, rouge_l_pltrdy


@metric_function(1, own_rule=True)
def l_citeeval_qa(prediction: str, references: list[str]) -> float:
    """Token F1 of the reply's first line without citations (L-CiteEval's question answering)."""
    return token_f1(without_citations(prediction.strip().split("\n")[0]), references)


@metric_function(1, own_rule=True)
def l_citeeval_summary(prediction: str, references: list[str], *, official: bool = True) -> float:
    """ROUGE-L (package `rouge`) of the reply without citations and heading (L-CiteEval's summaries).

    When the first 100 characters contain "summary", the text before the first colon is the heading. Officially only the
    first line after it counts, and a heading without a colon scores 0; without `official` the whole text counts.
    """
    said = prediction.strip()
    if "summary" in said[:100].lower():
        heading, colon, rest = said.partition(":")
        if not colon and official:
            return 0.0
        said = rest.strip() if colon else heading
    return rouge_l_pltrdy(without_citations(said.split("\n")[0] if official else said), references)


@metric_function(1, own_rule=True)
def l_citeeval_needle(prediction: str, references: list[str]) -> float:
    """ROUGE-1 recall (package `rouge`) of the reply's first line without citations (L-CiteEval's needles)."""
    return rouge_1_recall_pltrdy(without_citations(prediction.strip().split("\n")[0]), references)


@metric_function(1, own_rule=True)
def l_citeeval_stars(prediction: str, references: list[str], *, official: bool = True) -> float:
    """Right counts in the JSON field `little_penguin` divided by the number of gold counts; gold is a JSON list.

    Only as many of the reply's counts are read as the gold list has. Officially a right count that is repeated counts
    each time.
    """
    found = re.search(r"\{[^}]*\}", prediction)
    try:
        said = json.loads(found.group())["little_penguin"] if found else []
        gold = json.loads(references[0])
    except (ValueError, KeyError, TypeError):
        return 0.0
    if not isinstance(said, list) or not isinstance(gold, list) or not gold:
        return 0.0
    counted = said[: len(gold)]
    right = [count in gold for count in counted] if official else [count in counted for count in gold]
    return sum(right) / len(gold)


@metric_function(1, needs=("gold_passages",), own_rule=True)
def l_citeeval_needle_citation(prediction: str, references: list[str], *, gold_passages: Sequence[int]) -> float:
    """F1 of the reply's citations (first line, at most 3) against the needle's passage (L-CiteEval's needles)."""
    cited = [int(number) for number in re.findall(r"\[(\d{1,9})", prediction.strip().split("\n")[0])][:3]
    if not gold_passages or gold_passages[0] not in cited:
        return 0.0
    return 2 / (len(cited) + 1)  # recall 1, precision 1 / number of citations, where repeated ones count each time


@metric_function(1, needs=("gold_passages",), own_rule=True)
def l_citeeval_stars_citation(prediction: str, references: list[str], *, gold_passages: Sequence[int]) -> float:
    """F1 of the passages in the JSON field `passage_id` against those with the stars (L-CiteEval's counting_stars)."""
    found = re.search(r"\{[^}]*\}", prediction)
    try:
        said = json.loads(found.group())["passage_id"] if found else []
        cited = {int(passage) for passage in said} if isinstance(said, list) else set()
    except (ValueError, KeyError, TypeError):
        return 0.0
    return set_precision_recall_f1(cited, set(gold_passages))[2]
