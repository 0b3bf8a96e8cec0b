"""Micro cases: single predictions with the official scorer's value, to check our metrics against.

Each case has the benchmark, our metric, the prediction and references, the metric's options and the official value. The
values come from running the official code at the commits that the metrics' files name.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class MicroCase:
    """One scored prediction; `official` is the official scorer's value, 0 to 1, rounded to `digits` decimals."""

    benchmark: str
    metric: str
    prediction: str
    references: tuple[str, ...]
    official: float
    options: Mapping[str, Any] = field(default_factory=dict)
    digits: int = 4


def _longbench(task: str, prediction: str, gold: str, official: float, **options: Any) -> MicroCase:
    return MicroCase("LongBench", "longbench", prediction, (gold,), official, {"task": task, **options})


_ANIMALS = ("Animal", "Animal organ", "Body part")
_ORGANS = ("Animal", "Animal organ", "Organ of body")

_LONGBENCH = (
    _longbench("hotpotqa", "The Eiffel-Tower, in Paris.", "Eiffel Tower", 0.0),
    _longbench("hotpotqa", "It is the Eiffel Tower in Paris", "the Eiffel Tower", 0.5),
    _longbench("hotpotqa", "a the an", "the", 0.0),
    _longbench("hotpotqa", "cost is 1,000.5 dollars", "1000.5", 0.4),
    _longbench("hotpotqa", "naïve “quoted” answer", "quoted", 0.0),
    _longbench("multifieldqa_zh", "答案是 北京大学", "北京大学", 0.5),
    _longbench("gov_report", "The cat sat on the mat.", "the cat sat on the mat", 0.9091),
    _longbench("gov_report", "the cat sat on the mat", "on the mat sat the cat", 0.4),
    _longbench("gov_report", "A b c. D e f.", "D e f. A b c.", 1.0),
    _longbench("gov_report", "police killed the gunman", "police kill the gunman", 0.75),
    _longbench("gov_report", "the cat the cat", "the cat", 1.0),
    _longbench("dureader", "今天天气很好", "今天天气非常好", 0.6667),
    _longbench("trec", "Type: Animal organ", "Animal", 0.5, all_classes=_ANIMALS),
    _longbench("trec", "Animal organ", "Animal organ", 1.0, all_classes=_ORGANS),
    _longbench("trec", "animal", "Animal", 0.0, all_classes=_ANIMALS),
    _longbench("passage_count", "There are 5 paragraphs, maybe 6 or 5", "5", 0.6667),
    _longbench("passage_count", "05", "5", 0.0),
    _longbench("passage_retrieval_en", "Paragraph 12 (of 30)", "Paragraph 12", 0.5),
    _longbench("lcc", "x = 1 # set", "x = 1", 0.0),
    _longbench("lcc", "\n\nreturn a+b\nfoo", "return a + b", 0.91),
    _longbench("lcc", "return(a)", "return (a, b)", 0.82),
    _longbench("lcc", "```\nx=1", "x=1", 1.0),
)

_LONGBENCH_V2 = (
    MicroCase("LongBench v2", "longbench_v2", "**The correct answer is (B)**", ("B",), 1.0),
    MicroCase("LongBench v2", "longbench_v2", "the correct answer is (B)", ("B",), 0.0),
    MicroCase("LongBench v2", "longbench_v2", "The correct answer is B", ("B",), 1.0),
    MicroCase("LongBench v2", "longbench_v2", "Answer: B", ("B",), 0.0),
)


def _lv(task: str, prediction: str, gold: str, official: float, keywords: str = "") -> MicroCase:
    options = {"task": task, **({"answer_keywords": keywords} if keywords else {})}
    return MicroCase("LV-Eval", "lv_eval", prediction, (gold,), official, options)


_LV_EVAL = (
    _lv("hotpotwikiqa_mixup", "the capital of the country is Paris", "Paris", 0.3333, "Paris"),
    _lv("hotpotwikiqa_mixup", "London is big", "Paris is big", 0.0, "Paris"),
    _lv(
        "hotpotwikiqa_mixup",
        "John was born in 1950 to a farmer",
        "John Smith was born in 1950",
        0.7692,
        "John Smith of Ohio born in Dayton",
    ),
    _lv("cmrc_mixup", "他住在北京", "北京", 0.4),
    _lv("cmrc_mixup", "他住在上海", "北京", 0.0),
    _lv("dureader_mixup", "今天的天气很好", "今天天气很好", 0.5714),
)


def _locomo(category: int, prediction: str, gold: str, official: float) -> MicroCase:
    return MicroCase("LoCoMo", "locomo", prediction, (gold,), official, {"category": category})


_LOCOMO = (
    _locomo(4, "She went running and hiking", "run and hike", 0.6667),
    _locomo(2, "7 May, 2023", "7 May 2023", 1.0),
    _locomo(1, "pottery", "pottery, camping, swimming", 0.3333),
    _locomo(4, "the and a", "the", 0.0),
)


def _oolong(prediction: str, gold: str, official: float, answer_type: str = "ANSWER_TYPE.LABEL") -> MicroCase:
    return MicroCase("Oolong synth", "oolong_synth", prediction, (gold,), official, {"answer_type": answer_type})


_OOLONG = (
    _oolong("Label: **spam**", "['spam']", 1.0),
    _oolong("Label: Spam", "['spam']", 0.0),
    _oolong("Answer: 10", "[12]", 0.5625, "ANSWER_TYPE.NUMERIC"),
    _oolong("There are about 12 of them in the data", "[12]", 0.0, "ANSWER_TYPE.NUMERIC"),
    _oolong("12", "[12]", 1.0, "ANSWER_TYPE.NUMERIC"),
    _oolong("Answer: human being is more common than entity", "['more common than']", 1.0),
    _oolong("Date: May 01, 2023", "[datetime.date(2023, 5, 1)]", 1.0, "ANSWER_TYPE.DATE"),
    MicroCase("Oolong real", "oolong_real", "\\boxed{5}", ("7",), 0.5625),
    MicroCase("Oolong real", "oolong_real", "7", ("7",), 0.0),
    MicroCase("Oolong real", "oolong_real", "\\boxed{a}", ("a, b",), 0.0),
)

_TSORT_GOLD = ("[3, 1, 4, 2]",)
_ADA_LEVAL = (
    MicroCase("Ada-LEval TSort", "ada_leval_tsort", "Answer: [3, 1, 4, 2]", _TSORT_GOLD, 1.0),
    MicroCase("Ada-LEval TSort", "ada_leval_tsort", "3 > 1 > 4 > 2", _TSORT_GOLD, 1.0),
    MicroCase("Ada-LEval TSort", "ada_leval_tsort", "Answer: [3]", _TSORT_GOLD, 1.0),
    # the official code raises a TypeError here; our score is 0
    MicroCase("Ada-LEval TSort", "ada_leval_tsort", "Answer: 3142", _TSORT_GOLD, 0.0),
    MicroCase("Ada-LEval TSort", "ada_leval_tsort", "order is 3,1,4,2 and also 1", _TSORT_GOLD, 0.0),
    MicroCase("Ada-LEval BestAnswer", "ada_leval_best_answer", "Answer: A12", ("A12",), 1.0, {"candidates": 20}),
    MicroCase("Ada-LEval BestAnswer", "ada_leval_best_answer", "Answer: A12", ("A1",), 1.0, {"candidates": 5}),
    MicroCase("Ada-LEval BestAnswer", "ada_leval_best_answer", "I think 17", ("A7",), 1.0, {"candidates": 9}),
    MicroCase("Ada-LEval BestAnswer", "ada_leval_best_answer", "none", ("???",), 1.0, {"candidates": 9}),
)

_OTHERS = (
    MicroCase("BABILong", "babilong", "none", ("none",), 0.0, {"task": "qa7", "question": "How many objects?"}),
    MicroCase("RULER", "ruler_match_all", "1234567", ("1234567", "7654321"), 0.5),
    MicroCase("RULER", "ruler_match_part", "1234567", ("1234567", "7654321"), 1.0),
)

MICRO_CASES = (*_LONGBENCH, *_LONGBENCH_V2, *_LV_EVAL, *_LOCOMO, *_OOLONG, *_ADA_LEVAL, *_OTHERS)
