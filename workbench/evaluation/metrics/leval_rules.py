"""L-Eval's scoring rules (OpenLMLab/LEval at cd34b05).

A task's score is 100 times the mean. Gold answers are the rows' `outputs` (`gt` in its prediction files).
"""

from __future__ import annotations

import re
import string
from collections.abc import Mapping
from typing import Any

from workbench.evaluation.metrics._registry import metric_function, rule_for
from workbench.evaluation.metrics.answer_match import token_f1
from workbench.evaluation.metrics.rouge import google

_ARTICLES = re.compile(r"\b(a|an|the)\b")
_PUNCTUATION = str.maketrans("", "", string.punctuation)
_FILLERS = ("will be", "of the code", "is", "would be", "the value of", "the result of", "printed")


def leval_letters(reply: str, *, several: bool, official: bool = True) -> str:
    """The option letters that a reply picks. `several`: the task allows more than one (coursera).

    Officially, when only one is allowed, the first of the letters A to D anywhere in the reply decides, so "Because
    ..." picks B; and a reply without any of them picks A. Without `official`, letters have to be separate words, and a
    reply without any gives "None".

    >>> leval_letters("Because it rains", several=False), leval_letters("ABD.", several=True)
    ('B', 'ABD')
    """
    if not reply.strip():
        return "None"
    if not official:
        alone = re.findall(r"(?<![A-Za-z])([A-D]{1,4})(?![A-Za-z'])", reply.split("Question")[0])
        if not alone:
            return "None"
        return "".join(sorted(set("".join(alone)))) if several else alone[0][0]
    if reply in "ABCD":
        return reply
    if not several:
        first = re.search("[A-D]", reply)
        if first:
            return first.group()
    leading = re.match("[A-D]*", reply)
    run = leading.group() if leading else ""
    if len(run) > 1:
        return "".join(sorted(set(run)))
    rest = reply[len(run) :].split("Question")[0]
    found = run + "".join(re.findall(r"([A-Z])(?=[\s.)])", rest))
    letters = "".join(sorted({letter for letter in found if letter in "ABCD"}))
    if letters:
        return letters
    any_run = re.search("[A-D]+", reply)
    return any_run.group() if any_run else "A"


def _gold_letters(gold: str) -> str:
    words = gold.split()
    return re.sub("[^A-D]", "", words[0]) if words and re.search("[A-D]", words[0]) else "A"


def leval_exact(said: str, gold: str) -> float:
    """L-Eval's exact match of an extracted answer: 1, or 0.25 for only some of several right options.

    >>> leval_exact("A", "AC"), leval_exact("the answer: Role of Art", "role of art")
    (0.25, 1.0)
    """
    if gold and set(gold) <= set("ABCD"):
        if _cased(said) == _cased(gold):
            return 1.0
        return 0.25 if set(said) <= set(gold) else 0.0
    try:
        return float(float(said) == float(gold))
    except ValueError:
        return float(gold.lower().replace(" ", "") in said.lower().replace(" ", ""))


def _cased(text: str) -> str:
    return " ".join(_ARTICLES.sub(" ", text.translate(_PUNCTUATION)).split())


@metric_function(1, own_rule=True)
def leval_choice(prediction: str, references: list[str], *, official: bool = True) -> float:
    """1 when the reply picks the right option of A to D (L-Eval's quality and tpo)."""
    said = leval_letters(prediction, several=False, official=official)
    return max((leval_exact(said, _gold_letters(gold)) for gold in references), default=0.0)


@metric_function(1, own_rule=True)
def leval_choices(prediction: str, references: list[str], *, official: bool = True) -> float:
    """1 when the reply picks all right options of A to D, 0.25 for some and no wrong one (L-Eval's coursera)."""
    said = leval_letters(prediction, several=True, official=official)
    return max((leval_exact(said, _gold_letters(gold)) for gold in references), default=0.0)


def leval_number(reply: str) -> str:
    """The digits of a word problem's answer: after `The answer is`, else the last number of the first paragraph."""
    found = re.search(r"The answer is (\S+)", reply)
    if found:
        token = found.group(1)
    else:
        words = reply.split("\n\n")[0].split(" ")
        token = next((word for word in reversed(words) if re.search(r"\d", word)), "")
    return re.sub(r"\D", "", token.split(".")[0])


@metric_function(1, own_rule=True)
def leval_gsm(prediction: str, references: list[str]) -> float:
    """1 when the reply's final number is the gold one; `leval_number` reads both (L-Eval's gsm100)."""
    said = leval_number(prediction)
    return max((leval_exact(said, leval_number(gold)) for gold in references), default=0.0)


def _code_text(text: str) -> str:
    text = re.sub(r"\s+", " ", text)
    for mark in (",", "'", "\\", ".0"):
        text = text.replace(mark, "")
    return text.replace("] [", "][").replace("[ [", "[[").replace("] ]", "]]")


@metric_function(1, own_rule=True)
def leval_code(prediction: str, references: list[str]) -> float:
    """1 when the gold output is in the words after `the final output`, else in the last words (L-Eval's codeU)."""

    def score(gold: str) -> float:
        said = _code_text(prediction)
        for filler in _FILLERS:
            said = said.replace(filler, "")
        count = len(gold.split()) + 3
        if "the final output" in said:
            words = re.split(r"\s+", said.split("the final output")[-1])[:count]
        else:
            words = re.split(r"\s+", said)[-count:]
        return leval_exact(" ".join(words), _code_text(gold))

    return max(map(score, references), default=0.0)


@metric_function(1, own_rule=True)
def leval_topic(prediction: str, references: list[str]) -> float:
    """1 when the reply contains the gold topic, ignoring spaces and case (L-Eval's topic_retrieval_longchat)."""
    return max((leval_exact(prediction, gold) for gold in references), default=0.0)


@metric_function(1, own_rule=True)
def leval_sci_fi(prediction: str, references: list[str]) -> float:
    """Share of two right judgements, by the story and by fact, as in `True [fact: False]` (L-Eval's sci_fi).

    A reply without `[fact:` makes the official code fail; here its second judgement is wrong.
    """

    def judgements(text: str) -> list[str]:
        halves = (*text.lower().split("[fact:"), "")[:2]
        return [next((v for w in half.split() for v in ("true", "false") if v in w), "<error>") for half in halves]

    said = judgements(prediction)
    best = 0.0
    for gold in references:
        best = max(best, sum(a == b for a, b in zip(said, judgements(gold), strict=True)) / 2)
    return best


@metric_function(1, own_rule=True)
def leval_rouge(prediction: str, references: list[str]) -> float:
    """Geometric mean of ROUGE-1, -2 and -L F1 of `rouge-score` for one answer.

    L-Eval reports another figure, the geometric mean of the three means over all answers: see `geometric_rouge`.
    """
    product = 1.0
    for variant in ("rouge1", "rouge2", "rougeL"):
        product *= google(prediction, references, variant)
    return float(product ** (1 / 3))


def geometric_rouge(predictions: list[str], references: list[list[str]]) -> dict[str, float]:
    """L-Eval's ROUGE of a task, in percent: the mean rouge1, rouge2 and rougeL, and the geometric mean of the three."""
    means = {
        variant: 100
        * sum(google(p, r, variant) for p, r in zip(predictions, references, strict=True))
        / len(predictions)
        for variant in ("rouge1", "rouge2", "rougeL")
    }
    return means | {"geometric_mean": float((means["rouge1"] * means["rouge2"] * means["rougeL"]) ** (1 / 3))}


LEVAL: Mapping[str, Any] = {
    "coursera": leval_choices,
    "quality": leval_choice,
    "tpo": leval_choice,
    "gsm100": leval_gsm,
    "codeU": leval_code,
    **dict.fromkeys(("topic_retrieval_longchat", "topic_retrieval"), leval_topic),
    "sci_fi": leval_sci_fi,
    **dict.fromkeys(
        ("financial_qa", "legal_contract_qa", "multidoc_qa", "narrative_qa", "natural_question", "scientific_qa"),
        token_f1,
    ),
    **dict.fromkeys(
        (
            *("gov_report_summ", "meeting_summ", "news_summ", "paper_assistant", "patent_summ", "review_summ"),
            *("tv_show_summ",),
        ),
        leval_rouge,
    ),
}


@metric_function(2, needs=("task",), own_rule=True)
def leval(prediction: str, references: list[str], *, task: str, official: bool = True) -> float:
    """The official rule of the L-Eval task whose file name is in `task`, e.g. `natural_question`."""
    rule = rule_for(LEVAL, task, "L-Eval")
    options = {"official": official} if getattr(rule, "has_lenient", False) else {}
    return rule(prediction, references, **options)
