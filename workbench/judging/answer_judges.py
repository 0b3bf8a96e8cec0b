"""Judges of long answers, by rows or by fluency and correctness: HoloBench and HELMET."""

from __future__ import annotations

from workbench.evaluation.metrics._registry import NotApplicable
from workbench.evaluation.metrics.structured_output import holobench_score
from workbench.judging.parts import Asker, Judged, Parts
from workbench.records import Score

_MOST_ROWS = 50  # gold rows of a question that are judged (HoloBench)


def holobench(asker: Asker, judged: Judged) -> list[Score]:
    """HoloBench's match of the gold rows (Maekawa et al. 2024): 1 exact, 0.5 partial, 0 none; mean over at most 50.

    Gold rows are the items of the gold answer. Where nothing fits, the answer is right when it says so.
    """
    parts = Parts(asker)
    gold = judged.references[0] if judged.references else ""
    if gold.strip().lower() in ("", "none"):
        data = {"question": judged.question, "reference answers": "nothing fits", "answer": judged.answer}
        verdict = parts.ask("rows", "no row", "correctness", "answer", data)
        return parts.scores("holobench", {"rows": (verdict.value, ("rows",))})
    labels = []
    for number, row in enumerate(gold.split(", ")[:_MOST_ROWS], 1):
        data = {"question": judged.question, "row": row, "answer": judged.answer}
        labels.append(parts.ask("rows", f"row {number}", "row", "answer", data).label or "none")
    unread = parts.unread("rows")
    return parts.scores("holobench", {"rows": (None if unread else holobench_score(labels), ("rows",))})


def helmet_long_qa(asker: Asker, judged: Judged) -> list[Score]:
    """HELMET's score of a long answer: fluency (0 or 1) times correctness (0 to 3, over 3)."""
    if not judged.references:
        raise NotApplicable("the question has no gold answer")
    parts = Parts(asker)
    fluent = parts.ask("fluency", "the answer", "helmet_fluency", "answer", {"answer": judged.answer}).value
    gold = "\n".join(f"- {reference}" for reference in judged.references)
    data = {"question": judged.question, "reference answers": gold, "answer": judged.answer}
    right = parts.ask("correctness", "the answer", "helmet_correctness", "answer", data).value
    both = ("fluency", "correctness")
    return parts.scores(
        "helmet_long_qa",
        {
            "score": ((fluent or 0.0) * (right or 0.0), both),
            "fluency": (fluent, both[:1]),
            "correctness": (right, both[1:]),
        },
    )
