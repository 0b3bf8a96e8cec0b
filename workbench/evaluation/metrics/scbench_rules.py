"""SCBench's scoring rules (microsoft/MInference, scbench at fb56c91)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from workbench.evaluation.metrics._registry import metric_function, rule_for
from workbench.evaluation.metrics.answer_match import token_f1
from workbench.evaluation.metrics.chinese import character_f1_zh
from workbench.evaluation.metrics.infinitebench_rules import infinitebench_choice, infinitebench_digits
from workbench.evaluation.metrics.rouge import rouge_lsum_google


@metric_function(1, own_rule=True)
def scbench_substring(prediction: str, references: list[str]) -> float:
    """1 when the reply contains a gold text, case-sensitive (kv, hashhop, prefix_suffix)."""
    return float(any(reference in prediction for reference in references))


@metric_function(1, own_rule=True)
def scbench_any_label(prediction: str, references: list[str], *, official: bool = True) -> float:
    """1 when the reply contains any gold answer, in any case (qa_eng, many_shot); without `official`, token F1."""
    if not official:
        return token_f1(prediction, references)
    return float(any(reference.upper() in prediction.upper() for reference in references))


@metric_function(1, own_rule=True)
def scbench_math(prediction: str, references: list[str]) -> float:
    """1 when the first number is the gold one; for an integer gold, only its integer part is compared (mf)."""
    found = re.search(r"\d+\.\d+|\d+", prediction)
    if found is None:
        return 0.0
    said = float(found.group())
    return float(said == float(references[0]) if "." in references[0] else int(said) == int(references[0]))


@metric_function(1, own_rule=True)
def scbench_variables(prediction: str, references: list[str], *, official: bool = True) -> float:
    """Share of the references that the reply contains, in any case; officially rounded to 2 digits per answer (vt)."""
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
    """The official rule of one turn of an SCBench task, e.g. `scbench_kv`; a context's score is its turns' mean."""
    rule = rule_for(SCBENCH, task if task.startswith("scbench") else f"scbench_{task}", "SCBench")
    options = {"official": official} if getattr(rule, "has_lenient", False) else {}
    return rule(prediction, references, **options)
