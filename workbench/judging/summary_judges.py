"""Judges of summaries, by insights, key points and sections: SummHay, HELMET and ETHIC."""

from __future__ import annotations

import json
import re

from workbench.evaluation.metrics._registry import NotApplicable
from workbench.evaluation.metrics.citations import (
    InsightVerdict,
    summhay_score,
)
from workbench.judging.parts import Asker, Judged, Parts
from workbench.records import Score
from workbench.text import sentences


def summhay(asker: Asker, judged: Judged) -> list[Score]:
    """SummHay's coverage, citation and joint score (Laban et al., EMNLP 2024): each insight against all bullets.

    Every line of the answer is a bullet. A verdict that finds an insight names the bullet by its number; without one
    the coverage stands, and citation and joint score have no value. Raises NotApplicable without the insights' texts.
    """
    texts, sources = judged.labels.get("insight_texts"), judged.labels.get("sources")
    if not texts or not sources:
        raise NotApplicable("the question has no labels insight_texts and sources")
    bullets = [line.strip() for line in judged.answer.split("\n") if line.strip()]
    shown = "\n".join(f"{number}. {bullet}" for number, bullet in enumerate(bullets, 1))
    parts = Parts(asker)
    verdicts, nameless = [], []
    for insight, text in texts.items():
        if not bullets:
            verdicts.append(InsightVerdict(insight, "NO_COVERAGE", None))
            continue
        verdict = parts.ask(
            "coverage", f"insight {insight}", "coverage", "bullets", {"insight": text, "bullets": shown}
        )
        named = re.search(r"\d{1,9}", verdict.detail)
        bullet = int(named.group()) if named and 1 <= int(named.group()) <= len(bullets) else None
        if verdict.value and bullet is None:
            nameless.append(insight)
        label = {1.0: "FULL_COVERAGE", 0.5: "PARTIAL_COVERAGE"}.get(verdict.value or 0.0, "NO_COVERAGE")
        verdicts.append(InsightVerdict(insight, label, bullet))
    score = summhay_score(bullets, verdicts, lambda insight: set(sources[insight]), official=False)
    needed = ("coverage",)
    scores = parts.scores(
        "summhay",
        {"coverage": (score.coverage, needed), "citation": (score.citation, needed), "joint": (score.joint, needed)},
    )
    if nameless:
        why = json.dumps({"reason": f"the verdict names no bullet: {', '.join(nameless)}"}, ensure_ascii=False)
        scores[1:] = [Score(score.metric, None, why) for score in scores[1:]]
    elif score.citation is None and scores[0].value is not None:
        scores[1] = Score(scores[1].metric, None, json.dumps({"reason": "no insight is covered"}))
    return scores


def helmet_summary(asker: Asker, judged: Judged) -> list[Score]:
    """HELMET's score of a summary (Yen et al., ICLR 2025): fluency times the F1 of key points told (recall) and
    sentences that the reference supports (precision). Raises NotApplicable without the label `key_points`."""
    points = judged.labels.get("key_points")
    if not points or not judged.references:
        raise NotApplicable("the question has no label key_points, or no reference summary")
    parts = Parts(asker)
    fluent = parts.ask("fluency", "the answer", "helmet_fluency", "answer", {"answer": judged.answer}).value
    for number, point in enumerate(points, 1):
        data = {"key point": str(point), "answer": judged.answer}
        parts.ask("recall", f"key point {number}", "helmet_key_point", "answer", data)
    for number, sentence in enumerate(sentences(judged.answer), 1):
        data = {"reference answers": judged.references[0], "sentence": sentence}
        parts.ask("precision", f"sentence {number}", "helmet_sentence", "sentence", data)
    recall, precision = (
        sum(verdict.value or 0.0 for _, verdict in told) / len(told) if (told := parts.told.get(figure)) else 0.0
        for figure in ("recall", "precision")
    )
    f1 = 2 * recall * precision / (recall + precision) if recall + precision else 0.0
    all_three = ("fluency", "recall", "precision")
    return parts.scores(
        "helmet_summary",
        {
            "f1": ((fluent or 0.0) * f1, all_three),
            "fluency": (fluent, all_three[:1]),
            "recall": (recall, all_three[1:2]),
            "precision": (precision, all_three[2:]),
        },
    )


def ethic_summary(asker: Asker, judged: Judged) -> list[Score]:
    """ETHIC's score of a summary by sections (Lee et al., NAACL 2025): each section's consistency, faithfulness and
    relevance from 1 to 5, over 5; a section without summary is worth 0. Raises NotApplicable for a text without marks.
    """
    sections = _sections("\n".join(judged.documents))
    if not sections:
        raise NotApplicable("the text has no marks <Section 1> or <Segment 1>")
    parts, told = Parts(asker), _sections(judged.answer)
    figures = ("consistency", "faithfulness", "relevance")
    means = []
    for figure in figures:
        total = 0.0
        for mark, section in sections.items():
            if summary := told.get(mark):
                data = {"section": section, "answer": summary}
                total += parts.ask(figure, mark, f"ethic_{figure}", "answer", data).value or 0.0
        means.append(total / len(sections))
    whole = {"score": (sum(means) / len(means), figures)}
    each = {figure: (mean, (figure,)) for figure, mean in zip(figures, means, strict=True)}
    return parts.scores("ethic", {**whole, **each})


def _sections(text: str) -> dict[str, str]:
    """The texts behind the marks of sections."""
    pieces = re.split(r"(<(?:Section|Segment) \d+>)", text)
    return {mark: body.strip() for mark, body in zip(pieces[1::2], pieces[2::2], strict=True)}
