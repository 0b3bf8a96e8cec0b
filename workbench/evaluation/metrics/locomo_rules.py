"""LoCoMo (snap-research/locomo, branch `code`): F1 on stemmed words, by the question's category.

Categories: 1 multi-hop, 2 temporal, 3 open-domain, 4 single-hop, 5 adversarial.
"""

from __future__ import annotations

import re
import string
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from workbench.evaluation.metrics._registry import metric_function
from workbench.evaluation.metrics.answer_match import bag_f1
from workbench.evaluation.metrics.refusal import abstains

_ARTICLES = re.compile(r"\b(a|an|the|and)\b")
_PUNCTUATION = str.maketrans("", "", string.punctuation)


@lru_cache(maxsize=1)
def _stemmer() -> Any:
    from nltk.stem import PorterStemmer

    return PorterStemmer()


@lru_cache(maxsize=50_000)
def _stem(word: str) -> str:
    return str(_stemmer().stem(word))


def locomo_words(text: str) -> list[str]:
    """Porter stems of the lower-cased words, without punctuation and the words a, an, the, and."""
    return [_stem(word) for word in _ARTICLES.sub(" ", text.lower().translate(_PUNCTUATION)).split()]


def locomo_f1(prediction: str, reference: str) -> float:
    """F1 of the bags of stems.

    >>> round(locomo_f1("She went running and hiking", "run and hike"), 4)
    0.6667
    """
    return bag_f1(locomo_words(prediction), locomo_words(reference))


@metric_function(1, reads=("category",), own_rule=True)
def locomo(prediction: str, references: list[str], *, category: int | str = 4, official: bool = True) -> float:
    """The score of a LoCoMo answer by its question's category: F1 on stemmed words, or refusal.

    Category 1: reply and gold are split at commas; the mean over the gold parts of each one's best F1 with a part of
    the reply. Category 3: F1 with the gold answer up to its first semicolon. Category 5: 1 when the reply says `no
    information available` or `not mentioned`; without `official`, when it abstains in any wording. Others: F1.
    """
    kind = int(category)
    if kind == 5:
        said = prediction.lower()
        refused = "no information available" in said or "not mentioned" in said
        return float(refused or (not official and abstains(prediction)))
    if kind == 1:
        return max((_parts(prediction, reference) for reference in references), default=0.0)
    gold = [reference.split(";")[0].strip() if kind == 3 else reference for reference in references]
    return max((locomo_f1(prediction, reference) for reference in gold), default=0.0)


def _parts(prediction: str, reference: str) -> float:
    said = [part.strip() for part in prediction.split(",")]
    wanted = [part.strip() for part in reference.split(",")]
    return sum(max(locomo_f1(one, part) for one in said) for part in wanted) / len(wanted)


def locomo_recall(retrieved: Sequence[str], evidence: Sequence[str], *, sessions: bool = False) -> float:
    """Share of the evidence turns (`D3:12`), or of their sessions, that were retrieved; 1 without evidence.

    >>> locomo_recall(["D1:3", "D2:1"], ["D1:3", "D4:2"])
    0.5
    """
    if not evidence:
        return 1.0
    if sessions:
        held = {turn.split(":")[0] for turn in retrieved}
        return sum(turn.split(":")[0] in held for turn in evidence) / len(evidence)
    return sum(turn in set(retrieved) for turn in evidence) / len(evidence)
