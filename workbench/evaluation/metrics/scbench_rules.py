"""SCBench (microsoft/MInference, scbench at fb56c91) and L-CiteEval (ZetangForward/L-CITEEVAL at 6e49326)."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from workbench.evaluation.metrics._registry import metric_function, rule_for
from workbench.evaluation.metrics.answer_match import token_f1
from workbench.evaluation.metrics.chinese import character_f1_zh
from workbench.evaluation.metrics.citations import set_precision_recall_f1
from workbench.evaluation.metrics.infinitebench_rules import infinitebench_choice, infinitebench_digits
from workbench.evaluation.metrics.rouge import rouge_1_recall_pltrdy, rouge_l_pltrdy, rouge_lsum_google


@metric_function(1, own_rule=True)
def scbench_substring(prediction: str, references: list[str]) -> float:
    """1 when a gold text stands in the reply, case included (kv, hash_hop, prefix_suffix)."""
    return float(any(reference in prediction for reference in references))


@metric_function(1, own_rule=True)
def scbench_any_label(prediction: str, references: list[str], *, official: bool = True) -> float:
    """1 when any gold stands in the upper-cased reply (qa_eng, many_shot); without `official` token F1."""
    if not official:
        return token_f1(prediction, references)
    return float(any(reference.upper() in prediction.upper() for reference in references))


@metric_function(1, own_rule=True)
def scbench_math(prediction: str, references: list[str]) -> float:
    """1 when the first number is the gold; of an integer gold, when its whole part is (mf)."""
    found = re.search(r"\d+\.\d+|\d+", prediction)
    if found is None:
        return 0.0
    said = float(found.group())
    return float(said == float(references[0]) if "." in references[0] else int(said) == int(references[0]))


@metric_function(1, own_rule=True)
def scbench_variables(prediction: str, references: list[str], *, official: bool = True) -> float:
    """Share of the references that stand in the reply, case aside; officially rounded to 2 digits an answer (vt)."""
    share = sum(r.lower() in prediction.lower() for r in references) / len(references) if references else 0.0
    return round(share, 2) if official else share


SCBENCH: Mapping[str, Any] = {
    **dict.fromkeys(
        ("scbench_kv", "scbench_kv_hard", "scbench_kv_compressible", "scbench_hashhop", "scbench_prefix_suffix"),
        scbench_substring,
    ),
    **dict.fromkeys(("scbench_qa_eng", "scbench_many_shot"), scbench_any_label),
    "scbench_qa_chn": character_f1_zh,
    "scbench_vt": scbench_variables,
    "scbench_mf": scbench_math,
    "scbench_choice_eng": infinitebench_choice,
    "scbench_passkey": infinitebench_digits,
    "scbench_summary": rouge_lsum_google,
}


@metric_function(1, needs=("task",), own_rule=True)
def scbench(prediction: str, references: list[str], *, task: str, official: bool = True) -> float:
    """The rule of one turn of a SCBench task, as `scbench_kv`; a context's score is the mean of its turns."""
    rule = rule_for(SCBENCH, task if task.startswith("scbench") else f"scbench_{task}", "SCBench")
    options = {"official": official} if getattr(rule, "has_lenient", False) else {}
    return rule(prediction, references, **options)


def without_citations(text: str) -> str:
    """A reply without its bracketed citations, and without other closing brackets (as ALCE's code removes them).

    >>> without_citations("It rained [1][2]. It stopped[3].")
    'It rained. It stopped.'
    """
    return re.sub(r" ?\[\d+", "", text).replace(" |", "").replace("]", "")


@metric_function(1, own_rule=True)
def l_citeeval_qa(prediction: str, references: list[str]) -> float:
    """Token F1 of the reply's first line without citations (L-CiteEval's questions)."""
    return token_f1(without_citations(prediction.strip().split("\n")[0]), references)


@metric_function(1, own_rule=True)
def l_citeeval_summary(prediction: str, references: list[str], *, official: bool = True) -> float:
    """ROUGE-L (package `rouge`) of the reply without citations and heading (L-CiteEval's summaries).

    When the first 100 characters say "summary", what stands before the first colon is the heading. Officially only the
    first line after it counts, and a heading without colon scores 0; without `official` the whole text counts.
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
    """Right counts in the JSON field `little_penguin` over the number of gold counts; gold is a JSON list.

    As many counts as the gold has are looked at. Officially a right count that is said twice is right twice.
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
    """F1 of the first three citations of the reply's first line and the needle's passage (L-CiteEval's needles)."""
    cited = [int(number) for number in re.findall(r"\[(\d{1,9})", prediction.strip().split("\n")[0])][:3]
    if not gold_passages or gold_passages[0] not in cited:
        return 0.0
    return 2 / (len(cited) + 1)  # recall is 1, precision one of those cited: a passage that is cited twice counts twice


@metric_function(1, needs=("gold_passages",), own_rule=True)
def l_citeeval_stars_citation(prediction: str, references: list[str], *, gold_passages: Sequence[int]) -> float:
    """F1 of the set of passages in the JSON field `passage_id` and those that hold the stars (counting_stars)."""
    found = re.search(r"\{[^}]*\}", prediction)
    try:
        said = json.loads(found.group())["passage_id"] if found else []
        cited = {int(passage) for passage in said} if isinstance(said, list) else set()
    except (ValueError, KeyError, TypeError):
        return 0.0
    return set_precision_recall_f1(cited, set(gold_passages))[2]
