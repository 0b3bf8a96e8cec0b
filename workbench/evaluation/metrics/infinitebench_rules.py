"""InfiniteBench's scoring rules (OpenBMB/InfiniteBench, `compute_scores.py` at 88b3daa); task scores are means.

References are a row's `ground_truth` list (or its single value) as strings. Their order matters to some rules.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from workbench.evaluation.metrics._registry import metric_function, rule_for
from workbench.evaluation.metrics.answer_match import token_f1
from workbench.evaluation.metrics.chinese import character_f1_zh
from workbench.evaluation.metrics.numeric import numbers
from workbench.evaluation.metrics.rouge import rouge_lsum_google


def _spaced(text: str, marks: str) -> str:
    for mark in marks:
        text = text.replace(mark, " ")
    return text


@metric_function(1, own_rule=True)
def infinitebench_digits(prediction: str, references: list[str]) -> float:
    """1 when the reply's first run of digits is the gold answer (passkey, number_string)."""
    found = re.search(r"\d+", prediction)
    return float(found is not None and found.group() == references[0])


@metric_function(1, own_rule=True)
def infinitebench_kv(prediction: str, references: list[str]) -> float:
    """1 when the gold value is one of the reply's words, without punctuation (kv_retrieval)."""
    return float(references[0] in _spaced(prediction, "\n:\"'.,?!{}").split())


@metric_function(1, own_rule=True)
def infinitebench_code_run(prediction: str, references: list[str], *, official: bool = True) -> float:
    """1 when the reply's last word is the gold integer (code_run).

    Without `official`, the last number counts when the last word is not an integer, as in `is 5 (five)`.
    """
    words = _spaced(prediction.strip(), "\n.`'\":").split()
    try:
        said = int(words[-1])
    except (IndexError, ValueError):
        found = [] if official else numbers(prediction)
        return float(bool(found) and found[-1] == float(references[0]))
    return float(said == int(references[0]))


@metric_function(1, own_rule=True)
def infinitebench_code_debug(prediction: str, references: list[str], *, official: bool = True) -> float:
    """1 when the reply picks the faulty function (code_debug); references are (function, letter).

    The letter at the reply's start as `X.` or `X:` is right. Else the letter or function has to follow one of the
    phrases `answer is:`, `is:`, `answer:`, `correct option is:`; the first of this list that occurs decides. Without
    `official`, a reply is also right when its only option letter is the gold one, or when it has no option letter and
    names the function.
    """
    function, letter = references[0], references[1]
    said = prediction.strip()
    if said[:2] in (f"{letter}.", f"{letter}:"):
        return 1.0
    said = _spaced(said, "\n`'\"-*").replace("Option", " ").replace("option", " ")
    said = re.sub(" {2,}", " ", said)
    for phrase in ("answer is:", "is:", "answer:", "correct option is:"):
        at = said.find(phrase)
        if at >= 0:
            rest = said[at + len(phrase) + 1 :]
            if rest.startswith((letter, function)):
                return 1.0
            break
    if official:
        return 0.0
    letters = set(re.findall(r"\b([A-D])[.:)]", said))
    return float(letters == {letter} or (not letters and function in prediction))


@metric_function(1, own_rule=True)
def infinitebench_math_find(prediction: str, references: list[str], *, official: bool = True) -> float:
    """1 when the reply's first number is the gold answer (math_find).

    The official code fails on a decimal reply when the gold is an integer (0 here); without `official`, 88.0 equals 88.
    """
    found = re.search(r"\d+\.\d+|\d+", prediction)
    if found is None:
        return 0.0
    gold = str(references[0])
    whole = re.fullmatch(r"-?\d+", gold) is not None
    if official and whole and "." in found.group():
        return 0.0
    return float(float(found.group()) == float(gold))


@metric_function(1, own_rule=True)
def infinitebench_math_calc(
    prediction: str, references: list[str], *, official: bool = True, drop_first: bool = False
) -> float:
    """Share of the intermediate values given before the first wrong one (math_calc); references are these values.

    Signs are ignored. `drop_first` leaves out the reply's first number, as the official code does for GPT-4. Without
    `official`, the better of both readings counts.
    """
    said = re.findall(r"\d+", prediction)
    starts = [said[1:] if drop_first else said] if official else [said, said[1:]]
    best = 0
    for values in starts:
        right = 0
        for value, gold in zip(values, references, strict=False):
            if int(value) != int(gold):
                break
            right += 1
        best = max(best, right)
    return best / len(references)


@metric_function(1, own_rule=True)
def infinitebench_dialogue(prediction: str, references: list[str], *, official: bool = True) -> float:
    """1 when the first gold name is one of the reply's upper-cased words (longdialogue_qa_eng).

    Without `official`, when any gold name appears in the reply, in any case.
    """
    said = _spaced(prediction.strip(), "\n:\"'.,?!{}").upper()
    if official:
        return float(references[0] in said.split())
    return float(any(f" {name.upper()} " in f" {' '.join(said.split())} " for name in references))


@metric_function(1, own_rule=True)
def infinitebench_choice(prediction: str, references: list[str], *, official: bool = True) -> float:
    """1 when the reply picks the gold option; references are its text and its letter (longbook_choice_eng).

    Officially the first character decides when it is one of ABCD, so "Because ..." picks B; and any later word that is
    a part of "ABCD" is taken for a letter, such as "AB". Without `official`, only single letters count.
    """
    said = prediction.strip()
    if not said:
        return 0.0
    alone = re.match(r"[ABCD](?![A-Za-z])", said)
    if said[0] in "ABCD" and (official or alone):
        return float(said[0] in references)
    if said in references:
        return 1.0
    said = re.sub(" {2,}", " ", _spaced(said, "\n\"'.,?!{}"))
    for phrase in ("answer is:", "answer:", "answer is", "option is"):
        at = said.find(phrase)
        if at >= 0:
            return float(said[at + len(phrase) + 1 :].startswith(tuple(references)))
    for word in said.split():
        if word in "ABCD" and (official or len(word) == 1):
            return float(word in references)
    return float(not official and any(len(r) > 1 and r in prediction for r in references))


INFINITEBENCH: Mapping[str, Any] = {
    "passkey": infinitebench_digits,
    "number_string": infinitebench_digits,
    "kv_retrieval": infinitebench_kv,
    "longbook_sum_eng": rouge_lsum_google,
    "longbook_choice_eng": infinitebench_choice,
    "longbook_qa_eng": token_f1,
    "longbook_qa_chn": character_f1_zh,
    "longdialogue_qa_eng": infinitebench_dialogue,
    "math_find": infinitebench_math_find,
    "math_calc": infinitebench_math_calc,
    "code_run": infinitebench_code_run,
    "code_debug": infinitebench_code_debug,
}


@metric_function(1, needs=("task",), own_rule=True)
def infinitebench(prediction: str, references: list[str], *, task: str, official: bool = True) -> float:
    """The official rule of the InfiniteBench task named in `task`, e.g. `longbook_qa_eng`."""
    rule = rule_for(INFINITEBENCH, task, "InfiniteBench")
    options = {"official": official} if getattr(rule, "has_lenient", False) else {}
    return rule(prediction, references, **options)
