"""LongBench v1's and v2's scoring rules (THUDM/LongBench, `eval.py` and `metrics.py` at 2e00731).

A data set's score is 100 times the mean over its rows, rounded to 2 digits.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from workbench.evaluation.metrics._registry import metric_function, task_name
from workbench.evaluation.metrics.answer_match import token_f1
from workbench.evaluation.metrics.chinese import token_f1_zh
from workbench.evaluation.metrics.rouge import rouge_l_pltrdy, rouge_l_zh
from workbench.evaluation.metrics.string_distance import edit_similarity

_FIRST_LINE = frozenset({"trec", "triviaqa", "samsum", "lsht"})


@metric_function(1, needs=("all_classes",), own_rule=True)
def longbench_classification(
    prediction: str, references: list[str], *, all_classes: Sequence[str], official: bool = True
) -> float:
    """1 / n when the gold class is among the n classes that the reply names, else 0 (trec, lsht).

    A class whose name is a part of the gold class's name does not count. The official code removes such classes from
    the list that it is iterating over, so it skips the check of the class after each; without `official` all are
    checked, and case does not matter.
    """
    return max((_classification(prediction, gold, all_classes, official) for gold in references), default=0.0)


def _classification(prediction: str, gold: str, classes: Sequence[str], official: bool) -> float:
    if not official:
        said = prediction.lower()
        named = [c for c in classes if c.lower() in said and (c == gold or c.lower() not in gold.lower())]
        return 1 / len(named) if gold in named else 0.0
    named = [c for c in classes if c in prediction]
    position = 0
    while position < len(named):
        if named[position] in gold and named[position] != gold:
            named.pop(position)  # the next one moves to this place and is skipped, as in the official code
        position += 1
    return 1 / len(named) if gold in named else 0.0


@metric_function(1, own_rule=True)
def longbench_count(prediction: str, references: list[str], *, official: bool = True) -> float:
    """Share of the reply's numbers that equal the gold one (passage_count).

    Officially they are compared as strings; without `official`, leading zeros are ignored.

    >>> longbench_count("05", ["5"]), longbench_count("05", ["5"], official=False)
    (0.0, 1.0)
    """
    return max((_share(prediction, gold, official) for gold in references), default=0.0)


@metric_function(1, own_rule=True)
def longbench_retrieval(prediction: str, references: list[str], *, official: bool = True) -> float:
    """Share of the reply's numbers that equal the gold paragraph's number; gold is `Paragraph 12` or `段落12`.

    Without `official`, only the numbers that follow the word paragraph count, if there are any.
    """
    best = 0.0
    for gold in references:
        wanted = re.search(r"(?:Paragraph |段落)(\d+)", gold)
        if wanted is None:
            continue
        said = prediction
        if not official:
            said = " ".join(re.findall(r"(?:paragraph |段落)(\d+)", prediction, re.I)) or prediction
        best = max(best, _share(said, wanted.group(1), official))
    return best


def _share(prediction: str, gold: str, official: bool) -> float:
    numbers: list[str] = re.findall(r"\d+", prediction)
    if not numbers:
        return 0.0
    if official:
        return sum(number == str(gold) for number in numbers) / len(numbers)
    return sum(number.lstrip("0") == str(gold).lstrip("0") for number in numbers) / len(numbers)


@metric_function(1, own_rule=True)
def longbench_code(prediction: str, references: list[str], *, official: bool = True) -> float:
    """Edit similarity of the first line that is neither a code fence nor a comment (lcc, repobench-p).

    Officially that line may be blank, and lines of code with a comment behind them are skipped; without `official`
    blank lines are skipped, and of lines with comments only those that begin with one.
    """
    chosen = ""
    for line in prediction.lstrip("\n").split("\n"):
        if official:
            passed_over = any(mark in line for mark in ("`", "#", "//"))
        else:
            passed_over = not line.strip() or line.strip().startswith(("`", "#", "//"))
        if not passed_over:
            chosen = line
            break
    return edit_similarity(chosen, references)


LONGBENCH: Mapping[str, Any] = {
    **dict.fromkeys(
        ("narrativeqa", "qasper", "multifieldqa_en", "hotpotqa", "2wikimqa", "musique", "triviaqa"), token_f1
    ),
    "multifieldqa_zh": token_f1_zh,
    **dict.fromkeys(("gov_report", "qmsum", "multi_news", "samsum"), rouge_l_pltrdy),
    **dict.fromkeys(("dureader", "vcsum"), rouge_l_zh),
    **dict.fromkeys(("trec", "lsht"), longbench_classification),
    "passage_count": longbench_count,
    **dict.fromkeys(("passage_retrieval_en", "passage_retrieval_zh"), longbench_retrieval),
    **dict.fromkeys(("lcc", "repobench-p"), longbench_code),
}


@metric_function(2, needs=("task",), reads=("all_classes",), own_rule=True)
def longbench(
    prediction: str,
    references: list[str],
    *,
    task: str,
    all_classes: Sequence[str] = (),
    official: bool = True,
) -> float:
    """The official rule of the LongBench v1 data set named in `task`, e.g. `hotpotqa`; the best reference counts.

    For trec, triviaqa, samsum and lsht only the reply's first line is scored.
    """
    name = task_name(LONGBENCH, task, "LongBench")
    rule = LONGBENCH[name]
    if name in _FIRST_LINE:
        prediction = prediction.lstrip("\n").split("\n")[0]
    options: dict[str, Any] = {"official": official} if getattr(rule, "has_lenient", False) else {}
    if rule is longbench_classification:
        options["all_classes"] = all_classes
    return float(rule(prediction, references, **options))


def longbench_letter(reply: str, *, official: bool = True) -> str | None:
    """The option that a LongBench v2 reply names; None when it does not follow the requested format.

    >>> longbench_letter("**The correct answer is (B)**"), longbench_letter("Answer: B")
    ('B', None)
    """
    said = reply.replace("*", "")
    patterns = [r"The correct answer is \(([A-D])\)", r"The correct answer is ([A-D])"]
    if not official:
        patterns += [r"(?i:the correct answer is):?\s*\(?([A-D])\b", r"(?i:answer)(?i: is)?:?\s*\(?([A-D])\b"]
        patterns += [r"^\s*\(?([A-D])\)?\s*[.:)]?\s*$"]
    for pattern in patterns:
        match = re.search(pattern, said)
        if match:
            return match.group(1)
    return None


@metric_function(1, own_rule=True)
def longbench_v2(prediction: str, references: list[str], *, official: bool = True) -> float:
    """1 when the reply says `The correct answer is (X)` with the gold letter.

    Without `official`, similar wordings and a bare letter are accepted too.
    """
    letter = longbench_letter(prediction, official=official)
    return float(letter is not None and letter in {reference.strip() for reference in references})


@metric_function(1, own_rule=True)
def longbench_v2_compensated(prediction: str, references: list[str]) -> float:
    """`longbench_v2`, but 0.25, the value of a guess, for a reply without a letter (an option of the official code)."""
    return 0.25 if longbench_letter(prediction) is None else longbench_v2(prediction, references)
