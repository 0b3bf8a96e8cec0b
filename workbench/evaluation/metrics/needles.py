"""Metrics of needle-in-a-haystack tests: NeedleBench, Needle Threading, the classic test, LongBioBench, Book-SORT."""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping, Sequence
from typing import Any

from workbench.evaluation.metrics._registry import metric_function


@metric_function(1, own_rule=True)
def needle_keyword(prediction: str, references: list[str]) -> float:
    """1 when the reply contains a gold keyword, case-sensitive (NeedleBench, single retrieval)."""
    return float(any(reference in prediction for reference in references))


@metric_function(1, own_rule=True)
def needle_keyword_share(prediction: str, references: list[str]) -> float:
    """Share of the gold keywords that the reply contains, case-sensitive (NeedleBench, multiple retrieval).

    Also replaces the judge model of the classic needle test, with the needle's words as keywords.
    """
    return sum(reference in prediction for reference in references) / len(references) if references else 0.0


@metric_function(1, own_rule=True)
def thread_exact(prediction: str, references: list[str]) -> float:
    """1 when the reply, without Python quotes or a list around it, begins with the gold value (Needle Threading)."""
    said = prediction.strip()
    try:
        parsed: Any = ast.literal_eval(said)
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        parsed = said
    said = str(parsed[0]) if isinstance(parsed, list) and len(parsed) == 1 else str(parsed)
    return float(any(said[: len(reference)] == reference for reference in references))


@metric_function(1, own_rule=True)
def thread_all(prediction: str, references: list[str]) -> float:
    """1 when the reply contains all gold values (Needle Threading in LOOM-Scope; the official rule is unpublished)."""
    return float(bool(references) and all(reference in prediction for reference in references))


@metric_function(1, own_rule=True)
def thread_share(prediction: str, references: list[str]) -> float:
    """Share of the gold values that the reply contains (for Needle Threading, not an official rule)."""
    return sum(reference in prediction for reference in references) / len(references) if references else 0.0


# LongBioBench (Thomasyyj/LongBio-Benchmark at 7238f69)


@metric_function(1, own_rule=True)
def longbio(prediction: str, references: list[str], *, official: bool = True) -> float:
    """LongBioBench's rule, by the kind of gold answer; case does not matter.

    Several references: the reply has to contain them in order. An integer: it has to be the reply's last one. A text:
    the reply has to contain it. Officially a gold of 0 never scores; without `official` it does.
    """
    if len(references) > 1:
        at = 0
        for reference in references:
            found = prediction.lower().find(reference.strip().lower(), at)
            if found < 0:
                return 0.0
            at = found + len(reference.strip())
        return 1.0
    if not references:
        return 0.0
    gold = references[0].strip()
    if re.fullmatch(r"-?\d+", gold):
        numbers = re.findall(r"\d+", prediction)
        said = int(numbers[-1]) if numbers else None
        return float(said is not None and said == int(gold) and (not official or said != 0))
    return float(gold.lower() in prediction.lower())


_CITATION = re.compile(r"\[\d+\]")


@metric_function(1, own_rule=True)
def longbio_cited_answer(prediction: str, references: list[str], *, official: bool = True) -> float:
    """`longbio` of the answers among the references, ignoring the citations (task cite, which scores them apart)."""
    return longbio(prediction, [r for r in references if not _CITATION.fullmatch(r.strip())], official=official)


@metric_function(1, own_rule=True)
def longbio_citation(prediction: str, references: list[str]) -> float:
    """`longbio` of the citations among the references, such as `[7]` (task cite)."""
    return longbio(prediction, [r for r in references if _CITATION.fullmatch(r.strip())])


@metric_function(1, needs=("ages",), own_rule=True)
def longbio_two_difference(
    prediction: str, references: list[str], *, ages: Mapping[str, int], official: bool = True
) -> float:
    """1 when the reply names exactly two of the people and their ages differ by the gold number (task twodiff)."""
    return longbio_difference(prediction, ages, int(references[0]), official=official)


def longbio_difference(prediction: str, ages: Mapping[str, int], wanted: int, *, official: bool = True) -> float:
    """1 when the reply names exactly two of the people and their ages differ by `wanted` (task twodiff).

    Officially a difference of 0 never scores.
    """
    named = [name for name in ages if name in prediction]
    if len(named) != 2 or (official and wanted == 0):
        return 0.0
    return float(abs(ages[named[0]] - ages[named[1]]) == wanted)


def longbio_idk(when_deleted: str, when_present: float, *, refusal: str = "the answer is not stated") -> float:
    """1 when the model refuses with the answer deleted from the context and is right with it (task idk)."""
    return float(refusal in when_deleted.lower() and when_present == 1.0)


def longbio_base_model(reply: str) -> str:
    """A base model's reply, cut at `Question: `; as in the official code, it loses its last character without one."""
    return reply[: reply.find("Question: ")]


@metric_function(1, own_rule=True)
def sort_accuracy(prediction: str, references: list[str]) -> float:
    """1 when the reply names the gold segment, A or B, and not the other one (Book-SORT)."""
    named = set(re.findall(r"(?<![A-Za-z])[AB](?![A-Za-z])", prediction))
    return float(named == {references[0].strip()})


def share_found(prediction: str, items: Sequence[str]) -> float:
    """Share of the items that a reply contains, in any case."""
    return sum(item.lower() in prediction.lower() for item in items) / len(items) if items else 0.0
