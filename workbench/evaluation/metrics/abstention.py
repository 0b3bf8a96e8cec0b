"""Did the answer say that there is no answer?"""

from __future__ import annotations

import re

from workbench.evaluation.metrics._registry import metric_function
from workbench.evaluation.metrics.answer_match import normalize_answer

_REFUSAL = re.compile(
    r"^(?:(?:it|this|that|question) (?:is|was) )?(?:unanswerable|not answerable|unknown|no answer|none|not (?:"
    r"mentioned|stated|given|specified|provided|found|available)|no information|"
    r"cannot (?:be )?(?:answer(?:ed)?|determined?)|cant answer|do(?:es)? not (?:say|mention|know)|"
    r"insufficient information)\b"
)
_ANYWHERE = re.compile(
    r"\b(?:unanswerable|(?:text|context|document|passage|story|conversation)s? (?:do(?:es)? not|doesnt|did not) "
    r"(?:say|mention|state|contain|provide|specify)|not mentioned in)\b"
)


def abstains(text: str) -> bool:
    """True when the reply begins with a refusal, or says in a short reply that the text does not hold the answer.

    >>> abstains("Unanswerable."), abstains("It is not mentioned."), abstains("Paris")
    (True, True, False)
    """
    said = normalize_answer(text)
    if not said:
        return False
    return bool(_REFUSAL.match(said)) or (len(said.split()) <= 40 and bool(_ANYWHERE.search(said)))


@metric_function(1)
def abstention(prediction: str, references: list[str]) -> float:
    """1 when the prediction abstains; for unanswerable questions."""
    return float(abstains(prediction))
