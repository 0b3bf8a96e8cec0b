"""Detecting answers that say there is no answer."""

from __future__ import annotations

import re

from workbench.evaluation.metrics._registry import metric_function
from workbench.evaluation.metrics.answer_match import normalize_answer
from workbench.text import sentences

_SHORT = 40  # words; a longer text with such a phrase usually goes on to answer
_SOURCE = (
    r"(?:text|context|document|passage|story|conversation|paper|article|report|book|chunk|transcript|excerpt|meeting|"
    r"statement|information|material|snippet|filing|novel|history|chat)s?"
)
_NOT_SAID = (
    r"(?:say|mention|state|contain|provide|specify|include|give|reveal|indicate|discuss|disclose|address|detail|describe|"
    r"offer|outline|explicitly)"
)
_REFUSAL = re.compile(
    r"^(?:(?:it|this|that|question|answer) (?:is|was) )?(?:unanswerable|not answerable|unknown|no answer|none|not (?:"
    r"explicitly )?(?:mentioned|stated|given|specified|provided|found|available|disclosed|discussed)|no information|"
    r"no mention|cannot (?:be )?(?:answer(?:ed)?|determined?)|cant (?:answer|determine|find)|"
    r"(?:i )?(?:do|does|did)(?: not|nt) (?:say|mention|know)|insufficient information|"
    r"there (?:is|was) no (?:information|mention))\b"
)
_ANYWHERE = re.compile(
    r"\b(?:question|it|this|answer) (?:can ?not|cant|could not) be (?:answered|determined|found)\b|"
    rf"\bunanswerable\b|\b{_SOURCE}(?: \w+){{0,3}} (?:do(?:es)? not|doesnt|dont|did not|didnt) {_NOT_SAID}\b|"
    r"\b(?:not|never) (?:explicitly |specifically |directly )?(?:mentioned|stated|specified|provided|given|disclosed|"
    r"discussed|included|found) (?:in|within|by|anywhere)\b|"
    r"^(?:but )?you (?:have )?(?:never|not|did not|didnt|havent) (?:mention(?:ed)?|sa(?:y|id)|t(?:ell|old))\b|"
    r"\bno (?:\w+ )?(?:information|mentions?|details?) \w+"
)


def abstains(text: str) -> bool:
    """True when the reply begins with a refusal, or when its first sentence, or a whole reply of at most 40 words, says
    that the text does not contain the answer.

    A match of phrases only. Of LaRA's gold answers it finds all 122 refusals on books and filings and nothing else.

    >>> abstains("Unanswerable."), abstains("It is not mentioned."), abstains("Paris")
    (True, True, False)
    """
    said = normalize_answer(text)
    if not said:
        return False
    if _REFUSAL.match(said):
        return True
    opening = normalize_answer(next(iter(sentences(text)), ""))
    return any(len(part.split()) <= _SHORT and _ANYWHERE.search(part) for part in (said, opening))


@metric_function(3)
def abstention(prediction: str, references: list[str]) -> float:
    """1 when the prediction says that there is no answer; for unanswerable questions."""
    return float(abstains(prediction))
