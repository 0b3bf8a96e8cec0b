"""Metrics for Chinese answers: normalisation, jieba's word segmentation, F1 over words or characters."""

from __future__ import annotations

import string
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from workbench.evaluation.metrics._registry import metric_function
from workbench.evaluation.metrics.answer_match import bag_f1

# LongBench's set contains the closing 》 but not the opening 《, so a title keeps its opening mark.
_CJK_PUNCTUATION = (
    "！？｡。＂＃＄％＆＇（）＊＋，－／：；＜＝＞＠［＼］＾＿｀｛｜｝～"
    "｟｠｢｣､、〃》「」『』【】〔〕〖〗〘〙〚〛〜〝〞〟〰〾〿–—‘’‛“”„‟…‧﹏."
)
_DELETED = str.maketrans("", "", string.punctuation + _CJK_PUNCTUATION)


def normalize_zh_answer(text: str) -> str:
    """LongBench's Chinese normalisation: lower case, without ASCII and CJK punctuation and all white space.

    >>> normalize_zh_answer("《红楼梦》， 第3回。")
    '《红楼梦第3回'
    """
    return "".join(text.lower().translate(_DELETED).split())


@lru_cache(maxsize=1)
def _jieba() -> Any:
    import logging
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # jieba's regular expressions are not raw strings, which Python warns about
        import jieba

    jieba.setLogLevel(logging.WARNING)  # otherwise it reports the building of its dictionary on stderr
    return jieba


def zh_words(text: str) -> list[str]:
    """The words of a text by `jieba.cut(text, cut_all=False)`, including white space."""
    return list(_jieba().cut(text, cut_all=False))


def zh_tokens(text: str) -> list[str]:
    """Words of the raw text, each then normalised; empty ones are dropped (LongBench)."""
    return [word for word in map(normalize_zh_answer, zh_words(text)) if word]


@metric_function(1)
def token_f1_zh(prediction: str, references: list[str]) -> float:
    """Best F1 over words segmented by jieba (LongBench `qa_f1_zh_score`)."""
    said = zh_tokens(prediction)
    return max((bag_f1(said, zh_tokens(reference)) for reference in references), default=0.0)


@metric_function(1)
def character_f1_zh(prediction: str, references: list[str]) -> float:
    """Best F1 over the characters of the normalised texts (InfiniteBench `longbook_qa_chn`).

    >>> character_f1_zh("北京。", ["北京大学"])
    0.6666666666666666
    """
    said: Sequence[str] = list(normalize_zh_answer(prediction))
    return max((bag_f1(said, list(normalize_zh_answer(reference))) for reference in references), default=0.0)
