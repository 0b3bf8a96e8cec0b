"""LV-Eval's scoring rules (infinigence/LVEval, `metrics.py` and `evaluation.py` at 63e7ae9).

Officially only a row's first reference counts; without `official` the best one does.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from workbench.evaluation.metrics._registry import metric_function, rule_for
from workbench.evaluation.metrics.answer_match import bag_f1, normalize_answer, token_f1
from workbench.evaluation.metrics.chinese import normalize_zh_answer, token_f1_zh, zh_tokens, zh_words
from workbench.evaluation.metrics.rouge import pltrdy

# The benchmark's own stop words: these do not count as keywords that were found.
_STOP_WORDS_EN = (
    "and to of in her was with for it from is that his he by she they or at because be on are their what as had were "
    "about being this who but have has when which does"
)
_STOP_WORDS_ZH = (
    "的 和 是 等 在 年 可以 为 与 ‰ 了 或 一种 月 c 至 日 有 进行 于 不 中 × 根据 小 由 亩 也 要 指 法 会 元 主要 以及 "
    "通过 首先 对 然后 号 以 所 后 丁 包括 无 将 用 能 形 方面 因素 位于 而 从 到 一定 用于 但 使用 让 具有 并 亿元 "
    "万元 上 类 基于 才 来 地 片 其他 个 或者 变得 时 给 你 使 条 受 已经 带 度"
)
_STOP_EN, _STOP_ZH = frozenset(_STOP_WORDS_EN.split()), frozenset(_STOP_WORDS_ZH.split())


@metric_function(1, reads=("answer_keywords",), own_rule=True)
def lv_eval_f1(prediction: str, references: list[str], *, answer_keywords: str = "", official: bool = True) -> float:
    """Token F1, but 0 when the reply contains less than a fifth of the keywords.

    Stop words are never counted as found; officially they still count as keywords.

    >>> lv_eval_f1("London is big", ["Paris is big"], answer_keywords="Paris")
    0.0
    """
    said = normalize_answer(prediction).split()
    if answer_keywords and _keyword_share(said, normalize_answer(answer_keywords).split(), _STOP_EN, official) < 0.2:
        return 0.0
    used = references[:1] if official else references
    return max((bag_f1(said, normalize_answer(reference).split()) for reference in used), default=0.0)


@metric_function(1, reads=("answer_keywords",), own_rule=True)
def lv_eval_f1_zh(prediction: str, references: list[str], *, answer_keywords: str = "", official: bool = True) -> float:
    """Token F1 on words segmented by jieba, but 0 when the reply contains less than two fifths of the keywords.

    Without keywords, the words of the answer are used. Stop words as in `lv_eval_f1`.
    """
    said = zh_tokens(prediction)

    def score(reference: str) -> float:
        wanted = zh_tokens(answer_keywords or reference)
        if wanted and _keyword_share(said, wanted, _STOP_ZH, official) < 0.4:
            return 0.0
        return bag_f1(said, zh_tokens(reference))

    return max((score(reference) for reference in (references[:1] if official else references)), default=0.0)


def _keyword_share(said: Sequence[str], keywords: Sequence[str], stop: frozenset[str], official: bool) -> float:
    common = Counter(said) & Counter(keywords)
    hits = sum(count for word, count in common.items() if word not in stop)
    asked = len(keywords) if official else sum(word not in stop for word in keywords)
    return hits / asked if asked else 1.0


@metric_function(1, own_rule=True)
def lv_eval_rouge_zh(prediction: str, references: list[str], *, official: bool = True) -> float:
    """ROUGE-L (package `rouge`) on words segmented twice by jieba, normalised, without stop words (dureader_mixup)."""
    used = references[:1] if official else references
    return max((pltrdy(_without_stop_words(prediction), _without_stop_words(r)) for r in used), default=0.0)


def _without_stop_words(text: str) -> str:
    words = map(normalize_zh_answer, zh_words(" ".join(zh_words(text))))
    return " ".join(word for word in words if word not in _STOP_ZH)


LV_EVAL: Mapping[str, Any] = {
    **dict.fromkeys(
        ("hotpotwikiqa_mixup", "loogle_SD_mixup", "loogle_CR_mixup", "loogle_MIR_mixup", "multifieldqa_en_mixup"),
        lv_eval_f1,
    ),
    **dict.fromkeys(("multifieldqa_zh_mixup", "cmrc_mixup", "lic_mixup"), lv_eval_f1_zh),
    "factrecall_en": token_f1,
    "factrecall_zh": token_f1_zh,
    "dureader_mixup": lv_eval_rouge_zh,
}


@metric_function(1, needs=("task",), reads=("answer_keywords",), own_rule=True)
def lv_eval(
    prediction: str,
    references: list[str],
    *,
    task: str,
    answer_keywords: str = "",
    official: bool = True,
) -> float:
    """The official rule of the LV-Eval set in `task`, with or without a length, e.g. `hotpotwikiqa_mixup_16k`."""
    name, _, length = task.rpartition("_")
    rule = rule_for(LV_EVAL, name if length in ("16k", "32k", "64k", "128k", "256k") else task, "LV-Eval")
    if rule in (token_f1, token_f1_zh):
        return rule(prediction, references[:1] if official else references)
    if rule is lv_eval_rouge_zh:
        return rule(prediction, references, official=official)
    return rule(prediction, references, answer_keywords=answer_keywords, official=official)
