"""How much of the gold evidence reached the model: was the answer there to be read?"""

from __future__ import annotations

from collections.abc import Sequence

from workbench.records import Question
from workbench.text import sentence_spans


def evidence_coverage(question: Question, prompts: Sequence[str]) -> float | None:
    """Share of the gold evidence's characters that stand in at least one prompt of the answer, 0 to 1.

    Counted span by span: a span found whole counts whole; of a span that was cut, its sentences are counted, and of a
    cut sentence its longest prefix or suffix. None when the question has no evidence.
    """
    total = sum(len(chunk.text) for chunk in question.evidence)
    if total == 0:
        return None
    return sum(_found(chunk.text, prompts) for chunk in question.evidence) / total


def _found(text: str, prompts: Sequence[str]) -> int:
    if any(text in prompt for prompt in prompts):
        return len(text)
    spans = list(sentence_spans(text))
    if len(spans) > 1:
        found = sum(_found(text[start:end], prompts) for start, end in spans)
        gaps = len(text) - sum(end - start for start, end in spans)
        return found + (gaps if found else 0)
    return max((_longest_end(text, prompt) for prompt in prompts), default=0)


def _longest_end(text: str, prompt: str, least: int = 20) -> int:
    """Length of the longest prefix or suffix of `text` inside `prompt`; under `least` characters is chance."""
    best = 0
    for from_end in (False, True):
        low, high = 0, len(text)
        while low < high:  # every prefix of a contained prefix is contained, so bisection is exact
            middle = (low + high + 1) // 2
            piece = text[-middle:] if from_end else text[:middle]
            low, high = (middle, high) if piece in prompt else (low, middle - 1)
        best = max(best, low)
    return best if best >= least else 0
